/**
 * Raw counters of one container at one instant, from the stats API or from cgroup files. Counters
 * grow from the container's start. An absent field was not reported: it is never read as zero.
 */
export interface RawSample {
  /** Boot milliseconds (see Clock) when it was read: for what lies between two samples. */
  readonly atMs: number;
  /** The run that the counters belong to: they restart with it. */
  readonly startedAtMs: number;
  readonly cpu?: {
    /** CPU time consumed, in nanoseconds. */
    readonly totalNs: number;
    /** CPU time of the whole host in the same unit, where the source gives it. */
    readonly systemNs?: number;
    readonly onlineCpus: number;
    /** Scheduler periods that had a quota, and those in which it ran out. */
    readonly periods?: number;
    readonly throttledPeriods?: number;
  };
  readonly memory?: {
    readonly usageBytes: number;
    readonly inactiveFileBytes: number;
    readonly activeFileBytes: number;
  };
  readonly pids?: { readonly current: number };
  /** Summed over interfaces; absent with `network_mode: host`. */
  readonly network?: { readonly rxBytes: number; readonly txBytes: number };
  readonly blkio?: { readonly readBytes: number; readonly writeBytes: number };
}

/** The parts that a sample may have: what is not wanted is not read. */
export const SAMPLE_GROUPS = ['cpu', 'memory', 'pids', 'network', 'blkio'] as const;
export type SampleGroup = (typeof SAMPLE_GROUPS)[number];
