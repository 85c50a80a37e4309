import type { ExhaustionForecast } from '#core/detection/exhaustion.ts';
import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import type { Sample } from '#core/detection/sample-ring.ts';
import type { ModelUse, Triage } from '#core/incident/incident.ts';
import type { GaugeName, TrendName } from '#core/policy/signals.ts';
import type { ObservedContainer } from './container.ts';
import type { WorkloadIdentity, WorkloadKey } from './key.ts';

/** A measured number, or why there is none. */
export type Reading =
  | { readonly kind: 'Value'; readonly value: number; readonly atMs: number }
  | { readonly kind: 'Unknown'; readonly reason: string }
  /** It will not become known: the container has no such limit, or the source is not there. */
  | { readonly kind: 'Unsupported'; readonly reason: string };

export interface ProbeReading {
  /** Failures in a row that count; 0 after a success. */
  readonly failures: number;
  /** It failed while the container was still starting: that proves neither trouble nor health. */
  readonly notCounted?: boolean;
  /** There is no way to it from here: nothing was found out. */
  readonly unroutable?: boolean;
  readonly atMs: number;
  /** What went wrong last, for people; empty after a success. */
  readonly message: string;
}

/**
 * Counts over a span that ends now. `undefined`: this is not counted for the workload. Of a span
 * that began before `coveredSinceMs` they count what was seen: there may have been more. Of whoever
 * writes faster than can be read, all lines count for the rate, and a sample of them for what they say.
 */
export interface LogCounters {
  /** Controller milliseconds since when the log is followed without a gap. */
  readonly coveredSinceMs: number;
  /** Lines per second. */
  rate(sinceMs: number): number | undefined;
  matches(pattern: string, sinceMs: number): number | undefined;
  errors(sinceMs: number): number | undefined;
  /** Telling anomalies, one for each kind of line and minute. */
  anomalies(sinceMs: number): number | undefined;
  /** What was unusual, also what does not count: the gravest first. Raw: to be redacted. */
  unusual(sinceMs: number): readonly LogAnomaly[];
  /** Suspicious windows that a model was asked about, the newest first. */
  triaged?(sinceMs: number): readonly TriagedWindow[];
}

/** What a model made of a window in which the local detector found something unusual. */
export interface TriagedWindow {
  /** Controller milliseconds of its end. */
  readonly atMs: number;
  /** Absent where nobody answered. */
  readonly triage?: Triage;
  /** A model is as sure as the policy asks for that it is a sign of trouble. */
  readonly isTrouble: boolean;
  readonly use: ModelUse;
}

/** The newest samples of the gauges, of one run of the container with one set of limits, past its start. */
export interface GaugeSamples {
  /** Gauges of which there are any. */
  names(): readonly GaugeName[];
  /** Oldest first. */
  of(gauge: GaugeName): readonly Sample[];
  /** When the gauge reaches its limit, from its newest sample on. */
  forecast(trend: TrendName): ExhaustionForecast;
}

/** What is known of one workload at one moment. The container was inspected, not remembered. */
export interface WorkloadView {
  readonly key: WorkloadKey;
  readonly identity: WorkloadIdentity;
  /** Absent: there is none of this key, or there are several. */
  readonly container?: ObservedContainer;
  /** The container that this one replaced, as it was seen last; absent where none was seen. */
  readonly before?: ObservedContainer;
  /** Ids of all containers that claim this key, when there is more than one. */
  readonly ambiguous: readonly string[];
  /**
   * Controller milliseconds since when the present run lasts: by the start that was witnessed, else
   * by Docker's StartedAt. Absent while it does not run.
   */
  readonly runningSinceMs?: number;
  readonly gauges: Readonly<Partial<Record<GaugeName, Reading>>>;
  /** Absent where no gauge is collected. */
  readonly samples?: GaugeSamples;
  /** By threshold name. */
  readonly probes: Readonly<Record<string, ProbeReading>>;
  /** By path. */
  readonly disks: Readonly<Record<string, Reading>>;
  readonly logs?: LogCounters;
}
