import type { Candidate } from './candidate.ts';
import { PASSED_OVER, type Refusal } from './refusal.ts';

/** A candidate with every reason against it. */
export interface Considered {
  readonly candidate: Candidate;
  readonly blockedBy: readonly Refusal[];
}

export type Choice =
  | { readonly kind: 'Intend' | 'Shadow'; readonly candidate: Candidate; readonly byModel?: true }
  | { readonly kind: 'Wait'; readonly candidate: Candidate; readonly blockedBy: readonly Refusal[] }
  | { readonly kind: 'Exhausted' };

/**
 * The first candidate from the incident's rung on that may act. A rung that cannot act at all is
 * passed over; one that only has to wait is waited for, so a cooldown never drives up the ladder.
 *
 * @param asked the one that a person is asked about, or has said yes to
 */
export function choose(
  considered: readonly Considered[],
  rung: number,
  asked: string | undefined,
): Choice {
  for (const { candidate, blockedBy } of considered) {
    // Whoever asks for what was tried already has a reason.
    if (candidate.rung < rung && candidate.id !== asked) continue;
    const chosen = choiceOf({ candidate, blockedBy });
    if (chosen.kind !== 'Wait') return chosen;
    // A sample that is missing for a moment takes no question back: it would be asked again and again.
    const isUnknown = candidate.id === asked && !candidate.arguments.ok;
    if (!isUnknown && blockedBy.some(isPassedOver)) continue;
    return chosen;
  }
  return { kind: 'Exhausted' };
}

/** What becomes of a candidate that is picked. */
export function choiceOf({
  candidate,
  blockedBy,
}: Considered): Exclude<Choice, { kind: 'Exhausted' }> {
  if (blockedBy.length === 0) return { kind: 'Intend', candidate };
  if (blockedBy.every(({ reason }) => reason === 'Shadow')) return { kind: 'Shadow', candidate };
  return { kind: 'Wait', candidate, blockedBy };
}

/** The ladder goes on without it. */
export function isPassedOver({ reason, isPassing }: Refusal): boolean {
  return PASSED_OVER.has(reason) && isPassing !== true;
}
