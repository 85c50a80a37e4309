import type { Verdict } from '#core/health/threshold.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { JudgedSituation } from './step.ts';

/**
 * After an action that did not help, a threshold that cannot be judged any more counts as breached
 * still: the action itself may have left the container down (a start that failed after its stop), and
 * then neither its health nor an exit of its own says anything, while the trouble goes on.
 */
export function stillBreached(situation: JudgedSituation, incident: Incident): JudgedSituation {
  if (situation.breached.length > 0 || !hasFailed(incident)) return situation;
  const unseen = incident.breached.filter((name) => isUnseen(situation.verdicts.get(name)));
  if (unseen.length === 0) return situation;

  const sinceMs = incident.boutAtMs;
  const verdicts = new Map(situation.verdicts);
  for (const name of unseen) verdicts.set(name, { kind: 'Breached', sinceMs, value: 'not seen' });
  return { ...situation, breached: unseen, verdicts };
}

function hasFailed({ attempts, boutAtMs }: Incident): boolean {
  const last = attempts.findLast(
    ({ outcome }) => outcome !== undefined && outcome !== 'NotExecuted',
  );
  return last !== undefined && last.startedAtMs >= boutAtMs && last.verification === 'Failed';
}

function isUnseen(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'Unknown' || verdict?.kind === 'Ignored';
}
