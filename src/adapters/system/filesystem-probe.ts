import { lstat, readFile, readlink, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObservedContainer } from '#core/workload/container.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { FilesystemProbe, WritableAnswer } from '#ports/filesystem-probe.ts';
import { isReadOnly, parseMounts } from './mount-info.ts';

export interface FilesystemProbeOptions {
  /** Where the host's `proc` is found; default `/`, also in a container with `pid: host`. */
  readonly hostRoot?: string;
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

/** As the kernel has it. */
const LINKS_MAX = 40;
/** A look that hangs (a dead network file system) holds one of Node's four file system threads. */
const AT_ONCE_MAX = 2;

/**
 * Looks through `/proc/PID/root` and `/proc/PID/mountinfo`, which needs the host's `/proc` and the
 * right to trace the process (root, mostly).
 */
export function createFilesystemProbe(options: FilesystemProbeOptions = {}): FilesystemProbe {
  const { hostRoot = '/', timeoutMs = 5_000 } = options;
  const looks = createLimiter(AT_ONCE_MAX);
  /** Container and path of looks that have not come back. */
  const hanging = new Set<string>();

  return {
    async writable(container, path, signal) {
      const name = `${container.id}${path}`;
      if (hanging.has(name)) return { kind: 'Unknown', reason: 'TimedOut' };
      hanging.add(name);
      const process = join(hostRoot, 'proc', String(container.pid));
      const looked = looks
        .run(() => lookAt(process, container, path))
        .finally(() => hanging.delete(name));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const expired = new Promise<WritableAnswer>((resolve) => {
        const give = () => resolve({ kind: 'Unknown', reason: 'TimedOut' });
        limit.addEventListener('abort', give, { once: true });
      });
      return Promise.race([looked, expired]);
    },
  };
}

async function lookAt(
  process: string,
  container: ObservedContainer,
  path: string,
): Promise<WritableAnswer> {
  if (container.pid <= 0 || !(await belongsTo(process, container.id))) {
    return { kind: 'Unsupported', reason: 'HostProcNotVisible' };
  }
  try {
    const root = join(process, 'root');
    const directory = await resolveInside(root, path);
    if (directory === undefined) return { kind: 'Unknown', reason: 'NoSuchDirectory' };
    const mounts = parseMounts(await readFile(join(process, 'mountinfo'), 'utf8'));
    if (isReadOnly(mounts, directory)) return { kind: 'NotWritable', reason: 'ReadOnlyMount' };
    const { bavail, files, ffree } = await statfs(join(root, directory));
    if (bavail <= 0) return { kind: 'NotWritable', reason: 'NoSpace' };
    // File systems that make inodes as they need them report none at all.
    if (files > 0 && ffree <= 0) return { kind: 'NotWritable', reason: 'NoInodes' };
    return { kind: 'Writable' };
  } catch (error) {
    return answerFor(error);
  }
}

function answerFor(error: unknown): WritableAnswer {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return { kind: 'Unknown', reason: 'NoSuchDirectory' };
  if (code === 'EACCES' || code === 'EPERM') {
    return { kind: 'Unsupported', reason: 'HostProcNotVisible' };
  }
  return { kind: 'Unknown', reason: 'NotReadable' };
}

/** A pid may have been given to another process, or belong to another machine. */
async function belongsTo(process: string, id: string): Promise<boolean> {
  try {
    return (await readFile(join(process, 'cgroup'), 'utf8')).includes(id);
  } catch {
    return false;
  }
}

/**
 * Follows symbolic links as the container would: the kernel would take an absolute one, met through
 * `/proc/PID/root`, for a path of the host.
 *
 * @returns the directory without links, absolute inside; `undefined` when it is not there
 */
async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const ahead = path.split('/');
  let done: string[] = [];
  for (let links = 0; ahead.length > 0; ) {
    const segment = ahead.shift();
    if (segment === undefined || segment === '' || segment === '.') continue;
    if (segment === '..') {
      done.pop();
      continue;
    }
    const here = [...done, segment];
    const entry = await lstat(join(root, ...here));
    if (!entry.isSymbolicLink()) {
      if (!entry.isDirectory()) return undefined;
      done = here;
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) return undefined;
    const target = await readlink(join(root, ...here));
    if (target.startsWith('/')) done = [];
    ahead.unshift(...target.split('/'));
  }
  return `/${done.join('/')}`;
}
