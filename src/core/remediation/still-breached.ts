import type { Verdict } from '#core/health/threshold.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { ContainerState } from '#core/workload/container.ts';
import type { JudgedSituation } from './step.ts';

/**
 * After an action that did not help and left the container down (a start that failed after its stop),
 * what was breached counts as breached still: neither its health nor an exit of its own says anything
 * then, and its restarts leave their window, while the trouble goes on. Of a container that runs, what
 * is not known is not breached.
 */
export function stillBreached(situation: JudgedSituation, incident: Incident): JudgedSituation {
  if (situation.breached.length > 0 || !isLeftDown(situation, incident)) return situation;
  const byUs = situation.history.exit?.cause === 'Sentinel';
  const unseen = incident.breached.filter((name) => {
    const verdict = situation.verdicts.get(name);
    return isUnseen(verdict) || (byUs && verdict?.kind === 'Clear');
  });
  if (unseen.length === 0) return situation;

  const sinceMs = incident.boutAtMs;
  const verdicts = new Map(situation.verdicts);
  for (const name of unseen) verdicts.set(name, { kind: 'Breached', sinceMs, value: 'not seen' });
  return { ...situation, breached: unseen, verdicts };
}

/** Down, after an action that did not help. */
export function isLeftDown({ view }: JudgedSituation, incident: Incident): boolean {
  return !IS_UP.has(view.container?.state ?? 'exited') && hasFailed(incident);
}

const IS_UP: ReadonlySet<ContainerState> = new Set(['running', 'paused', 'restarting', 'removing']);

function hasFailed({ attempts, boutAtMs }: Incident): boolean {
  const last = attempts.findLast(
    ({ outcome }) => outcome !== undefined && outcome !== 'NotExecuted',
  );
  return last !== undefined && last.startedAtMs >= boutAtMs && last.verification === 'Failed';
}

function isUnseen(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'Unknown' || verdict?.kind === 'Ignored';
}
