import { type Attempt, isOpen } from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { builtinTool, type EventAllowance } from '#core/remediation/tools.ts';
import type { OwnIntent } from '#core/workload/attribution.ts';

/** Events of a call come before its answer, or at most this much later. */
const GRACE_MS = 5_000;
/** How far the clocks of the daemon and of Sentinel, as they were compared, may be apart. */
const CLOCK_MARGIN_MS = 250;

export interface OwnIntentQuery {
  readonly nowMs: number;
  readonly containerId: string;
  /** The intent that the container was made under, if Sentinel made it. */
  readonly label: string | undefined;
  /** When the event happened, on our wall clock. */
  readonly eventWallMs: number;
  /** It is told of the past, and not heard as it happens: its own time says what it belongs to. */
  readonly isReplayed: boolean;
  /** Whether the tool of an intent was called. Of an intent of an earlier run nobody knows: true. */
  readonly wasCalled: (intent: string) => boolean;
}

/** What a tool of another server may cause: as much as a replacement that was restarted once. */
const FOREIGN_ALLOWANCE: EventAllowance = {
  kill: 2,
  die: 1,
  stop: 1,
  start: 1,
  restart: 1,
  pause: 1,
  unpause: 1,
  create: 1,
  rename: 2,
  destroy: 1,
};

/**
 * The intent of ours that may have caused an event on a container: one whose call is under way, or
 * ended a moment ago, or spanned the event's own time (for an event that is told late). Before the
 * call, and when there was none, nothing is ours; nor is what happened before the intent, which is
 * told late after a crash.
 */
export function ownIntentOn(state: OperatorState, query: OwnIntentQuery): OwnIntent | undefined {
  const { containerId, label } = query;
  for (const incident of Object.values(state.incidents)) {
    if (!isOpen(incident) && incident.seq < state.seq - 10_000) continue;
    for (const attempt of incident.attempts.toReversed()) {
      const place = attempt.affects.findIndex(({ container }) => container === containerId);
      const isMade =
        label !== undefined && (label === attempt.intent || label === attempt.rollbackOf);
      if ((place < 0 && !isMade) || !spans(attempt, query)) continue;
      return ownIntent(attempt, place);
    }
  }
  return undefined;
}

/** @param place of the container among those that the attempt affects; the first is its target */
function ownIntent({ intent, outcome, tool: name }: Attempt, place: number): OwnIntent {
  const tool = builtinTool(name);
  const allowance = place > 0 ? tool?.sharerEvents : tool?.events;
  const hasEnded = outcome !== undefined && outcome !== 'OutcomeUnknown';
  return { intent, allowance: allowance ?? FOREIGN_ALLOWANCE, hasEnded };
}

function spans(attempt: Attempt, query: OwnIntentQuery): boolean {
  const { nowMs, eventWallMs, isReplayed, wasCalled } = query;
  const { outcome, endedAtMs, endedAt, startedAt, verification } = attempt;
  const startMs = Date.parse(startedAt) - CLOCK_MARGIN_MS;
  // What is heard as it happens needs no clock: one that is stepped would make ours a person's.
  if (isReplayed && eventWallMs < startMs) return false;
  if (outcome === undefined || endedAtMs === undefined) return wasCalled(attempt.intent);
  if (outcome === 'NotExecuted') return false;
  // Whatever became of it may still be going on.
  if (outcome === 'OutcomeUnknown' && verification === 'Pending') return true;
  if (endedAtMs + GRACE_MS >= nowMs) return true;
  const endMs = Date.parse(endedAt ?? startedAt) + GRACE_MS;
  return eventWallMs >= startMs && eventWallMs <= endMs;
}
