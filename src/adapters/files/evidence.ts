import { hash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EvidenceUnavailableError } from '#core/errors.ts';
import type { EvidenceRef, EvidenceStore } from '#ports/evidence-store.ts';
import { isErrno } from './durable.ts';

export interface EvidenceOptions {
  /** Since it was last put. Default 30 d. */
  readonly ageMaxMs?: number;
  /** Of all evidence together. Default 1 GiB. */
  readonly bytesMax?: number;
}

interface Entry {
  readonly size: number;
  readonly putAtMs: number;
}

const SHA256 = /^[0-9a-f]{64}$/;
const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

/**
 * Evidence as one file for each content, named by its sha256. The oldest go when a put finds too
 * much or too old.
 *
 * @param nowMs wall clock, epoch milliseconds
 */
export async function openEvidenceStore(
  directory: string,
  nowMs: () => number,
  { ageMaxMs = 30 * DAY_MS, bytesMax = GIB }: EvidenceOptions = {},
): Promise<EvidenceStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  /** In the order of the last put, oldest first. */
  const entries = await readEntries(directory);
  let bytesKept = 0;
  for (const { size } of entries.values()) bytesKept += size;
  await evict();

  async function put(bytes: Uint8Array): Promise<EvidenceRef> {
    const sha256 = hash('sha256', bytes);
    const path = join(directory, sha256);
    try {
      const putAtMs = nowMs();
      // Of another size it is what a power cut has left of it.
      const isKept = entries.get(sha256)?.size === bytes.length;
      if (isKept) await utimes(path, putAtMs / 1_000, putAtMs / 1_000);
      else await writeWhole(path, bytes);
      forget(sha256);
      entries.set(sha256, { size: bytes.length, putAtMs });
      bytesKept += bytes.length;
      await evict();
    } catch (cause) {
      forget(sha256);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new EvidenceUnavailableError(`evidence cannot be kept: ${reason}`, { cause });
    }
    return { sha256, size: bytes.length };
  }

  async function get(sha256: string): Promise<Uint8Array | undefined> {
    if (!SHA256.test(sha256)) return undefined;
    try {
      const bytes = await readFile(join(directory, sha256));
      return hash('sha256', bytes) === sha256 ? bytes : undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw new EvidenceUnavailableError('evidence cannot be read', { cause: error });
    }
  }

  async function evict(): Promise<void> {
    for (const [sha256, { putAtMs }] of entries) {
      if (bytesKept <= bytesMax && nowMs() - putAtMs <= ageMaxMs) return;
      forget(sha256);
      await rm(join(directory, sha256), { force: true });
    }
  }

  function forget(sha256: string): void {
    bytesKept -= entries.get(sha256)?.size ?? 0;
    entries.delete(sha256);
  }

  return { put, get };
}

/**
 * Outlives the end of this process, but not surely a power cut: an action waits for it, and two
 * more waits for the disk would double the time that it takes. What is lost is found by its hash.
 */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, bytes, { flag: 'wx', mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function readEntries(directory: string): Promise<Map<string, Entry>> {
  const entries: [string, Entry][] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (name.endsWith('.tmp')) await rm(path, { force: true }); // Left by a crash.
    if (!SHA256.test(name)) continue;
    const { size, mtimeMs } = await stat(path);
    entries.push([name, { size, putAtMs: mtimeMs }]);
  }
  entries.sort(([, a], [, b]) => a.putAtMs - b.putAtMs);
  return new Map(entries);
}
