import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { isErrno, syncDirectory } from './durable.ts';

export interface FileJournalStorage extends JournalStorage, AsyncDisposable {
  /** Closes the segment that is being written. Syncs nothing. */
  close(): Promise<void>;
}

const CHUNK_BYTES = 256 * 1024;
const APPEND_FLAGS = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY;

/**
 * Segments as files of one directory, which the first append creates (0700, files 0600). Reading
 * needs no write permission and creates nothing.
 *
 * Not for two writers: the lock of the data directory keeps them apart.
 */
export function createFileJournalStorage(directory: string): FileJournalStorage {
  return new Storage(directory);
}

class Storage implements FileJournalStorage {
  readonly #directory: string;
  /** The segment that is being written, kept open. */
  #open: { readonly name: string; readonly file: FileHandle } | undefined;
  /** Names were made or removed that a power cut could undo. */
  #isDirectoryDirty = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async list(): Promise<readonly string[]> {
    try {
      const names = await readdir(this.#directory);
      return names.filter((name) => name.endsWith('.jsonl')).sort();
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw unavailable('list', this.#directory, error);
    }
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    const path = join(this.#directory, name);
    try {
      await using file = await open(path, 'r');
      for (;;) {
        // A fresh buffer for each: the reader keeps slices of it.
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES));
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw unavailable('read', path, error);
    }
  }

  async append(
    name: string,
    bytes: Uint8Array,
    { sync }: { readonly sync: boolean },
  ): Promise<void> {
    const path = join(this.#directory, name);
    try {
      const file = await this.#fileOf(name);
      await writeAll(file, bytes);
      if (!sync) return;
      await file.datasync();
      // Bytes in a file that has no name any more would be lost with this process.
      if ((await file.stat()).nlink === 0) throw new Error('somebody removed the file');
      if (this.#isDirectoryDirty) await syncDirectory(this.#directory);
      this.#isDirectoryDirty = false;
    } catch (error) {
      await this.close();
      throw unavailable('write', path, error);
    }
  }

  async truncate(name: string, size: number): Promise<void> {
    const path = join(this.#directory, name);
    try {
      await using file = await open(path, 'r+');
      const { size: before } = await file.stat();
      // ftruncate would fill up with zeros.
      if (before < size) throw new Error(`the file has ${before} bytes, and ${size} were durable`);
      await file.truncate(size);
      await file.sync();
      await syncDirectory(this.#directory);
    } catch (error) {
      throw unavailable('truncate', path, error);
    }
  }

  async remove(name: string): Promise<void> {
    const path = join(this.#directory, name);
    try {
      if (this.#open?.name === name) await this.close();
      await unlink(path);
      await syncDirectory(this.#directory);
    } catch (error) {
      throw unavailable('remove', path, error);
    }
  }

  async close(): Promise<void> {
    const file = this.#open?.file;
    this.#open = undefined;
    // Closing reports no error that a sync has not reported before.
    await file?.close().catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #fileOf(name: string): Promise<FileHandle> {
    if (this.#open?.name === name) return this.#open.file;
    await this.close();
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = await open(join(this.#directory, name), APPEND_FLAGS, 0o600);
    this.#open = { name, file };
    this.#isDirectoryDirty = true;
    return file;
  }
}

/** A full disk may take a part, and say so only by the count. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written);
    if (bytesWritten === 0) throw new Error('the disk took no bytes');
    written += bytesWritten;
  }
}

function unavailable(verb: string, path: string, cause: unknown): JournalUnavailableError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new JournalUnavailableError(`cannot ${verb} ${path}: ${reason}`, { cause });
}
