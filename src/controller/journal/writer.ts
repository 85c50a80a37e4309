import { JournalUnavailableError } from '#core/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';

export interface PendingLine {
  readonly seq: number;
  readonly segment: string;
  readonly bytes: Buffer;
}

export interface WriterOptions {
  /** Longest wait of a line that nobody waits for, so that many share one write. Default 50. */
  readonly coalesceMs: number;
  /** Longest time that a written line stays unsynced. Default 1,000. */
  readonly syncWithinMs: number;
  /** A write slower than this counts as failed until it ends. Default 10,000. */
  readonly stallMs: number;
  /** First wait after a failed write; doubles up to `retryMaxMs`. Default 100. */
  readonly retryMs: number;
  /** Default 15,000. */
  readonly retryMaxMs: number;
}

export interface WriterDeps {
  readonly storage: JournalStorage;
  readonly clock: Clock;
  /** Where the journal ends on disk; `undefined` when it has no segment. */
  readonly active: { readonly name: string; readonly bytes: number } | undefined;
  readonly options: WriterOptions;
  /** Records up to this one outlive a power cut. */
  readonly onDurable: (seq: number) => void;
  /** Called when writing begins to fail (with the reason) and when it works again. */
  readonly onFailing: (reason: string | undefined) => void;
  /** Milliseconds that one write took, synced or not. */
  readonly onWrite: (durationMs: number) => void;
}

/**
 * The one place that writes: lines go to storage in order, all that wait share a write and a sync.
 *
 * A failed write or sync may have left a part of its bytes, and after a failed sync the kernel may
 * have dropped bytes that an earlier write had taken. So lines stay in memory until they are
 * synced; before a retry the segment is cut back to what is known to be durable and everything
 * after it is written anew.
 */
export interface JournalWriter {
  /** Takes lines; with `sync` they are synced as soon as the disk allows. */
  push(lines: readonly PendingLine[], options: { readonly sync: boolean }): Promise<void>;
  /** Lines that are not yet durable. */
  pendingCount(): number;
  pendingBytes(): number;
  /** Why writing fails at the moment. */
  failure(): string | undefined;
  /** Writes and syncs what is pending, once, and stops. */
  close(): Promise<void>;
}

interface Waiter {
  readonly seq: number;
  readonly sync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** So many lines are synced without waiting for the time: all of them are kept in memory until then. */
const SYNC_AFTER_LINES = 1_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

export function createJournalWriter(deps: WriterDeps): JournalWriter {
  return new Writer(deps);
}

const NOTHING = new Uint8Array();

class Writer implements JournalWriter {
  readonly #deps: WriterDeps;
  /** Not yet durable, oldest first; the first `#written` of them are in storage, unsynced. */
  #lines: PendingLine[] = [];
  #written = 0;
  #pendingBytes = 0;
  /** The segment that is being written, and how much of it is durable. */
  #segment: { name: string; durableBytes: number } | undefined;
  #writtenSeq = 0;
  #waiters: Waiter[] = [];
  #syncWanted = false;
  #running: Promise<void> | undefined;
  #failure: string | undefined;
  #failures = 0;
  #closing = false;
  readonly #closed = new AbortController();
  #cancelWrite: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;
  /** The segment that was found at the start, until it was synced. */
  #found: string | undefined;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
    const { active } = deps;
    if (active === undefined) return;
    this.#segment = { name: active.name, durableBytes: active.bytes };
    this.#found = active.name;
  }

  push(lines: readonly PendingLine[], options: { readonly sync: boolean }): Promise<void> {
    const last = lines.at(-1);
    if (last === undefined) return Promise.resolve();
    this.#lines.push(...lines);
    for (const line of lines) this.#pendingBytes += line.bytes.length;

    const written = this.#wait(last.seq, options.sync);
    if (options.sync || this.#lines.length >= SYNC_AFTER_LINES) {
      this.#syncWanted = true;
      this.#start();
    } else {
      this.#writeWithin(this.#deps.options.coalesceMs);
    }
    return written;
  }

  pendingCount(): number {
    return this.#lines.length;
  }

  pendingBytes(): number {
    return this.#pendingBytes;
  }

  failure(): string | undefined {
    return this.#failure;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#syncWanted = true;
    this.#cancelTimers();
    this.#closed.abort();
    this.#start();
    await this.#running;
    this.#rejectWaiters('the journal was closed');
  }

  #wait(seq: number, sync: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // A caller that does not wait must not end the process.
    promise.catch(() => undefined);
    // While the disk says no, nobody is kept waiting: the line is written later, its act is not done.
    if (this.#failure !== undefined) reject(new JournalUnavailableError(this.#failure));
    else this.#waiters.push({ seq, sync, resolve, reject });
    return promise;
  }

  #writeWithin(delayMs: number): void {
    this.#cancelWrite ??= this.#deps.clock.after(delayMs, () => {
      this.#cancelWrite = undefined;
      this.#start();
    });
  }

  #syncWithin(delayMs: number): void {
    this.#cancelSync ??= this.#deps.clock.after(delayMs, () => {
      this.#cancelSync = undefined;
      this.#syncWanted = true;
      this.#start();
    });
  }

  #cancelTimers(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = undefined;
    this.#cancelSync?.();
    this.#cancelSync = undefined;
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#closing || this.#lines.length === 0) return;
      if (this.#syncWanted) this.#start();
      else if (this.#written < this.#lines.length) this.#writeWithin(this.#deps.options.coalesceMs);
      else this.#syncWithin(this.#deps.options.syncWithinMs);
    });
  }

  async #run(): Promise<void> {
    // One turn later, so that all appends of this turn share the write.
    await Promise.resolve();
    this.#cancelTimers();
    while (this.#hasWork()) {
      try {
        if (this.#failures > 0) await this.#cutBack();
        await this.#writeBatch();
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : String(error));
        if (this.#closing) return;
        await this.#deps.clock.sleep(this.#retryDelayMs(), this.#closed.signal);
      }
    }
  }

  #hasWork(): boolean {
    if (this.#lines.length === 0) {
      this.#syncWanted = false;
      return false;
    }
    return this.#syncWanted || this.#written < this.#lines.length;
  }

  async #writeBatch(): Promise<void> {
    const batch = this.#nextBatch();
    if (this.#segment?.name !== batch.segment) {
      if (this.#found !== undefined) await this.#seal(this.#found);
      this.#segment = { name: batch.segment, durableBytes: 0 };
    }
    const sync = this.#syncWanted || batch.endsSegment || this.#failures > 0;

    await this.#timed(() => this.#deps.storage.append(batch.segment, batch.bytes, { sync }));

    this.#written = batch.end;
    this.#writtenSeq = this.#lines[batch.end - 1]?.seq ?? this.#writtenSeq;
    if (sync) {
      this.#found = undefined;
      this.#markDurable();
    }
    this.#settleWaiters();
    if (this.#failures > 0) this.#recover();
  }

  /**
   * What a killed process wrote may not be on disk yet, and nothing may follow in another segment
   * before it is. Within a run a segment is synced with its last lines.
   */
  async #seal(found: string): Promise<void> {
    await this.#timed(() => this.#deps.storage.append(found, NOTHING, { sync: true }));
    this.#found = undefined;
  }

  /**
   * The unwritten lines of the oldest segment that is not durable; none when only its sync is due.
   * So unsynced lines are always of one segment, and a segment is durable before the next begins.
   */
  #nextBatch() {
    const first = this.#lines[0];
    if (first === undefined) throw new Error('a write without a line');
    let end = this.#written;
    let size = 0;
    for (; end < this.#lines.length; end += 1) {
      const line = this.#lines[end];
      if (line === undefined || line.segment !== first.segment || size > BATCH_BYTES_MAX) break;
      size += line.bytes.length;
    }
    const next = this.#lines[end];
    return {
      segment: first.segment,
      bytes: Buffer.concat(this.#lines.slice(this.#written, end).map((line) => line.bytes)),
      end,
      endsSegment: next !== undefined && next.segment !== first.segment,
    };
  }

  #markDurable(): void {
    const durable = this.#lines.slice(0, this.#written);
    let bytes = 0;
    for (const line of durable) bytes += line.bytes.length;
    this.#lines = this.#lines.slice(this.#written);
    this.#pendingBytes -= bytes;
    this.#written = 0;
    if (this.#segment !== undefined) this.#segment.durableBytes += bytes;
    if (this.#lines.length === 0) this.#syncWanted = false;
    const last = durable.at(-1);
    if (last !== undefined) this.#deps.onDurable(last.seq);
  }

  #settleWaiters(): void {
    const durableBefore = this.#lines[0]?.seq ?? Number.POSITIVE_INFINITY;
    const done = (waiter: Waiter) =>
      waiter.sync ? waiter.seq < durableBefore : waiter.seq <= this.#writtenSeq;
    for (const waiter of this.#waiters) if (done(waiter)) waiter.resolve();
    this.#waiters = this.#waiters.filter((waiter) => !done(waiter));
  }

  /** Removes what a failed write left behind the durable bytes. */
  async #cutBack(): Promise<void> {
    this.#written = 0;
    const segment = this.#segment;
    if (segment === undefined) return;
    const names = await this.#deps.storage.list();
    // A segment whose first write failed may not exist.
    if (!names.includes(segment.name) && segment.durableBytes === 0) return;
    await this.#timed(() => this.#deps.storage.truncate(segment.name, segment.durableBytes));
  }

  async #timed(work: () => Promise<void>): Promise<void> {
    const { clock, options, onWrite } = this.#deps;
    const startedAtMs = clock.bootMs();
    const cancel = clock.after(options.stallMs, () => {
      this.#setFailure(`the disk has not answered for ${options.stallMs} ms`);
    });
    try {
      await work();
    } finally {
      cancel();
    }
    onWrite(Math.max(0, clock.bootMs() - startedAtMs));
    if (this.#failures === 0 && this.#failure !== undefined) this.#recover();
  }

  #fail(reason: string): void {
    this.#failures += 1;
    this.#setFailure(reason);
  }

  #setFailure(reason: string): void {
    const isNew = this.#failure === undefined;
    this.#failure = reason;
    this.#rejectWaiters(reason);
    if (isNew) this.#deps.onFailing(reason);
  }

  #recover(): void {
    this.#failures = 0;
    this.#failure = undefined;
    this.#deps.onFailing(undefined);
  }

  #rejectWaiters(reason: string): void {
    for (const waiter of this.#waiters) waiter.reject(new JournalUnavailableError(reason));
    this.#waiters = [];
  }

  #retryDelayMs(): number {
    const { retryMs, retryMaxMs } = this.#deps.options;
    return Math.min(retryMaxMs, retryMs * 2 ** Math.min(this.#failures - 1, 20));
  }
}
