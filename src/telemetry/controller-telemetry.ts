import { SentinelError } from '#core/errors.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import type { Conflict } from './conflict-telemetry.ts';
import { CONTROLLER_NAME } from './label-values.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

const QUEUE = { name: CONTROLLER_NAME, controller: CONTROLLER_NAME };
const CONTROLLER = { controller: CONTROLLER_NAME };

/** What the control loop reports, as metrics and log lines. */
export function controllerTelemetry(
  metrics: Metrics,
  log: Logger,
  { host, workers }: { readonly host: string; readonly workers: number },
) {
  metrics.activeWorkers.set(CONTROLLER, 0);
  metrics.maxConcurrent.set(CONTROLLER, workers);
  metrics.queueDepth.set(QUEUE, 0);
  metrics.queueAdds.inc(QUEUE, 0);
  metrics.queueRetries.inc(QUEUE, 0);
  metrics.dockerUp.set({ host }, 0);
  let wasUp: boolean | undefined;

  return {
    queue: {
      added(depth: number) {
        metrics.queueAdds.inc(QUEUE);
        metrics.queueDepth.set(QUEUE, depth);
      },
      handedOut(depth: number, waitedMs: number) {
        metrics.queueDepth.set(QUEUE, depth);
        metrics.queueDuration.observe(QUEUE, waitedMs / 1_000);
      },
      finished(workedMs: number) {
        metrics.workDuration.observe(QUEUE, workedMs / 1_000);
      },
      retried() {
        metrics.queueRetries.inc(QUEUE);
      },
    },
    workers: {
      started(active: number) {
        metrics.activeWorkers.set(CONTROLLER, active);
      },
      ended(end: string, { tookMs, active }: { tookMs: number; active: number }) {
        metrics.activeWorkers.set(CONTROLLER, active);
        metrics.reconcileTotal.inc({ ...CONTROLLER, result: end });
        metrics.reconcileTime.observe(CONTROLLER, tookMs / 1_000);
      },
      failed(workload: string, error: unknown, kind: 'Retryable' | 'Terminal' | 'Bug' | 'Timeout') {
        metrics.reconcileErrors.inc(CONTROLLER);
        if (kind === 'Terminal') metrics.terminalErrors.inc(CONTROLLER);
        if (kind === 'Bug') metrics.reconcilePanics.inc(CONTROLLER);
        if (kind === 'Timeout') metrics.reconcileTimeouts.inc(CONTROLLER);
        const code = error instanceof SentinelError ? error.code : 'SENTINEL_BUG';
        log[kind === 'Retryable' ? 'warn' : 'error'](
          { workload, code, err: error },
          'reconcile failed',
        );
      },
    },
    onEvent({ action }: RuntimeEvent) {
      metrics.dockerEvents.inc({ action });
    },
    onConnection({ up, error }: { readonly up: boolean; readonly error?: unknown }) {
      metrics.dockerUp.set({ host }, up ? 1 : 0);
      if (up === wasUp) return;
      wasUp = up;
      if (up) log.info({ host }, 'watching the Docker Engine');
      else log.error({ host, err: error }, 'the Docker Engine cannot be reached; trying on');
    },
    onWarning(message: string, cause: unknown) {
      log.warn({ err: cause }, message);
    },
    onReconciled(_key: string, policy: string) {
      metrics.policyReconciled.set({ policy }, Date.now() / 1_000);
    },
  };
}

/** What is read off the controller at each scrape. */
export interface ControllerReadings {
  /** Milliseconds that each key in work has been worked on so far. */
  readonly workingMs: readonly number[];
  /** Governed workloads, by policy and state. */
  readonly workloads: readonly { readonly policy: string; readonly state: string }[];
  readonly conflicts: readonly Conflict[];
}

/** Sets the gauges that are read off rather than counted. */
export function readOff(
  metrics: Metrics,
  { workingMs, workloads, conflicts }: ControllerReadings,
): void {
  metrics.unfinishedWork.set(QUEUE, workingMs.reduce((sum, ms) => sum + ms, 0) / 1_000);
  metrics.longestRunning.set(QUEUE, Math.max(0, ...workingMs) / 1_000);
  metrics.workloads.reset();
  for (const labels of workloads) metrics.workloads.inc(labels);
  metrics.policyConflicts.set(conflicts.length);
}
