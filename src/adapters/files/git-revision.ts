import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const GIT_TIMEOUT_MS = 5_000;
const STATUS = [
  '-c',
  // A checkout can name a program here, which status would run.
  'core.fsmonitor=false',
  'status',
  '--porcelain=v2',
  '--branch',
  '--untracked-files=normal',
  '--',
];

/**
 * Which commit a folder or file is checked out at, and whether it differs from it.
 *
 * @returns `main@sha1:…`, with `+dirty` where anything in it differs or is not tracked;
 *   empty outside a checkout, before its first commit, without git, or when git refuses (it does
 *   for a checkout of another user, whose settings could run programs)
 */
export async function gitRevision(path: string): Promise<string> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const { stdout } = await run('git', [...STATUS, isFolder ? '.' : basename(path)], {
      cwd: isFolder ? path : dirname(path),
      timeout: GIT_TIMEOUT_MS,
      // Asking must not write: the folder may be read-only, or in use by a person.
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], GIT_OPTIONAL_LOCKS: '0' },
    });
    return toRevision(stdout);
  } catch {
    return '';
  }
}

function toRevision(status: string): string {
  const lines = status.split('\n').filter((line) => line !== '');
  const header = (name: string) =>
    lines.find((line) => line.startsWith(`# branch.${name} `))?.slice(`# branch.${name} `.length);
  const commit = header('oid') ?? '';
  if (!/^[0-9a-f]{40,64}$/.test(commit)) return '';

  const head = header('head') ?? '';
  const branch = head === '' || head === '(detached)' ? 'HEAD' : head;
  const dirty = lines.some((line) => !line.startsWith('#'));
  const hash = commit.length === 40 ? 'sha1' : 'sha256';
  return `${branch}@${hash}:${commit}${dirty ? '+dirty' : ''}`;
}
