import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';

/** One call that changes storage, as a fault sees it before it takes effect. */
export type StorageCall =
  | {
      readonly method: 'append';
      readonly name: string;
      readonly bytes: number;
      readonly sync: boolean;
    }
  | { readonly method: 'truncate'; readonly name: string }
  | { readonly method: 'remove'; readonly name: string };

export interface StorageFault {
  readonly message: string;
  /** `append` only: how many bytes are taken before it fails. Default 0. */
  readonly bytesTaken?: number;
}

export interface MemoryJournalStorage extends JournalStorage {
  /** Decides for each call whether it fails; `undefined` ends all faults. */
  setFault(fault: ((call: StorageCall) => StorageFault | undefined) | undefined): void;
  /** Everything that was written, by name: what is there when the process dies. */
  files(): Map<string, Buffer>;
  /** What was synced, by name: the least that is there after a power cut. */
  durableFiles(): Map<string, Buffer>;
}

interface MemoryFile {
  chunks: Buffer[];
  durableBytes: number;
  /** Whether the name outlives a power cut. */
  isDurable: boolean;
}

/** Segments in memory, for tests, simulation and dry runs. Reads come in chunks of 64 KiB. */
export function createMemoryJournalStorage(
  initial: ReadonlyMap<string, Uint8Array> = new Map(),
): MemoryJournalStorage {
  const files = new Map<string, MemoryFile>();
  for (const [name, bytes] of initial) {
    files.set(name, {
      chunks: [Buffer.from(bytes)],
      durableBytes: bytes.length,
      isDurable: true,
    });
  }
  let fault: ((call: StorageCall) => StorageFault | undefined) | undefined;
  // Whoever makes such a call makes it again at once, and here no timer would ever get its turn:
  // from then on all appends fail, so that whatever is tested fails soon.
  let misuse: string | undefined;

  function existing(name: string): MemoryFile {
    const file = files.get(name);
    if (file === undefined) throw new JournalUnavailableError(`there is no segment ${name}`);
    return file;
  }

  function failIfTold(call: StorageCall): void {
    const told = fault?.(call);
    if (told !== undefined) throw new JournalUnavailableError(told.message);
  }

  return {
    list: async () => [...files.keys()].sort(),

    read: (name) => chunksOf(contents(existing(name))),

    async append(name, bytes, { sync }) {
      if (bytes.length === 0 && !sync) misuse = 'a call wrote nothing and synced nothing';
      if (misuse !== undefined) throw new TypeError(misuse);
      const told = fault?.({ method: 'append', name, bytes: bytes.length, sync });
      const file = files.get(name) ?? { chunks: [], durableBytes: 0, isDurable: false };
      const taken = told === undefined ? bytes.length : (told.bytesTaken ?? 0);
      if (told === undefined || taken > 0) files.set(name, file);
      // Copied: the caller may reuse its buffer.
      file.chunks.push(Buffer.from(bytes.subarray(0, taken)));
      if (told !== undefined) throw new JournalUnavailableError(told.message);
      if (!sync) return;
      file.durableBytes = contents(file).length;
      file.isDurable = true;
    },

    async truncate(name, size) {
      failIfTold({ method: 'truncate', name });
      const file = existing(name);
      file.chunks = [contents(file).subarray(0, size)];
      file.durableBytes = size;
    },

    async remove(name) {
      failIfTold({ method: 'remove', name });
      existing(name);
      files.delete(name);
    },

    setFault: (next) => {
      fault = next;
    },
    files: () => new Map([...files].map(([name, file]) => [name, Buffer.from(contents(file))])),
    durableFiles: () =>
      new Map(
        [...files]
          .filter(([, file]) => file.isDurable)
          .map(([name, file]) => [
            name,
            Buffer.from(contents(file).subarray(0, file.durableBytes)),
          ]),
      ),
  };
}

/** Joins the chunks, once, so that many small appends stay cheap. */
function contents(file: MemoryFile): Buffer {
  const [first, ...others] = file.chunks;
  if (first !== undefined && others.length === 0) return first;
  const joined = Buffer.concat(file.chunks);
  file.chunks = [joined];
  return joined;
}

const CHUNK_BYTES = 64 * 1024;

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}
