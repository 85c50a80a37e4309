import { z } from 'zod';
import type { RawSample } from '#core/health/sample.ts';
import { parseInstant } from './rfc3339.ts';

/** The engine's counters are unsigned and of 64 bits: anything else is none. */
const Counter = z
  .number()
  .min(0)
  .max(2 ** 64);
const Count = Counter.nullish();

/**
 * What is read of a stats body. Nearly all of it is absent when the container is stopped, or when
 * Podman runs without the cgroup controllers. Counters may exceed what a number holds exactly: a
 * few nanoseconds out of days do no harm to a rate.
 */
const StatsBody = z.object({
  read: z.string().nullish(),
  cpu_stats: z
    .object({
      cpu_usage: z.object({ total_usage: Count, percpu_usage: z.array(Counter).nullish() }),
      system_cpu_usage: Count,
      online_cpus: Count,
      throttling_data: z.object({ periods: Count, throttled_periods: Count }).nullish(),
    })
    .nullish(),
  memory_stats: z
    .object({ usage: Count, stats: z.record(z.string(), Counter).nullish() })
    .nullish(),
  pids_stats: z.object({ current: Count }).nullish(),
  networks: z.record(z.string(), z.object({ rx_bytes: Count, tx_bytes: Count })).nullish(),
  blkio_stats: z
    .object({
      io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: Counter })).nullish(),
    })
    .nullish(),
});
type StatsBody = z.infer<typeof StatsBody>;

/**
 * Translates an answer of the stats API.
 *
 * @returns `undefined` when it holds no sample: the container was not running, or only just
 * @throws {Error} the body is no stats answer
 */
export function parseStats(
  value: unknown,
  at: { readonly atMs: number; readonly startedAtMs: number },
): RawSample | undefined {
  const body = StatsBody.parse(value);
  // A stopped container answers 200 with the zero time and empty parts.
  if (parseInstant(body.read) === undefined) return undefined;

  const cpu = toCpu(body.cpu_stats);
  const memory = toMemory(body.memory_stats);
  const pids = body.pids_stats?.current;
  const network = toNetwork(body.networks);
  const blkio = toBlkio(body.blkio_stats);
  return {
    ...at,
    ...(cpu !== undefined && { cpu }),
    ...(memory !== undefined && { memory }),
    ...(isNumber(pids) && pids > 0 && { pids: { current: pids } }),
    ...(network !== undefined && { network }),
    ...(blkio !== undefined && { blkio }),
  };
}

function toCpu(stats: StatsBody['cpu_stats']): RawSample['cpu'] {
  if (!stats) return undefined;
  const { cpu_usage: usage, system_cpu_usage: systemNs, throttling_data: throttling } = stats;
  // Engines without `online_cpus` give a counter for each processor; cgroup v2 gives neither.
  const onlineCpus = stats.online_cpus || usage.percpu_usage?.length;
  if (!usage.total_usage || !onlineCpus) return undefined;
  return {
    totalNs: usage.total_usage,
    onlineCpus,
    ...(systemNs && { systemNs }),
    ...(isNumber(throttling?.periods) && { periods: throttling.periods }),
    ...(isNumber(throttling?.throttled_periods) && {
      throttledPeriods: throttling.throttled_periods,
    }),
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** The kernel's own names: `total_…` sums a v1 hierarchy, on v2 every counter does. */
function toMemory(memory: StatsBody['memory_stats']): RawSample['memory'] {
  const usageBytes = memory?.usage;
  const stats = memory?.stats;
  if (!usageBytes || !stats) return undefined;
  const inactiveFileBytes = stats['total_inactive_file'] ?? stats['inactive_file'];
  const activeFileBytes = stats['total_active_file'] ?? stats['active_file'];
  if (inactiveFileBytes === undefined || activeFileBytes === undefined) return undefined;
  return { usageBytes, inactiveFileBytes, activeFileBytes };
}

function toNetwork(networks: StatsBody['networks']): RawSample['network'] {
  if (!networks) return undefined;
  const interfaces = Object.values(networks);
  return {
    rxBytes: interfaces.reduce((sum, { rx_bytes }) => sum + (rx_bytes ?? 0), 0),
    txBytes: interfaces.reduce((sum, { tx_bytes }) => sum + (tx_bytes ?? 0), 0),
  };
}

function toBlkio(stats: StatsBody['blkio_stats']): RawSample['blkio'] {
  const entries = stats?.io_service_bytes_recursive;
  if (!entries) return undefined;
  const sumOf = (name: string) =>
    entries.reduce((sum, { op, value }) => sum + (op.toLowerCase() === name ? value : 0), 0);
  return { readBytes: sumOf('read'), writeBytes: sumOf('write') };
}
