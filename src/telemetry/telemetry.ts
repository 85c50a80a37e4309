import type { Outcome } from '#core/incident/incident.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { VERSION } from '#lib/version.ts';
import { conflictTelemetry } from './conflict-telemetry.ts';
import { type ControllerReadings, controllerTelemetry, readOff } from './controller-telemetry.ts';
import { type JournalReadings, journalTelemetry } from './journal-telemetry.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { modelTelemetry } from './model-telemetry.ts';
import { policyTelemetry } from './policy-telemetry.ts';

const CONFLICTS_EVERY_MS = 10_000;

/** Everything that is measured and logged, as listeners to hand to the parts that tell. */
export function createTelemetry(level: string) {
  const log = createLogger(level);
  const metrics = createMetrics();
  const policies = policyTelemetry(metrics, log);
  metrics.buildInfo.set({ version: VERSION, node: process.version }, 1);

  return {
    log,
    metrics,
    registry: metrics.registry,
    docker: ({ method, code }: { readonly method: string; readonly code: number | string }) => {
      metrics.dockerRequests.inc({ method, code: String(code) });
    },
    mcp: (call: {
      readonly server: string;
      readonly tool: string;
      readonly outcome: Outcome;
      readonly durationMs: number;
    }) => {
      const { server, tool, outcome, durationMs } = call;
      metrics.mcpCalls.inc({ server, tool, outcome });
      metrics.mcpDuration.observe({ server }, durationMs / 1_000);
    },
    models: modelTelemetry(metrics, log),
    journal: {
      onAvailability(reason: string | undefined) {
        if (reason === undefined) log.info('the journal can be written again');
        else log.error({ reason }, 'the journal cannot be written: nothing is done until it can');
      },
      onWarning(message: string, cause: unknown) {
        log.warn({ err: cause }, message);
      },
      onWrite(durationMs: number) {
        metrics.journalWrite.observe(durationMs / 1_000);
      },
    },
    outbox: {
      onAvailability(reason: string | undefined) {
        metrics.redisUp.set(reason === undefined ? 1 : 0);
        if (reason === undefined) log.info('publishing to Redis');
        else log.warn({ reason }, 'nothing is published to Redis; records wait in the journal');
      },
      onWarning(message: string, cause: unknown) {
        log.warn({ err: cause }, message);
      },
    },
    records: (journal: JournalReadings): ((records: readonly JournalRecord[]) => void) =>
      journalTelemetry(metrics, log, journal),
    controller: (host: string, workers: number) => ({
      ...controllerTelemetry(metrics, log, { host, workers }),
      onPolicies: policies,
      signals: {
        onLogLines(policy: string, count: number) {
          metrics.logLines.inc({ policy }, count);
        },
        onLogLinesDropped(policy: string, reason: string, count: number) {
          metrics.logLinesDropped.inc({ policy, reason }, count);
        },
      },
    }),
    /** Tells of a load of the policies; the controller's listener does so once it runs. */
    policies,
    /** @param read called at each scrape, and now and then without one */
    watch: (read: () => ControllerReadings) => {
      metrics.onScrape(() => readOff(metrics, read()));
      const tellConflicts = conflictTelemetry(log);
      setInterval(() => tellConflicts(read().conflicts), CONFLICTS_EVERY_MS).unref();
    },
  };
}

export type Telemetry = ReturnType<typeof createTelemetry>;
