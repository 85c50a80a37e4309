import type { GaugeName } from '#core/policy/signals.ts';
import type { ResourceLimits } from '#core/workload/container.ts';
import type { Reading } from '#core/workload/view.ts';
import type { RawSample } from './sample.ts';

export interface HostCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
}

const NS_PER_MS = 1_000_000;
const NO_LIMIT = { kind: 'Unsupported', reason: 'NoLimit' } as const satisfies Reading;
const NOT_REPORTED = unknown('NotReported');
const NEEDS_TWO_SAMPLES = unknown('NeedsTwoSamples');

/**
 * Every gauge that policies may name, from two samples of one container.
 *
 * - `cpu.utilization`: share of the container's CPU limit, of the whole host without one.
 * - `cpu.throttled`: share of the scheduler periods in which the CPU limit was reached.
 * - `memory.utilization`: share of the limit that cannot be reclaimed, all page cache left out.
 * - `memory.workingSet`: bytes, as `docker stats` shows them: active page cache counts.
 * - `pids.utilization`: share of the pids limit.
 * - `network.*`, `blkio.*`: bytes per second between the samples.
 *
 * A gauge that cannot be told is never read as zero: it is `Unknown` (`NotReported`,
 * `NeedsTwoSamples`, `RunChanged`, `CounterReset`) when the next sample may bring it, `Unsupported`
 * (`NoLimit`) when the container's configuration rules it out.
 *
 * @param previous absent for a container's first sample
 */
export function gaugesOf(
  previous: RawSample | undefined,
  current: RawSample,
  limits: ResourceLimits,
  host: HostCapacity,
): Readonly<Record<GaugeName, Reading>> {
  const pair = pairOf(previous, current);
  const numbers: Record<GaugeName, Figure> = {
    'cpu.utilization': cpuUtilization(pair, limits, host),
    'cpu.throttled': cpuThrottled(pair, limits),
    'memory.utilization': memoryUtilization(current, limits),
    'memory.workingSet': workingSet(current),
    'pids.utilization': pidsUtilization(current, limits),
    'network.rx': rate(pair, ({ network }) => network?.rxBytes),
    'network.tx': rate(pair, ({ network }) => network?.txBytes),
    'blkio.read': rate(pair, ({ blkio }) => blkio?.readBytes),
    'blkio.write': rate(pair, ({ blkio }) => blkio?.writeBytes),
  };
  const readings = Object.entries(numbers).map(([name, figure]) => [
    name,
    typeof figure === 'number' ? { kind: 'Value', value: figure, atMs: current.atMs } : figure,
  ]);
  return Object.fromEntries(readings) as Record<GaugeName, Reading>;
}

/** A number, or the reading that says why there is none. */
type Figure = number | Missing;
type Missing = Exclude<Reading, { kind: 'Value' }>;

interface Pair {
  readonly previous: RawSample;
  readonly current: RawSample;
  readonly elapsedMs: number;
}

/** Two samples of one run, or the reason why there is nothing to compare. */
function pairOf(previous: RawSample | undefined, current: RawSample): Pair | Missing {
  if (previous === undefined) return NEEDS_TWO_SAMPLES;
  if (previous.startedAtMs !== current.startedAtMs) return unknown('RunChanged');
  const elapsedMs = current.atMs - previous.atMs;
  // Equal or falling: the same instant twice, or a clock of another boot.
  if (elapsedMs <= 0) return NEEDS_TWO_SAMPLES;
  return { previous, current, elapsedMs };
}

/** What a counter grew by; or why that is not known. */
function growth(
  { previous, current }: Pair,
  read: (sample: RawSample) => number | undefined,
): Figure {
  const before = read(previous);
  const after = read(current);
  if (after === undefined || before === undefined) return NOT_REPORTED;
  return after < before ? unknown('CounterReset') : after - before;
}

function rate(pair: Pair | Missing, read: (sample: RawSample) => number | undefined): Figure {
  if ('kind' in pair) return pair;
  const grown = growth(pair, read);
  return typeof grown === 'number' ? (grown / pair.elapsedMs) * 1_000 : grown;
}

function cpuUtilization(pair: Pair | Missing, limits: ResourceLimits, host: HostCapacity): Figure {
  if ('kind' in pair) return pair;
  const used = growth(pair, ({ cpu }) => cpu?.totalNs);
  if (typeof used !== 'number') return used;

  // The host's own counter was read with the container's: better than our clock, which also
  // measures how long the answer took.
  const system = growth(pair, ({ cpu }) => cpu?.systemNs);
  const onlineCpus = pair.current.cpu?.onlineCpus ?? host.cpus;
  const cores =
    typeof system === 'number' && system > 0
      ? (used / system) * onlineCpus
      : used / (pair.elapsedMs * NS_PER_MS);
  const limit = (limits.nanoCpus ?? 0) / 1_000_000_000;
  return cores / (limit > 0 ? Math.min(limit, host.cpus) : host.cpus);
}

function cpuThrottled(pair: Pair | Missing, limits: ResourceLimits): Figure {
  if (limits.nanoCpus === undefined) return NO_LIMIT;
  if ('kind' in pair) return pair;
  const periods = growth(pair, ({ cpu }) => cpu?.periods);
  const throttled = growth(pair, ({ cpu }) => cpu?.throttledPeriods);
  if (typeof periods !== 'number') return periods;
  if (typeof throttled !== 'number') return throttled;
  // The kernel counts only periods in which something wanted to run.
  return periods === 0 ? 0 : throttled / periods;
}

function memoryUtilization({ memory }: RawSample, { memoryBytes }: ResourceLimits): Figure {
  // 2^63 rounded down to a page, the kernel's way to say "none", is above every safe integer.
  if (memoryBytes === undefined || memoryBytes > Number.MAX_SAFE_INTEGER) return NO_LIMIT;
  if (memory === undefined) return NOT_REPORTED;
  const reclaimable = memory.inactiveFileBytes + memory.activeFileBytes;
  // The counters are not read in one instant, so the cache may seem larger than the whole.
  return Math.max(0, memory.usageBytes - reclaimable) / memoryBytes;
}

function workingSet({ memory }: RawSample): Figure {
  if (memory === undefined) return NOT_REPORTED;
  const { usageBytes, inactiveFileBytes } = memory;
  return inactiveFileBytes < usageBytes ? usageBytes - inactiveFileBytes : usageBytes;
}

function pidsUtilization({ pids }: RawSample, limits: ResourceLimits): Figure {
  if (limits.pids === undefined || limits.pids > Number.MAX_SAFE_INTEGER) return NO_LIMIT;
  return pids === undefined ? NOT_REPORTED : pids.current / limits.pids;
}

function unknown(reason: string): Missing {
  return { kind: 'Unknown', reason };
}
