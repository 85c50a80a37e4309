import type { ContainerHealth, ObservedContainer } from '#core/workload/container.ts';

/** Docker's default grace between the stop signal and SIGKILL. */
const STOP_SECONDS_DEFAULT = 10;
/** The engine's own work around a stop or start, beyond the grace that it was told to give. */
const ENGINE_MARGIN_MS = 30_000;
/** How long a container without a HEALTHCHECK must run before its start counts. */
export const RUNNING_PROOF_MS = 3_000;

type Stoppable = Pick<ObservedContainer, 'stopTimeoutSeconds'>;

/** How long one stop or restart may take before it counts as hung: the grace and a margin. */
export function stopDeadlineMs(container: Stoppable, timeoutSeconds: number | undefined): number {
  const graceSeconds = timeoutSeconds ?? container.stopTimeoutSeconds ?? STOP_SECONDS_DEFAULT;
  return graceSeconds * 1_000 + ENGINE_MARGIN_MS;
}

/** How long a call that waits for nothing may take. */
export const ENGINE_CALL_DEADLINE_MS = ENGINE_MARGIN_MS;

/**
 * How long after its start Docker itself would call a container unhealthy: the start period, then
 * `retries` misses. Without a HEALTHCHECK, a few seconds of running are all the proof there is.
 */
export function startingDeadlineMs(health: Pick<ContainerHealth, 'check'> | undefined): number {
  if (health === undefined) return RUNNING_PROOF_MS;
  const { startPeriodMs, retries, intervalMs, timeoutMs } = health.check;
  return startPeriodMs + retries * (intervalMs + timeoutMs);
}
