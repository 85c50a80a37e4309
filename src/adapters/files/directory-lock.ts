import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigError, DataDirectoryLockedError } from '#core/errors.ts';
import { isErrno, isNoRoom, writeFileAtomically } from './durable.ts';

export interface DirectoryLock {
  release(): void;
}

/** SQLite result codes: https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
/** Somebody who only looks (`isDirectoryLocked`) is gone by then, after a millisecond. */
const LOOK_MS = 100;

/** Locks are held by objects: one that nothing refers to would be collected, and its lock let go. */
const held = new Set<DatabaseSync>();

/**
 * Takes the lock of a directory for the life of this process.
 *
 * Node has no flock. SQLite does take a POSIX lock on its file, and an exclusive transaction that
 * nobody ends holds it: the kernel lets it go when the process dies, however it dies, and it counts
 * for every process on the file, in whatever container (pid and network namespaces do not matter,
 * unlike for a pid file or an abstract socket). The file stays empty.
 *
 * @throws {DataDirectoryLockedError} another process holds it; the message says which, if it is known
 * @throws {ConfigError} the directory's file system cannot lock
 * @throws the file system's error, where a file cannot be made in it
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'lock');
  // Only where it is missing: to open and close a file that this process has locked ends the lock.
  await createFile(path);
  const database = new DatabaseSync(path, { timeout: LOOK_MS });
  try {
    // Else it begins with a journal beside the file, which takes room on the disk.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw await explain(directory, error);
  }
  held.add(database);

  try {
    await writeOwner(ownerPath(directory));
  } catch (error) {
    held.delete(database);
    database.close();
    throw error;
  }
  return {
    release() {
      if (held.delete(database)) database.close();
    },
  };
}

/**
 * It is for people only: where there is no room for a second file, the one of an earlier holder is
 * overwritten, and no room for that either is no reason to stay away until somebody has made some.
 */
async function writeOwner(path: string): Promise<void> {
  const owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const bytes = Buffer.from(`${JSON.stringify(owner)}\n`);
  try {
    await writeFileAtomically(path, bytes);
  } catch (error) {
    if (!isNoRoom(error)) throw error;
    // No name is better than the wrong one.
    await writeFile(path, bytes, { mode: 0o600 }).catch(() => rm(path, { force: true }));
  }
}

/**
 * Whether another process holds the lock. It is only looked at: nothing is made or written, and a
 * Sentinel that starts at this moment gets it. Not for a directory that this process has locked.
 */
export async function isDirectoryLocked(directory: string): Promise<boolean> {
  const path = join(directory, 'lock');
  if ((await stat(path).catch(() => undefined)) === undefined) return false;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // Reading takes a lock that all readers share, and that an exclusive one keeps out.
    database.prepare('SELECT 1 FROM sqlite_schema').all();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

async function createFile(path: string): Promise<void> {
  try {
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

async function explain(directory: string, error: unknown): Promise<Error> {
  if (!isBusy(error)) {
    return new ConfigError(`the data directory ${directory} cannot be locked`, { cause: error });
  }
  // For people only: the lock decides, this file may be old.
  const owner = await readFile(ownerPath(directory), 'utf8').catch(() => '');
  const who = owner === '' ? '' : ` (${owner.trim()})`;
  return new DataDirectoryLockedError(`another Sentinel holds ${directory}${who}`);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function ownerPath(directory: string): string {
  return join(directory, 'lock.owner');
}
