import type { Draft } from '#core/journal/data.ts';
import type { ShadowEntry } from '#core/journal/state.ts';
import { about, type JudgedSituation, recheck, type Step } from './step.ts';

/**
 * Tells, once `verify.within` has passed since a decision in Shadow, what became of the workload
 * without the action: the figure that says whether it would have been worth doing.
 */
export function followShadow(situation: JudgedSituation): Step {
  const { world, policy, view } = situation;
  const { within } = policy.spec.remediation.verify;
  const unfollowed = (world.state.shadowLedger[view.key] ?? []).filter(({ followed }) => !followed);
  const due = unfollowed.filter(({ atMs }) => atMs + within <= world.nowMs);
  if (due.length > 0) {
    return { drafts: due.flatMap((entry) => followed(situation, entry)), again: true };
  }
  const [first] = unfollowed;
  return recheck(first === undefined ? undefined : first.atMs + within);
}

function followed({ world, breached, history }: JudgedSituation, entry: ShadowEntry): Draft[] {
  const incident = world.state.incidents[entry.incident];
  if (incident === undefined) return [];
  const started = history.starts.at(-1);
  const person =
    incident.resolution === 'HumanAction' ||
    (history.hold?.sinceMs ?? -1) >= entry.atMs ||
    (started?.cause === 'Human' && started.atMs >= entry.atMs);
  const selfRecovered = person ? 'human' : breached.length === 0 ? 'yes' : 'no';
  const { candidate, action } = entry;
  const data = { candidate, action, selfRecovered } as const;
  return [{ type: 'shadow.followed', ...about(incident), data }];
}
