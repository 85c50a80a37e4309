import { formatDuration } from '#lib/duration.ts';
import type { Candidate, Situation } from './candidate.ts';
import type { Refusal, RefusalReason } from './refusal.ts';

export interface GuardContext extends Situation {
  /** The open incident that the candidate would serve. */
  readonly incident: {
    readonly name: string;
    /** Id of the candidate that a person has said yes to. */
    readonly approved?: string;
    /** A person has said no to this one. */
    readonly denied?: boolean;
  };
  readonly candidate: Candidate;
  /** On the second look, the intent that is being looked at: it does not stand in its own way. */
  readonly ownIntent?: string;
}

/** A guard's no: the words for a person, and until when it holds if time alone lifts it. */
export type No = Omit<Refusal, 'reason'>;
/** Answers only for itself; `undefined` is yes. */
export type Guard = (context: GuardContext) => No | undefined;
export type Guards = Readonly<Partial<Record<RefusalReason, Guard>>>;

/** `wait 1m30s` and when that is. */
export function until(context: GuardContext, message: string, atMs: number): No {
  const rest = formatDuration(Math.max(0, atMs - context.world.nowMs));
  return { message: `${message}, for another ${rest}`, recheckAtMs: atMs };
}
