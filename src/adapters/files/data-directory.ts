import { randomBytes } from 'node:crypto';
import { access, chmod, constants, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, SentinelError } from '#core/errors.ts';
import { lockDirectory } from './directory-lock.ts';
import { isErrno, isNoRoom, writeFileAtomically } from './durable.ts';
import { LAST_GOOD_FILE } from './last-good-policies.ts';

/** Everything that Sentinel keeps on this host, held by this process alone. */
export interface DataDirectory extends AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  readonly journalPath: string;
  readonly evidencePath: string;
  /** Policies for a start that finds bad ones. */
  readonly lastGoodPoliciesPath: string;
  /** 32 bytes, made once: the key of the HMACs over arguments in the journal. */
  readonly hmacKey: Uint8Array;
}

const HMAC_KEY_BYTES = 32;

/** Where a journal lies in a data directory: for readers that hold no lock. */
export function journalPathOf(directory: string): string {
  return join(resolve(directory), 'journal');
}

/**
 * Opens the data directory, making it (0700) where it is missing, and locks it until it is disposed
 * of or the process ends.
 *
 * @throws {DataDirectoryLockedError} another Sentinel holds it
 * @throws {ConfigError} it belongs to somebody else, cannot be written or locked, has no room,
 *   or its key is damaged
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory);
  try {
    await prepare(path);
    return await open(path);
  } catch (error) {
    if (error instanceof SentinelError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      `the data directory ${path} ${whyNot(error)}: ${words}; ${remedy(error)}`,
      {
        cause: error,
      },
    );
  }
}

async function open(path: string): Promise<DataDirectory> {
  const lock = await lockDirectory(path);
  try {
    const hmacKey = await readOrCreateKey(join(path, 'hmac-key'));
    return {
      path,
      journalPath: journalPathOf(path),
      evidencePath: join(path, 'evidence'),
      lastGoodPoliciesPath: join(path, LAST_GOOD_FILE),
      hmacKey,
      [Symbol.asyncDispose]: async () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A name for a new journal: 128 random bits, hex. */
export function newJournalId(): string {
  return randomBytes(16).toString('hex');
}

async function prepare(path: string): Promise<void> {
  await makeDirectory(path);
  const { uid, mode } = await stat(path);
  const ownUid = process.getuid?.() ?? uid;
  // Whoever owns the directory can replace what is in it, the key and the journal.
  if (uid !== ownUid) {
    throw new ConfigError(
      `the data directory ${path} belongs to uid ${uid}, and Sentinel runs as uid ${ownUid}: chown ${ownUid} ${path}`,
    );
  }
  if ((mode & 0o077) !== 0) await chmod(path, 0o700);
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
}

function whyNot(error: unknown): string {
  if (NOT_WRITABLE.some((code) => isErrno(error, code))) {
    return `is not writable for uid ${process.getuid?.() ?? 'unknown'}`;
  }
  if (isNoRoom(error)) return 'has no room';
  if (isErrno(error, 'ENOENT')) return 'cannot be made: its file system takes no directory there';
  return 'cannot be used';
}

function remedy(error: unknown): string {
  const another = 'name another one with --data or SENTINEL_DATA';
  return isNoRoom(error) ? `make room, or ${another}` : another;
}

const NOT_WRITABLE = ['EACCES', 'EPERM', 'EROFS'] as const;

/**
 * Makes a directory and those above it. Not with `recursive`: where a file system answers ENOENT
 * although the directory above is there (/proc does), Node tries again for ever, and on a read-only
 * one it reports ENOENT instead of the reason.
 */
async function makeDirectory(path: string): Promise<void> {
  const made = await tryToMake(path);
  if (made === 'Done') return;
  const above = dirname(path);
  if (above === path) throw made;
  await makeDirectory(above);
  const again = await tryToMake(path);
  if (again !== 'Done') throw again;
}

/** @returns the error, where a directory above may be what is missing */
async function tryToMake(path: string): Promise<'Done' | Error> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (isErrno(error, 'ENOENT') && error instanceof Error) return error;
    // What else stands there is for the checks that follow. A read-only file system says EROFS of
    // directories that exist, too.
    const isThere = (await stat(path).catch(() => undefined))?.isDirectory() === true;
    if (!isThere) throw error;
  }
  return 'Done';
}

async function readOrCreateKey(path: string): Promise<Uint8Array> {
  const key = await readFile(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw new ConfigError(`the key ${path} cannot be read`, { cause: error });
  });
  if (key === undefined) {
    const fresh = randomBytes(HMAC_KEY_BYTES);
    await writeFileAtomically(path, fresh);
    return fresh;
  }
  if (key.length === HMAC_KEY_BYTES) return key;
  throw new ConfigError(`the key ${path} has ${key.length} bytes instead of ${HMAC_KEY_BYTES}`);
}
