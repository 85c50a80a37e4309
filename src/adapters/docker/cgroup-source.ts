import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RawSample, SAMPLE_GROUPS, type SampleGroup } from '#core/health/sample.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { Clock } from '#ports/clock.ts';
import {
  flatKey,
  parseBlkio,
  parseInterfaces,
  parseIoStat,
  parseProcessors,
} from './cgroup-files.ts';

/**
 * Reads containers' counters from the kernel's own files: no work for the daemon. It needs the
 * host's `/proc` and `/sys/fs/cgroup`.
 *
 * The files are read synchronously: the kernel makes them up in microseconds, where each trip
 * through the thread pool costs ten times that, for up to eight files of hundreds of containers.
 */
export interface CgroupSource {
  /**
   * @param wanted parts to read; all unless given
   * @returns `undefined` when the container's files are not visible here, or it has stopped
   */
  sample(container: ObservedContainer, wanted?: ReadonlySet<SampleGroup>): RawSample | undefined;
}

const PROCESSORS_KEPT_MS = 60_000;
const EVERYTHING: ReadonlySet<SampleGroup> = new Set(SAMPLE_GROUPS);

/**
 * @param options.hostRoot where the host's `proc` and `sys/fs/cgroup` are found, `/` unless given;
 *   in a container these are the host's with `pid: host`, `cgroup: host` and the latter mounted
 */
export function createCgroupSource(options: {
  readonly clock: Pick<Clock, 'bootMs'>;
  readonly hostRoot?: string;
}): CgroupSource {
  const { clock, hostRoot = '/' } = options;
  const proc = join(hostRoot, 'proc');
  const cgroups = join(hostRoot, 'sys/fs/cgroup');
  /** By what was inspected: another run of a container is another object. */
  const located = new WeakMap<ObservedContainer, Located>();
  let processors: { readonly count: number; readonly readAtMs: number } | undefined;

  /** The number of processors changes so seldom, and /proc/stat is so long on large machines. */
  function countProcessors(): number {
    const nowMs = clock.bootMs();
    if (processors === undefined || nowMs - processors.readAtMs > PROCESSORS_KEPT_MS) {
      processors = { count: parseProcessors(read(join(proc, 'stat'))), readAtMs: nowMs };
    }
    return processors.count;
  }

  function locate(container: ObservedContainer): Located {
    const known = located.get(container);
    if (known !== undefined) return known;
    const membership = read(join(proc, String(container.pid), 'cgroup'));
    const found = locateIn(membership, container.id, cgroups);
    located.set(container, found);
    return found;
  }

  function readAll(
    container: ObservedContainer,
    startedAtMs: number,
    wanted: ReadonlySet<SampleGroup>,
  ): RawSample {
    const files = locate(container);
    const atMs = clock.bootMs();
    const read = files.version === 2 ? UNIFIED : LEGACY;
    // The cgroup's path holds the container's id: while it is there, the pid is still that of its
    // first process.
    const network = wanted.has('network') && hasOwnNetwork(container);
    return {
      atMs,
      startedAtMs,
      ...(wanted.has('cpu') && { cpu: { ...read.cpu(files), onlineCpus: countProcessors() } }),
      ...(wanted.has('memory') && { memory: read.memory(files) }),
      ...(wanted.has('pids') && { pids: read.pids(files) }),
      ...(wanted.has('blkio') && blkioOf(() => read.blkio(files))),
      ...(network && { network: interfacesOf(join(proc, String(container.pid), 'net/dev')) }),
    };
  }

  return {
    sample(container, wanted = EVERYTHING) {
      const { pid, startedAtMs } = container;
      if (pid <= 0 || startedAtMs === undefined) return undefined;
      try {
        return readAll(container, startedAtMs, wanted);
      } catch {
        // Another pid namespace, hidden files, a controller that is off, a process just gone: the
        // stats API still has the answer, or says that there is none.
        return undefined;
      }
    },
  };
}

interface Located {
  readonly version: 1 | 2;
  /** Path of a controller's file for the container; in version 2 all controllers share a folder. */
  readonly file: (controller: string, name: string) => string;
}

/**
 * Finds the container's own cgroup in `/proc/PID/cgroup`. A pid may have been given to another
 * process, or belong to another pid namespace: only a path with the container's id is believed,
 * and cut behind it, since an init system inside moves itself into a cgroup of its own.
 */
function locateIn(membership: string, id: string, root: string): Located {
  const paths = new Map<string, string>();
  for (const line of membership.split('\n')) {
    const [, controllers = '', ...rest] = line.split(':');
    const segments = rest.join(':').split('/');
    const own = segments.findIndex((segment) => segment.includes(id));
    if (own < 0) continue;
    // Read from inside another cgroup namespace, a path begins with the way out of it.
    const path = segments.slice(0, own + 1).filter((segment) => segment !== '..');
    for (const controller of controllers.split(',')) paths.set(controller, path.join('/'));
  }
  // A hybrid host has an empty unified hierarchy beside the v1 controllers.
  const version = paths.has('memory') ? 1 : 2;
  return {
    version,
    file(controller, name) {
      const path = paths.get(version === 1 ? controller : '');
      if (path === undefined) throw new Error(`no ${controller} cgroup of ${id}`);
      return version === 1 ? join(root, controller, path, name) : join(root, path, name);
    },
  };
}

interface Readers {
  readonly cpu: (files: Located) => Omit<NonNullable<RawSample['cpu']>, 'onlineCpus'>;
  readonly memory: (files: Located) => NonNullable<RawSample['memory']>;
  readonly pids: (files: Located) => NonNullable<RawSample['pids']>;
  readonly blkio: (files: Located) => NonNullable<RawSample['blkio']>;
}

const UNIFIED: Readers = {
  cpu({ file }) {
    const stat = read(file('cpu', 'cpu.stat'));
    return { totalNs: must(flatKey(stat, 'usage_usec'), 'usage_usec') * 1_000, ...periodsOf(stat) };
  },
  memory({ file }) {
    const stat = read(file('memory', 'memory.stat'));
    return {
      usageBytes: toNumber(read(file('memory', 'memory.current'))),
      inactiveFileBytes: must(flatKey(stat, 'inactive_file'), 'inactive_file'),
      activeFileBytes: must(flatKey(stat, 'active_file'), 'active_file'),
    };
  },
  pids: ({ file }) => ({ current: toNumber(read(file('pids', 'pids.current'))) }),
  blkio: ({ file }) => parseIoStat(read(file('io', 'io.stat'))),
};

const LEGACY: Readers = {
  cpu({ file }) {
    const totalNs = toNumber(read(file('cpuacct', 'cpuacct.usage')));
    return { totalNs, ...periodsOf(read(file('cpu', 'cpu.stat'))) };
  },
  memory({ file }) {
    const stat = read(file('memory', 'memory.stat'));
    return {
      usageBytes: toNumber(read(file('memory', 'memory.usage_in_bytes'))),
      inactiveFileBytes: must(flatKey(stat, 'total_inactive_file'), 'total_inactive_file'),
      activeFileBytes: must(flatKey(stat, 'total_active_file'), 'total_active_file'),
    };
  },
  pids: ({ file }) => ({ current: toNumber(read(file('pids', 'pids.current'))) }),
  blkio: ({ file }) => parseBlkio(read(file('blkio', 'blkio.throttle.io_service_bytes_recursive'))),
};

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

function periodsOf(cpuStat: string): {
  readonly periods: number;
  readonly throttledPeriods: number;
} {
  return {
    periods: flatKey(cpuStat, 'nr_periods') ?? 0,
    throttledPeriods: flatKey(cpuStat, 'nr_throttled') ?? 0,
  };
}

/** Absent where the controller is not delegated: no reason to do without the rest. */
function blkioOf(readBlkio: () => NonNullable<RawSample['blkio']>): Pick<RawSample, 'blkio'> {
  try {
    return { blkio: readBlkio() };
  } catch {
    return {};
  }
}

function interfacesOf(path: string): NonNullable<RawSample['network']> {
  return parseInterfaces(read(path));
}

/** As the stats API has it: no figures for the host's network, nor for another container's. */
function hasOwnNetwork(container: ObservedContainer): boolean {
  const isShared = container.shares.some(({ kind }) => kind === 'network');
  return !isShared && container.networks['host'] === undefined;
}

function toNumber(text: string): number {
  return must(Number.parseInt(text, 10), 'a counter');
}

function must(value: number | undefined, name: string): number {
  if (value === undefined || Number.isNaN(value)) throw new Error(`${name} is missing`);
  return value;
}
