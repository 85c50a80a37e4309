import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { isPolicyFileName, listPolicyFiles } from './policy-folder.ts';

const run = promisify(execFile);
const GIT_TIMEOUT_MS = 5_000;
const GIT_OUTPUT_BYTES_MAX = 64 * 2 ** 20;

/**
 * Which commit a folder or file is checked out at, and whether the policies differ from it.
 *
 * A checkout can name programs: filters, a file system monitor, hooks, a remote to fetch what is
 * missing. `git status` and `git diff` run the first two. So git is asked only for what it has on
 * record, by commands that look at neither the files nor the index, and the files are compared here,
 * byte by byte: one that a filter converts at checkout reads as different.
 *
 * @returns `main@sha1:…`, with `+dirty` where a policy file differs, is missing or is not in the
 *   commit; empty outside a checkout, before its first commit, without git, or when git refuses (it
 *   does for a checkout of another user)
 */
export async function gitRevision(path: string): Promise<string> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    const root = isFolder ? path : dirname(path);
    const head = await git(root, ['rev-parse', 'HEAD', '--symbolic-full-name', 'HEAD']);
    const [commit = '', ref = ''] = head.split('\n');
    if (!/^[0-9a-f]{40,64}$/.test(commit)) return '';

    const only = isFolder ? [] : ['--', basename(path)];
    const tree = parseTree(await git(root, ['ls-tree', '-r', '-z', commit, ...only]));
    const committed = tree.filter(({ name }) => !isFolder || isPolicyFileName(name));
    const { files } = await listPolicyFiles(path);
    const read = new Set(files.map((file) => relative(root, file.path)));
    const hash = commit.length === 40 ? 'sha1' : 'sha256';
    const dirty = await differs(root, committed, read, hash);
    return `${ref.replace('refs/heads/', '')}@${hash}:${commit}${dirty ? '+dirty' : ''}`;
  } catch {
    return '';
  }
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(
    'git',
    ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', ...args],
    {
      cwd,
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: GIT_OUTPUT_BYTES_MAX,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        // Asking must not write: the folder may be read-only, or in use by a person.
        GIT_OPTIONAL_LOCKS: '0',
        GIT_LITERAL_PATHSPECS: '1',
        // Nor fetch what a partial clone lacks: how is for the checkout to say. An older git knows
        // only the second.
        GIT_NO_LAZY_FETCH: '1',
        GIT_ALLOW_PROTOCOL: 'none',
      },
    },
  );
  return stdout;
}

interface Entry {
  readonly mode: string;
  readonly object: string;
  /** Relative to where git was asked. */
  readonly name: string;
}

/** `MODE TYPE OBJECT<tab>NAME`, each ended by a zero byte. */
function parseTree(text: string): Entry[] {
  return [...text.matchAll(/([0-7]{6}) \w+ ([0-9a-f]{40,64})\t([^\0]+)\0/g)].map(
    ([, mode = '', object = '', name = '']) => ({ mode, object, name }),
  );
}

async function differs(
  root: string,
  committed: readonly Entry[],
  read: ReadonlySet<string>,
  hash: string,
): Promise<boolean> {
  const names = new Set(committed.map(({ name }) => name));
  if ([...read].some((name) => !names.has(name))) return true;
  for (const { mode, object, name } of committed) {
    const path = join(root, name);
    if ((await objectOf(path, mode, hash)) !== object) return true;
  }
  return false;
}

/** What git would call the content of a file, had it no filters. */
async function objectOf(path: string, mode: string, hash: string): Promise<string | undefined> {
  const status = await lstat(path).catch(() => undefined);
  if (status?.isSymbolicLink() && mode === '120000') {
    const target = Buffer.from(await readlink(path));
    return createHash(hash).update(`blob ${target.length}\0`).update(target).digest('hex');
  }
  if (!status?.isFile() || mode === '120000') return undefined;
  const digest = createHash(hash).update(`blob ${status.size}\0`);
  for await (const chunk of createReadStream(path)) digest.update(chunk as Buffer);
  return digest.digest('hex');
}
