import type { IncidentObject } from '#core/projection/schema.ts';

/** What must become of one service's trouble. */
export interface Expectation {
  readonly service: string;
  /** The threshold that opens the incident. */
  readonly threshold: string;
  /** Root causes of which the diagnosis must name one. */
  readonly causes: readonly string[];
  readonly end:
    | { readonly kind: 'Remediated'; readonly action: string; readonly tool: string }
    /** Nothing was done to it; the gate held its actions back for this reason. */
    | { readonly kind: 'SelfRecovered'; readonly heldBy: string }
    /** The incident stays open, and nothing is done, for as long as it is watched. */
    | { readonly kind: 'NotActed'; readonly heldBy: string; readonly watchedMs: number };
  /** Since the sabotage; generous, for a busy machine. */
  readonly detectWithinMs: number;
  readonly endWithinMs: number;
}

/** What was seen of one service's trouble. */
export interface Seen {
  readonly incident: IncidentObject | undefined;
  /** Reasons for which a candidate was refused at any time. */
  readonly refusals: ReadonlySet<string>;
  readonly brokenAtMs: number;
  readonly nowMs: number;
}

/** Milliseconds from the sabotage to the incident; `undefined` without one. */
export function detectedAfterMs({ incident, brokenAtMs }: Seen): number | undefined {
  if (incident === undefined) return undefined;
  return Math.max(0, Date.parse(incident.metadata.creationTimestamp) - brokenAtMs);
}

/** Milliseconds from the sabotage to the resolution; `undefined` while there is none. */
export function endedAfterMs({ incident, brokenAtMs }: Seen): number | undefined {
  const resolvedAt = incident?.status.resolvedAt;
  return resolvedAt === undefined ? undefined : Date.parse(resolvedAt) - brokenAtMs;
}

/** Whether nothing more is to be waited for: it ended, was watched long enough, or time is up. */
export function isOver(expectation: Expectation, seen: Seen): boolean {
  const { end, endWithinMs } = expectation;
  const sinceMs = seen.nowMs - seen.brokenAtMs;
  if (sinceMs > endWithinMs) return true;
  if (end.kind !== 'NotActed') return seen.incident?.status.phase === 'Resolved';
  const detectedMs = detectedAfterMs(seen);
  return detectedMs !== undefined && sinceMs - detectedMs >= end.watchedMs;
}

/** What is not as it must be, each as what was expected and what was seen; empty when all is well. */
export function judge(expectation: Expectation, seen: Seen): string[] {
  const { service, threshold, causes, end, detectWithinMs } = expectation;
  const { incident } = seen;
  if (incident === undefined) return [`${service}: expected an incident, saw none`];
  const { spec, status } = incident;
  const detectedMs = detectedAfterMs(seen) ?? 0;
  const cause = status.diagnosis?.rootCause ?? 'none';
  const problems = [
    spec.threshold === threshold || `threshold ${threshold}, saw ${spec.threshold}`,
    detectedMs <= detectWithinMs || `detection within ${detectWithinMs} ms, saw ${detectedMs} ms`,
    causes.includes(cause) || `root cause ${causes.join(' or ')}, saw ${cause}`,
    status.reopens === 0 || `one bout, saw ${status.reopens} more`,
    ...(end.kind === 'Remediated' ? judgeAction(end, seen) : judgeRestraint(end, seen)),
    ...(end.kind === 'NotActed' ? [] : judgeResolution(expectation, seen)),
  ];
  return problems
    .filter((problem) => problem !== true)
    .map((problem) => `${service}: expected ${problem} (${incident.metadata.name})`);
}

type Check = true | string;

function judgeAction(
  { action, tool }: { readonly action: string; readonly tool: string },
  { incident }: Seen,
): Check[] {
  const attempts = incident?.status.attempts ?? [];
  // What the last look before the call held back was never done, so it is no second attempt.
  const done = attempts.filter(({ outcome }) => outcome !== 'NotExecuted');
  const [only] = done;
  if (done.length !== 1 || only === undefined) {
    return [`one action, saw ${done.map((one) => one.action).join(', ') || 'none'}`];
  }
  return [
    (only.action === action && only.tool === tool) ||
      `${action} (${tool}), saw ${only.action} (${only.tool})`,
    only.outcome === 'Succeeded' || `outcome Succeeded, saw ${only.outcome ?? 'none yet'}`,
    only.verification.state === 'Passed' ||
      `verification Passed, saw ${only.verification.state} (${only.verification.message ?? ''})`,
  ];
}

function judgeRestraint({ heldBy }: { readonly heldBy: string }, seen: Seen): Check[] {
  const attempts = seen.incident?.status.attempts ?? [];
  const refusals = [...seen.refusals].join(', ') || 'no refusal';
  return [
    attempts.length === 0 || `no action, saw ${attempts.map(({ action }) => action).join(', ')}`,
    seen.refusals.has(heldBy) || `a refusal by ${heldBy}, saw ${refusals}`,
  ];
}

function judgeResolution({ end, endWithinMs }: Expectation, seen: Seen): Check[] {
  const { phase, resolution = 'none' } = seen.incident?.status ?? { phase: 'Open' };
  const endedMs = endedAfterMs(seen);
  return [
    resolution === end.kind || `resolution ${end.kind}, saw ${resolution} (phase ${phase})`,
    endedMs === undefined ||
      endedMs <= endWithinMs ||
      `an end in ${endWithinMs} ms, saw ${endedMs}`,
  ];
}
