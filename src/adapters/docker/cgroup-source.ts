import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawSample } from '#core/health/sample.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { Clock } from '#ports/clock.ts';
import {
  parseBlkio,
  parseFlatKeys,
  parseInterfaces,
  parseIoStat,
  parseProcessors,
} from './cgroup-files.ts';

/**
 * Reads containers' counters from the kernel's own files: no work for the daemon. It needs the
 * host's `/proc` and `/sys/fs/cgroup`.
 */
export interface CgroupSource {
  /** @returns `undefined` when the container's files are not visible here, or it has stopped */
  sample(container: ObservedContainer): Promise<RawSample | undefined>;
}

const PROCESSORS_KEPT_MS = 60_000;

/**
 * @param options.hostRoot where the host's `proc` and `sys/fs/cgroup` are found: `/` for a process
 *   on the host, a folder with both mounted in a container
 */
export function createCgroupSource(options: {
  readonly clock: Pick<Clock, 'bootMs'>;
  readonly hostRoot?: string;
}): CgroupSource {
  const { clock, hostRoot = '/' } = options;
  const proc = join(hostRoot, 'proc');
  const cgroups = join(hostRoot, 'sys/fs/cgroup');
  let processors: { readonly count: number; readonly readAtMs: number } | undefined;

  /** The number of processors changes so seldom, and /proc/stat is so long on large machines. */
  async function countProcessors(): Promise<number> {
    const nowMs = clock.bootMs();
    if (processors === undefined || nowMs - processors.readAtMs > PROCESSORS_KEPT_MS) {
      const count = parseProcessors(await readFile(join(proc, 'stat'), 'utf8'));
      processors = { count, readAtMs: nowMs };
    }
    return processors.count;
  }

  async function read(container: ObservedContainer, startedAtMs: number): Promise<RawSample> {
    const process = join(proc, String(container.pid));
    const membership = await readFile(join(process, 'cgroup'), 'utf8');
    const folderOf = locate(membership, container.id);
    const atMs = clock.bootMs();
    const [counters, network, onlineCpus] = await Promise.all([
      folderOf.version === 2
        ? readUnified(join(cgroups, folderOf.path('')))
        : readLegacy((controller) => join(cgroups, controller, folderOf.path(controller))),
      hasOwnNetwork(container)
        ? readFile(join(process, 'net/dev'), 'utf8').then(parseInterfaces)
        : undefined,
      countProcessors(),
    ]);
    const { cpu, ...rest } = counters;
    return {
      atMs,
      startedAtMs,
      cpu: { ...cpu, onlineCpus },
      ...rest,
      ...(network !== undefined && { network }),
    };
  }

  return {
    async sample(container) {
      const { pid, startedAtMs } = container;
      if (pid <= 0 || startedAtMs === undefined) return undefined;
      try {
        return await read(container, startedAtMs);
      } catch {
        // Another pid namespace, hidden files, a controller that is off, a process just gone: the
        // stats API still has the answer, or says that there is none.
        return undefined;
      }
    },
  };
}

type Counters = Omit<RawSample, 'cpu' | 'atMs' | 'startedAtMs' | 'network'> & {
  readonly cpu: Omit<NonNullable<RawSample['cpu']>, 'onlineCpus'>;
};

interface Location {
  readonly version: 1 | 2;
  /** Folder below a v1 controller's, or below the unified root. */
  path(controller: string): string;
}

/**
 * Finds the container's own cgroup in `/proc/PID/cgroup`. A pid may have been given to another
 * process, or belong to another pid namespace: only a path with the container's id is believed,
 * and cut behind it, since an init system inside moves itself into a cgroup of its own.
 */
function locate(membership: string, id: string): Location {
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
  const pathOf = (controller: string): string => {
    const path = paths.get(controller);
    if (path === undefined) throw new Error(`no ${controller || 'unified'} cgroup of ${id}`);
    return path;
  };
  // A hybrid host has an empty unified hierarchy beside the v1 controllers.
  return { version: paths.has('memory') ? 1 : 2, path: pathOf };
}

async function readUnified(folder: string): Promise<Counters> {
  const read = (name: string) => readFile(join(folder, name), 'utf8');
  const [cpuStat, usage, memoryStat, pids, ioStat] = await Promise.all([
    read('cpu.stat'),
    read('memory.current'),
    read('memory.stat'),
    read('pids.current'),
    // Absent where the io controller is not delegated.
    read('io.stat').catch(() => undefined),
  ]);
  const cpu = parseFlatKeys(cpuStat);
  const memory = parseFlatKeys(memoryStat);
  return {
    cpu: {
      totalNs: must(cpu.get('usage_usec'), 'usage_usec') * 1_000,
      periods: cpu.get('nr_periods') ?? 0,
      throttledPeriods: cpu.get('nr_throttled') ?? 0,
    },
    memory: {
      usageBytes: toNumber(usage),
      inactiveFileBytes: must(memory.get('inactive_file'), 'inactive_file'),
      activeFileBytes: must(memory.get('active_file'), 'active_file'),
    },
    pids: { current: toNumber(pids) },
    ...(ioStat !== undefined && { blkio: parseIoStat(ioStat) }),
  };
}

async function readLegacy(folderOf: (controller: string) => string): Promise<Counters> {
  const read = (controller: string, name: string) =>
    readFile(join(folderOf(controller), name), 'utf8');
  const [usageNs, cpuStat, usage, memoryStat, pids, blkio] = await Promise.all([
    read('cpuacct', 'cpuacct.usage'),
    read('cpu', 'cpu.stat'),
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('pids', 'pids.current'),
    read('blkio', 'blkio.throttle.io_service_bytes_recursive').catch(() => undefined),
  ]);
  const cpu = parseFlatKeys(cpuStat);
  const memory = parseFlatKeys(memoryStat);
  return {
    cpu: {
      totalNs: toNumber(usageNs),
      periods: cpu.get('nr_periods') ?? 0,
      throttledPeriods: cpu.get('nr_throttled') ?? 0,
    },
    memory: {
      usageBytes: toNumber(usage),
      inactiveFileBytes: must(memory.get('total_inactive_file'), 'total_inactive_file'),
      activeFileBytes: must(memory.get('total_active_file'), 'total_active_file'),
    },
    pids: { current: toNumber(pids) },
    ...(blkio !== undefined && { blkio: parseBlkio(blkio) }),
  };
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
