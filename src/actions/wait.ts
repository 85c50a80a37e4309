import { RUNNING_PROOF_MS, startingDeadlineMs } from '#core/remediation/deadlines.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { ActionContext } from './context.ts';

const POLL_MS = 500;
/** Beyond the HEALTHCHECK's own deadline: its last probe has to end and be written down. */
const HEALTH_MARGIN_MS = 5_000;

export type Waited =
  /** Healthy, or without a HEALTHCHECK and running for a while in one run. */
  | { readonly kind: 'Well'; readonly container: ObservedContainer }
  /** Up, but unhealthy or still starting when the deadline passed. */
  | { readonly kind: 'Up'; readonly container: ObservedContainer }
  | { readonly kind: 'Down'; readonly message: string }
  | { readonly kind: 'Cancelled' };

/**
 * Waits until a container that was just started is well, or until its own HEALTHCHECK would have
 * called it unhealthy.
 *
 * @throws what the runtime throws
 */
export async function waitUntilWell(
  { runtime, clock }: ActionContext,
  id: string,
  signal: AbortSignal,
): Promise<Waited> {
  const beganMs = clock.bootMs();
  let run: { startedAtMs: number | undefined; sinceMs: number } | undefined;
  for (;;) {
    if (signal.aborted) return { kind: 'Cancelled' };
    const seen = await runtime.inspect(id, signal);
    const nowMs = clock.bootMs();
    if (seen === undefined) return { kind: 'Down', message: 'it is gone' };
    if (hasEnded(seen)) return { kind: 'Down', message: endOf(seen) };
    if (run === undefined || run.startedAtMs !== seen.startedAtMs) {
      run = { startedAtMs: seen.startedAtMs, sinceMs: nowMs };
    }
    if (isWell(seen, nowMs - run.sinceMs)) return { kind: 'Well', container: seen };
    if (hasFailedItsCheck(seen)) return { kind: 'Up', container: seen };

    const limitMs = startingDeadlineMs(seen.health) + HEALTH_MARGIN_MS;
    if (nowMs - beganMs >= limitMs) {
      return seen.state === 'running'
        ? { kind: 'Up', container: seen }
        : { kind: 'Down', message: `it is ${seen.state}` };
    }
    await clock.sleep(POLL_MS, signal);
  }
}

function isWell(seen: ObservedContainer, ranMs: number): boolean {
  if (seen.state !== 'running') return false;
  return seen.health === undefined ? ranMs >= RUNNING_PROOF_MS : seen.health.status === 'healthy';
}

/** Docker says unhealthy without a failed probe too: only the streak tells. */
function hasFailedItsCheck({ health }: ObservedContainer): boolean {
  return health?.status === 'unhealthy' && health.failingStreak >= health.check.retries;
}

function hasEnded({ state }: ObservedContainer): boolean {
  return state === 'exited' || state === 'dead' || state === 'removing' || state === 'created';
}

export function endOf({ state, exitCode, error }: ObservedContainer): string {
  return error === '' ? `it is ${state} with exit code ${exitCode}` : `it is ${state}: ${error}`;
}
