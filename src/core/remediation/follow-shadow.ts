import type { Draft } from '#core/journal/data.ts';
import { about, type JudgedSituation, type Step } from './step.ts';

/**
 * Tells, once `verify.within` has passed since a decision in Shadow, what became of the workload
 * without the action: the figure that says whether it would have been worth doing.
 */
export function followShadow(situation: JudgedSituation): Step {
  const { world, policy, view, breached, history } = situation;
  const { within } = policy.spec.remediation.verify;
  const drafts: Draft[] = [];
  let recheckAtMs: number | undefined;
  for (const entry of world.state.shadowLedger[view.key] ?? []) {
    const incident = world.state.incidents[entry.incident];
    if (entry.followed || incident === undefined) continue;
    const dueMs = entry.atMs + within;
    if (dueMs > world.nowMs) {
      recheckAtMs = Math.min(dueMs, recheckAtMs ?? dueMs);
      continue;
    }
    const person =
      incident.resolution === 'HumanAction' || (history.hold?.sinceMs ?? -1) >= entry.atMs;
    const selfRecovered = person ? 'human' : breached.length === 0 ? 'yes' : 'no';
    drafts.push({
      type: 'shadow.followed',
      ...about(incident),
      data: { candidate: entry.candidate, action: entry.action, selfRecovered },
    });
  }
  return {
    drafts,
    again: drafts.length > 0,
    ...(recheckAtMs === undefined ? {} : { recheckAtMs }),
  };
}
