import type { Fleet } from '#controller/fleet.ts';
import type { HostCapacity } from '#core/health/metrics.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Governing } from '#core/policy/select.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { Limiter } from '#lib/limiter.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine } from '#ports/container-runtime.ts';
import type { FilesystemProbe } from '#ports/filesystem-probe.ts';
import type { Prober } from '#ports/prober.ts';
import type { LogBudget, LogDropReason } from './log-budget.ts';
import type { TemplateShare } from './template-share.ts';
import type { TriageDesk } from './triage.ts';

/** Told of what is collected; telemetry and the API listen here. */
export interface SignalListener {
  /** Lines read since it was last told, at most once a second for each workload. */
  readonly onLogLines?: (policy: string, count: number) => void;
  /** Lines not looked at; for `Skipped` an estimate. */
  readonly onLogLinesDropped?: (policy: string, reason: LogDropReason, count: number) => void;
  /** Each line that was looked at, raw: it must be redacted before it goes anywhere. */
  readonly onLogLine?: (key: WorkloadKey, line: LogLine) => void;
  readonly onWarning?: (message: string, cause: unknown) => void;
}

export interface SignalCollectorOptions {
  readonly runtime: Pick<ContainerRuntime, 'sample' | 'logs'>;
  readonly clock: Clock;
  readonly fleet: Fleet;
  readonly prober: Prober;
  readonly filesystem: FilesystemProbe;
  readonly governing: (key: WorkloadKey) => Governing<CompiledPolicy>;
  readonly historyOf: (key: WorkloadKey) => WorkloadHistory;
  /** Before this nothing counts: an action ended then that helped, or may yet. */
  readonly cutMsOf: (key: WorkloadKey) => number | undefined;
  /** A threshold of this workload may say something else than before. */
  readonly enqueue: (key: WorkloadKey) => void;
  /** Controller milliseconds now. */
  readonly nowMs: () => number;
  /** The daemon's wall clock now. */
  readonly daemonNowMs: () => number;
  /** `undefined` before the engine was ever reached. */
  readonly host: () => HostCapacity | undefined;
  /** Resolves when as much as there will be is known of what to take out of a container's words. */
  readonly untilSecretsKnown?: (container: ObservedContainer) => Promise<void>;
  /** Asks about what is unusual in a log; without it nobody does. */
  readonly triage?: TriageDesk;
  readonly listener?: SignalListener;
}

/** What the collections of all workloads share. */
export interface SignalContext extends SignalCollectorOptions {
  readonly beganAtMs: number;
  readonly samples: Limiter;
  readonly probes: Limiter;
  readonly logBudget: LogBudget;
  readonly templateShare: TemplateShare;
  /** How long the first run of something waits, so that many begun together are not one burst. */
  readonly spreadMs: (everyMs: number) => number;
}
