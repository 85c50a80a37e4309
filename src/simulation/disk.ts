import {
  createMemoryJournalStorage,
  type MemoryJournalStorage,
} from '#adapters/memory/memory-journal-storage.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { type Life, mortal, never } from './life.ts';
import type { Random } from './random.ts';

/** The journal's disk: it is full at times, and keeps of an interrupted write what it wants. */
export class Disk {
  readonly #random: Random;
  #storage: MemoryJournalStorage = createMemoryJournalStorage();
  #isFull = false;
  #backup: ReadonlyMap<string, Uint8Array> | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** No room from now on: each write takes a part of its bytes, and fails. */
  fill(): void {
    this.#isFull = true;
    this.#storage.setFault((call) => {
      if (call.method !== 'append') return undefined;
      const bytesTaken = this.#random.int(0, call.bytes);
      return { message: 'no space left on device', bytesTaken };
    });
  }

  empty(): void {
    this.#isFull = false;
    this.#storage.setFault(undefined);
  }

  /** What was synced stays; of what was written after that, a beginning. */
  cutPower(): void {
    const kept = this.#storage.durableFiles();
    for (const [name, written] of this.#storage.files()) {
      const synced = kept.get(name);
      if (synced === undefined) continue;
      const size = this.#random.int(synced.length, Math.max(synced.length, written.length));
      kept.set(name, written.subarray(0, size));
    }
    this.#storage = createMemoryJournalStorage(kept);
    this.#isFull = false;
  }

  get hasBackup(): boolean {
    return this.#backup !== undefined;
  }

  /** Keeps the files as they are now. */
  backUp(): void {
    this.#backup = new Map(
      [...this.#storage.files()].map(([name, bytes]) => [name, bytes.slice()]),
    );
  }

  /** The files are again as the backup has them: what was written since never was. */
  restore(): void {
    this.#storage = createMemoryJournalStorage(new Map(this.#backup));
    this.#isFull = false;
  }

  /** Whether the text is where a power cut leaves it. */
  holds(text: string): boolean {
    return [...this.#storage.durableFiles().values()].some((bytes) => bytes.includes(text));
  }

  files(): ReadonlyMap<string, Uint8Array> {
    return this.#storage.files();
  }

  /** As one process writes to it: killed within a write, it leaves a beginning of it. */
  seenBy(life: Life): JournalStorage {
    const storage = this.#storage;
    const random = this.#random;
    return {
      ...mortal<JournalStorage>(storage, life),
      async append(name, bytes, options) {
        if (life.isOver) return never();
        if (!life.cross()) {
          const size = random.int(0, bytes.length);
          if (size === 0) return never();
          // A disk that is full has the last word, to nobody.
          await storage
            .append(name, bytes.subarray(0, size), { sync: false })
            .catch(() => undefined);
          return never();
        }
        await storage.append(name, bytes, options);
        return life.cross() ? undefined : never();
      },
    };
  }
}
