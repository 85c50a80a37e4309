import type { JournalRecord } from '#core/journal/record.ts';
import type { Clock } from '#ports/clock.ts';
import type { EventSink, IncidentKey, SinkCursor, StreamEntry } from '#ports/event-sink.ts';
import { auditEntry } from './audit-entry.ts';
import type { Journal } from './journal/journal.ts';
import { foldRecord } from './journal/recover.ts';
import type { StateReducer } from './journal/reducer.ts';

/** What one record tells the world, beside its entry in the audit stream. */
export interface Projection {
  readonly entries: readonly StreamEntry[];
  readonly incidents: readonly IncidentKey[];
  readonly messages: readonly string[];
}

/** Reasons of one outage: more would be noise. */
const REASONS_TOLD_MAX = 8;

export interface OutboxOptions {
  /** Most records in one publish. Default 200. */
  readonly batchRecordsMax: number;
  /** A batch that has reached this many characters is published. Default 1,000,000. */
  readonly batchCharsMax: number;
  /** First wait after a failure; doubles up to `retryMaxMs`, and is shortened by chance. Default 500. */
  readonly retryMs: number;
  /** Default 30,000. */
  readonly retryMaxMs: number;
  /** While there is nothing to publish, the sink's cursor is looked at so often. Default 60,000. */
  readonly checkMs: number;
}

export const DEFAULT_OUTBOX_OPTIONS: OutboxOptions = {
  batchRecordsMax: 200,
  batchCharsMax: 1_000_000,
  retryMs: 500,
  retryMaxMs: 30_000,
  checkMs: 60_000,
};

/** Called synchronously; must not throw. */
export interface OutboxEvents {
  /** Publishing began to fail (with the reason) or works again. */
  readonly onAvailability?: (reason: string | undefined) => void;
  readonly onWarning?: (message: string, cause: unknown) => void;
}

/** The sink knows a future of this journal that is not in it: the journal was restored, or copied. */
export interface CursorAhead {
  readonly journalId: string;
  readonly cursor: SinkCursor;
  readonly headSeq: number;
}

export interface OutboxConfig<State> {
  readonly journal: Journal<State>;
  readonly sink: EventSink;
  readonly clock: Clock;
  readonly reducer: StateReducer<State>;
  /** Pure. `state` is the state after the record, and must not be kept or changed. */
  readonly project: (state: State, record: JournalRecord, journalId: string) => Projection;
  /** The name of this host, on every entry. */
  readonly host: string;
  /** Must make the journal go on under another id (`journal.renew`), and say so. */
  readonly onCursorAhead: (ahead: CursorAhead) => Promise<void>;
  readonly options?: Partial<OutboxOptions>;
  readonly events?: OutboxEvents;
}

/**
 * Publishes the journal's durable records, in order, each once per journal. It holds nothing of its
 * own: where it stands is what the sink's cursor says, and what a record meant is folded again from
 * the journal. So a crash, a lost answer or a rival at any point costs a look at the cursor.
 */
export interface Outbox extends AsyncDisposable {
  /** Records that the sink does not have yet. */
  lagRecords(): number;
  /** Publishes what is durable, if the sink is there, and stops. */
  close(): Promise<void>;
}

export function startOutbox<State>(config: OutboxConfig<State>): Outbox {
  return new RunningOutbox(config);
}

/** Where publishing stands; thrown away after every failure. */
interface Position<State> {
  readonly journalId: string;
  /** What the sink's cursor says. */
  cursor: number;
  /** The next record to publish. */
  next: number;
  /** After record `next - 1`. */
  state: State;
}

interface Batch {
  records: number;
  chars: number;
  last: JournalRecord | undefined;
  readonly entries: StreamEntry[];
  readonly incidents: Map<string, IncidentKey>;
  readonly messages: string[];
}

class RunningOutbox<State> implements Outbox {
  readonly #config: OutboxConfig<State>;
  readonly #options: OutboxOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #position: Position<State> | undefined;
  #publishedSeq = 0;
  #failures = 0;
  #failure: string | undefined;
  /** Reasons of this outage that were told. */
  readonly #told = new Set<string>();
  #gapTold = '';
  #wake = Promise.withResolvers<void>();

  constructor(config: OutboxConfig<State>) {
    this.#config = config;
    this.#options = { ...DEFAULT_OUTBOX_OPTIONS, ...config.options };
    const unsubscribe = config.journal.onDurable(() => this.#wake.resolve());
    this.#running = this.#run().finally(unsubscribe);
  }

  lagRecords(): number {
    return Math.max(0, this.#config.journal.head().seq - this.#publishedSeq);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(): Promise<void> {
    for (;;) {
      // Armed before the look, so that what becomes durable during it is not missed.
      this.#wake = Promise.withResolvers();
      const isLast = this.#stop.signal.aborted;
      try {
        await this.#publishDurable();
        this.#recovered();
        if (isLast) return;
        await this.#untilWoken();
      } catch (error) {
        this.#position = undefined;
        this.#failed(error);
        if (this.#stop.signal.aborted) return;
        await this.#config.clock.sleep(this.#retryDelayMs(), this.#stop.signal);
      }
    }
  }

  /** Looks at the cursor now and then: a sink that has lost everything says so to nobody. */
  async #untilWoken(): Promise<void> {
    const { clock, sink } = this.#config;
    const woken = new AbortController();
    const isWoken = this.#wake.promise.then(() => woken.abort());
    while (!woken.signal.aborted) {
      await Promise.race([isWoken, clock.sleep(this.#options.checkMs, woken.signal)]);
      if (woken.signal.aborted || this.#position === undefined) return;
      const { journalId, cursor } = this.#position;
      const { seq } = await sink.cursor(journalId);
      if (seq !== cursor) throw new Error(`the sink's cursor is at ${seq}, and was at ${cursor}`);
    }
  }

  async #publishDurable(): Promise<void> {
    const { journal } = this.#config;
    if (this.#position?.journalId !== journal.journalId()) this.#position = undefined;
    // Nothing is known to be durable until the first sync of this run.
    if (journal.durableSeq() === 0) return;
    const position = (this.#position ??= await this.#locate());

    let batch = emptyBatch();
    let expected = position.next;
    for await (const record of journal.read(position.next)) {
      if (record.seq > journal.durableSeq()) break;
      // Retention took what was about to be read: look again, and say what is lost.
      if (record.seq !== expected) throw new Error(`record ${expected} is gone`);
      expected += 1;
      this.#add(batch, position, record);
      const isFull =
        batch.records >= this.#options.batchRecordsMax ||
        batch.chars >= this.#options.batchCharsMax;
      if (!isFull) continue;
      await this.#publish(batch, position);
      batch = emptyBatch();
    }
    await this.#publish(batch, position);
  }

  #add(batch: Batch, position: Position<State>, record: JournalRecord): void {
    const { reducer, project, host, events } = this.#config;
    const { journalId } = position;
    position.state = foldRecord(reducer, position.state, record);
    const audit = auditEntry(record, journalId, host);
    batch.entries.push(audit);
    batch.records += 1;
    batch.last = record;
    batch.chars += charsOf(audit);
    try {
      const { entries, incidents, messages } = project(position.state, record, journalId);
      batch.entries.push(...entries);
      for (const incident of incidents) batch.incidents.set(incident.name, incident);
      batch.messages.push(...messages);
      for (const entry of entries) batch.chars += charsOf(entry);
    } catch (error) {
      // A bug in a projection must not hold up the records after it.
      events?.onWarning?.(`record ${record.seq} (${record.type}) cannot be projected`, error);
    }
  }

  async #publish(batch: Batch, position: Position<State>): Promise<void> {
    const { journal, sink } = this.#config;
    const { last } = batch;
    if (last === undefined) return;
    const cursor = await sink.publish({
      journalId: position.journalId,
      from: position.cursor,
      to: last.seq,
      toHash: last.hash,
      entries: batch.entries,
      incidents: [...batch.incidents.values()],
      messages: batch.messages,
    });
    if (cursor !== last.seq) {
      const moved = `expected the cursor at ${position.cursor}, found ${cursor}`;
      throw new Error(`somebody else publishes this journal: ${moved}`);
    }
    position.cursor = cursor;
    position.next = cursor + 1;
    this.#publishedSeq = cursor;
    journal.acknowledge(cursor);
  }

  /** Finds out from the sink where to go on, and folds the state up to there. */
  async #locate(): Promise<Position<State>> {
    const { journal, sink, reducer } = this.#config;
    const journalId = journal.journalId();
    const cursor = await sink.cursor(journalId);
    if (!(await this.#isOurs(cursor))) {
      await this.#config.onCursorAhead({ journalId, cursor, headSeq: journal.head().seq });
      if (journal.journalId() === journalId) {
        throw new Error(`the sink is ahead of journal ${journalId}, which was not renewed`);
      }
      return this.#locate();
    }

    const wanted = cursor.seq === 0 ? journal.journalSince() : cursor.seq + 1;
    const next = Math.max(wanted, journal.oldestSeq());
    if (next > wanted) this.#tellGap(wanted, next - 1);
    this.#publishedSeq = next - 1;
    journal.acknowledge(next - 1);
    const state = await this.#foldUpTo(next);
    return { journalId, cursor: cursor.seq, next, state: state ?? reducer.initial() };
  }

  /** Whether the cursor speaks of a record that this journal has, or had. */
  async #isOurs(cursor: SinkCursor): Promise<boolean> {
    const { journal } = this.#config;
    if (cursor.seq > journal.head().seq) return false;
    if (cursor.hash === '' || cursor.seq < journal.oldestSeq()) return true;
    for await (const record of journal.read(cursor.seq)) return record.hash === cursor.hash;
    return true;
  }

  /** From the newest segment that begins at or before the record: each begins with the state. */
  async #foldUpTo(next: number): Promise<State | undefined> {
    const { journal, reducer } = this.#config;
    const start = journal.segmentStarts().findLast((seq) => seq <= next) ?? next;
    let state: State | undefined;
    for await (const record of journal.read(start)) {
      if (record.seq >= next) break;
      state = foldRecord(reducer, state ?? reducer.initial(), record);
    }
    return state;
  }

  #tellGap(from: number, to: number): void {
    const gap = `${from}-${to}`;
    if (this.#gapTold === gap) return;
    try {
      const data = { from, to };
      this.#config.journal.append([{ type: 'outbox.gap', data }], { durable: false });
      this.#gapTold = gap;
    } catch (error) {
      // What cannot be recorded now is found again at the next look.
      this.#config.events?.onWarning?.('a gap in the published records was not recorded', error);
    }
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#failure = error instanceof Error ? error.message : String(error);
    // Each once: a Redis that was away may come back full, or in protected mode.
    if (this.#told.has(this.#failure) || this.#told.size >= REASONS_TOLD_MAX) return;
    this.#told.add(this.#failure);
    this.#config.events?.onAvailability?.(this.#failure);
  }

  #recovered(): void {
    this.#failures = 0;
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#told.clear();
    this.#config.events?.onAvailability?.(undefined);
  }

  /** Between half and all of the doubled delay: many hosts lose one Redis at the same moment. */
  #retryDelayMs(): number {
    const { retryMs, retryMaxMs } = this.#options;
    const delayMs = Math.min(retryMaxMs, retryMs * 2 ** Math.min(this.#failures - 1, 20));
    return delayMs * (0.5 + this.#config.clock.random() / 2);
  }
}

function emptyBatch(): Batch {
  return { records: 0, chars: 0, last: undefined, entries: [], incidents: new Map(), messages: [] };
}

function charsOf({ fields }: StreamEntry): number {
  let chars = 0;
  for (const value of Object.values(fields)) chars += value.length;
  return chars;
}
