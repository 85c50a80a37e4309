import type { Signals } from '#controller/fleet.ts';
import { RuntimeForbiddenError } from '#core/errors.ts';
import { gaugesOf } from '#core/health/metrics.ts';
import type { RawSample, SampleGroup } from '#core/health/sample.ts';
import { type GaugeName, SIGNAL_NAMES, signalFacts } from '#core/policy/signals.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { Reading } from '#core/workload/view.ts';
import type { SignalContext } from './context.ts';
import { repeat } from './repeat.ts';

const EVERY_MS = 10_000;
/** A reading outlives two samples that fail. */
const STALE_MS = 3 * EVERY_MS;

export interface Collection<Value> {
  /** The container as it was last inspected; `undefined`: this is not the time. */
  readonly container: () => ObservedContainer | undefined;
  readonly publish: (value: Value) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface StatsCollection extends Collection<Signals['gauges']> {
  readonly wanted: ReadonlySet<SampleGroup>;
}

/** Samples one run of a container until `signal` aborts. */
export async function collectStats(
  context: SignalContext,
  { container, publish, onFailure, wanted }: StatsCollection,
  signal: AbortSignal,
): Promise<void> {
  const { clock, runtime, samples, nowMs } = context;
  let previous: RawSample | undefined;
  let sampledAtMs = nowMs();

  async function sampleOnce(): Promise<void> {
    const target = container();
    const host = context.host();
    if (target === undefined || host === undefined) return;
    try {
      const sample = await samples.run(() => runtime.sample(target, signal, wanted));
      if (signal.aborted || sample === undefined) return;
      // Samples are stamped with the boot clock; readings are on the controller's axis.
      sampledAtMs = nowMs() - Math.max(0, clock.bootMs() - sample.atMs);
      publish(restamped(gaugesOf(previous, sample, target.limits, host), sampledAtMs));
      previous = sample;
    } catch (error) {
      if (signal.aborted) return;
      onFailure(error);
      if (error instanceof RuntimeForbiddenError) publish(ALL_FORBIDDEN);
    }
  }

  const rhythm = { firstInMs: context.spreadMs(EVERY_MS), everyMs: EVERY_MS };
  await repeat(clock, rhythm, signal, async () => {
    await sampleOnce();
    if (!signal.aborted && nowMs() - sampledAtMs > STALE_MS) {
      publish(ALL_STALE);
      // Whatever comes next is compared with nothing older.
      previous = undefined;
    }
  });
}

function restamped(
  gauges: Readonly<Record<GaugeName, Reading>>,
  atMs: number,
): Record<GaugeName, Reading> {
  const entries = Object.entries(gauges).map(([name, reading]) => [
    name,
    reading.kind === 'Value' ? { ...reading, atMs } : reading,
  ]);
  return Object.fromEntries(entries) as Record<GaugeName, Reading>;
}

const ALL_STALE = everyGauge({ kind: 'Unknown', reason: 'Stale' });
const ALL_FORBIDDEN = everyGauge({ kind: 'Unsupported', reason: 'Forbidden' });

function everyGauge(reading: Reading): Signals['gauges'] {
  const names = SIGNAL_NAMES.filter((name) => signalFacts(name).class === 'gauge');
  return Object.fromEntries(names.map((name) => [name, reading]));
}
