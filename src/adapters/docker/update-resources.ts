import { z } from 'zod';
import type { ResourceLimits } from '#core/workload/container.ts';

const Count = z.number().nullish();

/** The CPU limits of an inspect body, as the engine gave them: 0 means unset. */
export const CurrentCpu = z
  .object({
    HostConfig: z.object({
      CpuQuota: Count,
      CpuPeriod: Count,
    }),
  })
  .transform(({ HostConfig: host }) => ({
    cpuQuota: host.CpuQuota ?? 0,
    cpuPeriod: host.CpuPeriod ?? 0,
  }));
export type CurrentCpu = z.infer<typeof CurrentCpu>;

const NANO_CPUS_PER_CPU = 1_000_000_000;
const CPU_PERIOD_US = 100_000;

/** The body of an update call. */
export function toUpdateBody(limits: ResourceLimits, current: CurrentCpu): Record<string, number> {
  return { ...memoryBody(limits), ...cpuBody(limits, current), ...pidsBody(limits) };
}

function memoryBody({ memoryBytes, memorySwapBytes }: ResourceLimits): Record<string, number> {
  return {
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes }),
    ...(memorySwapBytes === undefined ? {} : { MemorySwap: memorySwapBytes }),
  };
}

/** A container with quota and period keeps them: Docker refuses NanoCpus beside either. */
function cpuBody(limits: ResourceLimits, current: CurrentCpu): Record<string, number> {
  if (limits.nanoCpus === undefined) return {};
  if (current.cpuQuota <= 0 && current.cpuPeriod <= 0) return { NanoCpus: limits.nanoCpus };
  const period = current.cpuPeriod > 0 ? current.cpuPeriod : CPU_PERIOD_US;
  const quota = Math.round((limits.nanoCpus / NANO_CPUS_PER_CPU) * period);
  return { CpuPeriod: period, CpuQuota: quota };
}

function pidsBody({ pids }: ResourceLimits): Record<string, number> {
  return pids === undefined ? {} : { PidsLimit: pids };
}
