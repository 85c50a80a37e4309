import { isOpen } from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { OwnIntent } from '#core/workload/attribution.ts';

/** Events of a call come before its answer, or at most this much later. */
const GRACE_MS = 5_000;

export interface OwnIntentQuery {
  readonly nowMs: number;
  readonly containerId: string;
  /** The intent that the container was made under, if Sentinel made it. */
  readonly label: string | undefined;
  /** When the event happened, on our wall clock. */
  readonly eventWallMs: number;
}

/**
 * The intent of ours that may have caused an event on a container: one that is open, or ended a
 * moment ago, or spanned the event's own time (for an event that is told late).
 */
export function ownIntentOn(state: OperatorState, query: OwnIntentQuery): OwnIntent | undefined {
  const { containerId, label } = query;
  for (const incident of Object.values(state.incidents)) {
    if (!isOpen(incident) && incident.seq < state.seq - 10_000) continue;
    for (const attempt of incident.attempts.toReversed()) {
      const place = attempt.affects.findIndex(({ container }) => container === containerId);
      if (place < 0 && label !== attempt.intent) continue;
      if (!spans(attempt, query)) continue;
      const tool = builtinTool(attempt.tool);
      const allowance = (place > 0 ? tool?.sharerEvents : tool?.events) ?? {};
      return { intent: attempt.intent, allowance };
    }
  }
  return undefined;
}

function spans(
  attempt: { readonly startedAt: string; readonly endedAt?: string; readonly endedAtMs?: number },
  { nowMs, eventWallMs }: OwnIntentQuery,
): boolean {
  if (attempt.endedAtMs === undefined || attempt.endedAtMs + GRACE_MS >= nowMs) return true;
  const startMs = Date.parse(attempt.startedAt) - GRACE_MS;
  const endMs = Date.parse(attempt.endedAt ?? attempt.startedAt) + GRACE_MS;
  return eventWallMs >= startMs && eventWallMs <= endMs;
}
