import { z } from 'zod';
import type { ResourceLimits } from '#core/workload/container.ts';

const Count = z.number().nullish();

/** The limits of an inspect body, as the engine gave them: 0 means unset. */
export const CurrentLimits = z
  .object({
    HostConfig: z.object({
      Memory: Count,
      MemorySwap: Count,
      CpuQuota: Count,
      CpuPeriod: Count,
    }),
  })
  .transform(({ HostConfig: host }) => ({
    memory: host.Memory ?? 0,
    memorySwap: host.MemorySwap ?? 0,
    cpuQuota: host.CpuQuota ?? 0,
    cpuPeriod: host.CpuPeriod ?? 0,
  }));
export type CurrentLimits = z.infer<typeof CurrentLimits>;

const NANO_CPUS_PER_CPU = 1_000_000_000;
const CPU_PERIOD_US = 100_000;

/**
 * The body of an update call. Memory and swap go together, since Docker refuses a memory limit
 * above the swap limit that it does not get.
 */
export function toUpdateBody(
  limits: ResourceLimits,
  current: CurrentLimits,
): Record<string, number> {
  return { ...memoryBody(limits, current), ...cpuBody(limits, current), ...pidsBody(limits) };
}

function memoryBody(limits: ResourceLimits, current: CurrentLimits): Record<string, number> {
  const { memoryBytes, memorySwapBytes } = limits;
  if (memoryBytes === undefined && memorySwapBytes === undefined) return {};
  const memory = memoryBytes ?? current.memory;
  return { Memory: memory, MemorySwap: memorySwapBytes ?? swapFor(memory, current) };
}

/** Unlimited stays unlimited, no swap limit means no swap, else the room for swap stays as it was. */
function swapFor(memory: number, current: CurrentLimits): number {
  if (current.memorySwap < 0) return -1;
  if (current.memorySwap === 0) return memory;
  return memory + Math.max(0, current.memorySwap - current.memory);
}

/** A container with quota and period keeps them: Docker refuses NanoCpus beside either. */
function cpuBody(limits: ResourceLimits, current: CurrentLimits): Record<string, number> {
  if (limits.nanoCpus === undefined) return {};
  if (current.cpuQuota <= 0 && current.cpuPeriod <= 0) return { NanoCpus: limits.nanoCpus };
  const period = current.cpuPeriod > 0 ? current.cpuPeriod : CPU_PERIOD_US;
  const quota = Math.round((limits.nanoCpus / NANO_CPUS_PER_CPU) * period);
  return { CpuPeriod: period, CpuQuota: quota };
}

function pidsBody({ pids }: ResourceLimits): Record<string, number> {
  return pids === undefined ? {} : { PidsLimit: pids };
}
