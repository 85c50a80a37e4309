import { detectedAfterMs, type Expectation, endedAfterMs, type Seen } from './judge.ts';
import type { Outcome } from './play.ts';

const HEADING = ['scenario', 'service', 'detected', 'action', 'well again', 'as expected'];

/** The table at the end: a row per service, times since the sabotage. */
export function reportRows(outcomes: readonly Outcome[]): string[][] {
  const rows = outcomes.flatMap(({ scenario, seen, problems }) =>
    seen.map(({ expectation, seen: one }, index) => [
      index === 0 ? scenario.title : '',
      expectation.service,
      seconds(detectedAfterMs(one)),
      actionOf(expectation, one),
      seconds(endedAfterMs(one)),
      problems.length === 0 ? 'yes' : 'NO',
    ]),
  );
  return [HEADING, ...rows];
}

function actionOf({ end }: Expectation, { incident, refusals }: Seen): string {
  const done = incident?.status.attempts.filter(({ outcome }) => outcome !== 'NotExecuted') ?? [];
  if (done.length > 0) return done.map(({ action }) => action).join(', ');
  const reason = end.kind === 'Remediated' ? [...refusals][0] : end.heldBy;
  return reason === undefined || !refusals.has(reason) ? 'none' : `none: ${reason}`;
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`;
}

const EXCERPT = [
  'sentinel_incidents_open',
  'sentinel_incidents_total',
  'sentinel_remediations_total',
  'sentinel_remediations_blocked_total',
  'sentinel_time_to_resolve_seconds_sum',
  'sentinel_time_to_resolve_seconds_count',
  'controller_runtime_reconcile_total',
  'sentinel_outbox_lag_records',
];

/** The lines of a Prometheus exposition that speak of what happened; series at 0 are left out. */
export function metricsExcerpt(exposition: string): string[] {
  return exposition.split('\n').filter((line) => {
    const isWanted = EXCERPT.some(
      (name) => line.startsWith(`${name}{`) || line.startsWith(`${name} `),
    );
    return isWanted && !line.endsWith(' 0');
  });
}
