import { JournalUnavailableError } from '#core/errors.ts';
import { canonicalJson, type JournalRecord, type RecordDraft } from '#core/journal/record.ts';
import { counted } from '#lib/counted.ts';
import type { Clock } from '#ports/clock.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { type Archive, createArchive } from './archive.ts';
import { type EncodedRecord, encodeRecord } from './line.ts';
import { readRecords } from './read-records.ts';
import { type Recovered, recover } from './recover.ts';
import type { StateReducer } from './reducer.ts';
import { DEFAULT_RETENTION, type RetentionOptions } from './retention.ts';
import {
  type ChainHead,
  describeProblem,
  firstSeqOf,
  hashStateText,
  type SnapshotData,
  segmentName,
} from './segment.ts';
import { createJournalWriter, type JournalWriter, type WriterOptions } from './writer.ts';

export interface JournalOptions extends WriterOptions {
  /** A segment to which so much was added is followed by a new one. Default 8 MiB. */
  readonly segmentBytesMax: number;
  /** Most records that wait for the disk; beyond it appends are refused. Default 10,000. */
  readonly pendingRecordsMax: number;
  /** Most bytes that wait for the disk. Default 64 MiB. */
  readonly pendingBytesMax: number;
  readonly retention: RetentionOptions;
  /** Whether an outbox reads along: unpublished records are then kept longer. Default false. */
  readonly hasOutbox: boolean;
}

export const DEFAULT_JOURNAL_OPTIONS: JournalOptions = {
  coalesceMs: 50,
  syncWithinMs: 1_000,
  stallMs: 10_000,
  retryMs: 100,
  retryMaxMs: 15_000,
  segmentBytesMax: 8 * 1024 * 1024,
  pendingRecordsMax: 10_000,
  pendingBytesMax: 64 * 1024 * 1024,
  retention: DEFAULT_RETENTION,
  hasOutbox: false,
};

/** What the journal tells as it happens; called synchronously, must neither throw nor append. */
export interface JournalEvents {
  /** Writing became impossible (with the reason) or possible again. */
  readonly onAvailability?: (reason: string | undefined) => void;
  /** Something that the journal works around: a failed removal, a listener that threw. */
  readonly onWarning?: (message: string, cause: unknown) => void;
  /** Milliseconds that one write took. */
  readonly onWrite?: (durationMs: number) => void;
}

export interface JournalConfig<State> {
  readonly storage: JournalStorage;
  readonly clock: Clock;
  readonly reducer: StateReducer<State>;
  /** Data of the `started` record that opens every run. */
  readonly started: object;
  /** Random; becomes the journal's id if it is empty. */
  readonly newJournalId: string;
  /** Lets other work run; the check of older segments does so between slices. */
  readonly yieldToLoop: () => Promise<void>;
  readonly options?: Partial<JournalOptions>;
  readonly events?: JournalEvents;
}

export interface Appended {
  readonly records: readonly JournalRecord[];
  /**
   * Resolves when the records are written, and synced if that was asked. Rejects with
   * {@link JournalUnavailableError} as soon as a write fails: then nothing that depends on them may
   * be done, though they may still be written later.
   */
  readonly durable: Promise<void>;
}

/**
 * The truth on this host: an append-only chain of records, and the state that they amount to.
 *
 * What a crash leaves, by the moment it comes:
 * - before the write: nothing of the record; whoever waited for `durable` was never told to act.
 * - within the write: whole lines, then the beginning of one. The next start cuts that off and says
 *   so in `journal.repaired`. Of several drafts of one append the first few may stay.
 * - after the write, before the sync: all of it (the process died) or a beginning (the power went).
 * - after the sync: all of it.
 * - while a segment is begun: an empty or torn new segment, which the next start removes. Its
 *   predecessor was synced before.
 * - while old segments are removed: `journal.pruned` is durable before the first of them goes, so
 *   more may be there than it says, never less.
 */
export interface Journal<State> extends AsyncDisposable {
  /** Random name of this journal: incidents are named after it, the outbox's cursor too. */
  journalId(): string;
  /** First record under this journal id. */
  journalSince(): number;
  /** The state after all appended records. Ask each time: a rotation replaces the object. */
  state(): State;
  head(): ChainHead;
  /** Records up to this one outlive a power cut; 0 when none of this run is known to. */
  durableSeq(): number;
  /** The first record that is still kept. */
  oldestSeq(): number;
  /** First records of all segments, ascending; each begins with the whole state, save the first. */
  segmentStarts(): readonly number[];

  /**
   * Gives the drafts their place in the chain and applies them to the state, all before it returns:
   * what is decided on the state and reserved by an append needs no lock.
   *
   * @throws {JournalUnavailableError} damaged, closed, or too much waits for the disk already
   * @throws {TypeError} a draft holds what JSON cannot hold; nothing was appended
   */
  append(drafts: readonly RecordDraft[], options: { readonly durable: boolean }): Appended;
  /** Whether appends are taken and reach the disk at the moment. */
  isAvailable(): boolean;
  /** Why not; names the record where the journal is damaged. */
  unavailableReason(): string | undefined;

  /** Records from `fromSeq` (or the oldest kept) to the head at the time of the call. */
  read(fromSeq: number): AsyncIterable<JournalRecord>;
  /**
   * Calls back with each append's records, right after they were applied. A listener must not append
   * within the call: the listeners after it would hear the later records first.
   *
   * @returns unsubscribes
   */
  subscribe(listener: (records: readonly JournalRecord[]) => void): () => void;
  /** Calls back when {@link durableSeq} has grown. @returns unsubscribes */
  onDurable(listener: (seq: number) => void): () => void;

  /** The outbox has published all records up to this one. */
  acknowledge(seq: number): void;
  /** Goes on under another journal id, in a new segment: the old id has a future elsewhere. */
  renew(journalId: string): Promise<void>;
  /** Resolves when the older segments were checked; damage makes the journal unavailable. */
  readonly verified: Promise<void>;
  /** Writes and syncs what is pending. */
  close(): Promise<void>;
}

/**
 * Opens the journal and appends `started`. A damaged journal opens too, unavailable: its state is
 * that of the last good record, appends are refused, the reason names the record.
 *
 * @throws {JournalUnavailableError} the storage cannot be read
 */
export async function openJournal<State>(config: JournalConfig<State>): Promise<Journal<State>> {
  const recovered = await recover(config.storage, config.reducer);
  const { torn, problem } = recovered;
  if (torn !== undefined && problem === undefined) {
    if (torn.keepBytes === 0) await config.storage.remove(torn.segment);
    else await config.storage.truncate(torn.segment, torn.keepBytes);
  }
  const journal = new OpenJournal(config, recovered);
  journal.begin(recovered);
  return journal;
}

/** Records kept in memory after they are durable, for readers that follow the head. */
const RECENT_RECORDS = 1_024;

interface ActiveSegment {
  readonly name: string;
  bytes: number;
  /** Of its first line; 0 where that is none, or was written by an earlier run. */
  readonly snapshotBytes: number;
  lastAtMs: number;
}

class OpenJournal<State> implements Journal<State> {
  readonly #config: JournalConfig<State>;
  readonly #options: JournalOptions;
  readonly #writer: JournalWriter;
  readonly #listeners = new Set<(records: readonly JournalRecord[]) => void>();
  readonly #durableListeners = new Set<(seq: number) => void>();
  readonly #closed = new AbortController();
  #state: State;
  #head: ChainHead;
  #journal: { readonly id: string; readonly since: number };
  #durableSeq = 0;
  #acknowledgedSeq: number;
  /** The last records, all that are not durable among them; ascending without a gap. */
  #recent: JournalRecord[] = [];
  readonly #archive: Archive;
  #active: ActiveSegment | undefined;
  #damage: string | undefined;
  #pruning: Promise<void> = Promise.resolve();
  verified: Promise<void> = Promise.resolve();

  constructor(config: JournalConfig<State>, recovered: Recovered<State>) {
    this.#config = config;
    this.#options = { ...DEFAULT_JOURNAL_OPTIONS, ...config.options };
    this.#state = recovered.state;
    this.#head = recovered.head;
    this.#journal = recovered.journal ?? { id: config.newJournalId, since: 1 };
    this.#acknowledgedSeq = this.#options.hasOutbox ? 0 : Number.POSITIVE_INFINITY;
    const { active } = recovered;
    if (active !== undefined) {
      this.#active = { ...active, snapshotBytes: 0, lastAtMs: config.clock.wallMs() };
    }
    this.#archive = createArchive({
      storage: config.storage,
      clock: config.clock,
      retention: this.#options.retention,
      unchecked: recovered.olderSegments,
      joint: recovered.joint,
      yieldToLoop: config.yieldToLoop,
      signal: this.#closed.signal,
      recordPruned: (data) =>
        this.append([{ type: 'journal.pruned', data }], { durable: true }).durable,
    });
    this.#writer = createJournalWriter({
      storage: config.storage,
      clock: config.clock,
      active,
      options: this.#options,
      onDurable: (seq) => this.#onDurable(seq),
      onFailing: (reason) => {
        if (this.#damage === undefined) config.events?.onAvailability?.(reason);
      },
      onWrite: (durationMs) => config.events?.onWrite?.(durationMs),
    });
  }

  /** Separate from the constructor: it appends. */
  begin(recovered: Recovered<State>): void {
    if (recovered.problem !== undefined) {
      this.#setDamage(describeProblem(recovered.problem));
      return;
    }
    const { started } = this.#config;
    const drafts: RecordDraft[] = [
      { type: 'started', data: { ...started, journalId: this.#journal.id } },
    ];
    const { torn } = recovered;
    if (torn !== undefined && torn.bytes > 0) {
      const { segment, bytes, seq } = torn;
      const repaired: RecordDraft = { type: 'journal.repaired', data: { segment, bytes, seq } };
      // The first record of a journal is `started`, even if an earlier try at it was torn.
      if (this.#head.seq === 0) drafts.push(repaired);
      else drafts.unshift(repaired);
    }
    this.append(drafts, { durable: true });
    this.verified = this.#verifyOlder();
  }

  journalId(): string {
    return this.#journal.id;
  }

  journalSince(): number {
    return this.#journal.since;
  }

  state(): State {
    return this.#state;
  }

  head(): ChainHead {
    return this.#head;
  }

  durableSeq(): number {
    return this.#durableSeq;
  }

  oldestSeq(): number {
    return this.segmentStarts()[0] ?? 1;
  }

  segmentStarts(): readonly number[] {
    const names = [...this.#archive.names()];
    if (this.#active !== undefined) names.push(this.#active.name);
    return names.map((name) => firstSeqOf(name) ?? 1);
  }

  isAvailable(): boolean {
    return this.unavailableReason() === undefined;
  }

  unavailableReason(): string | undefined {
    return this.#refusalOf(1) ?? this.#writer.failure();
  }

  append(drafts: readonly RecordDraft[], options: { readonly durable: boolean }): Appended {
    this.#assertRoom(drafts.length);
    const { bytes, snapshotBytes } = this.#active ?? { bytes: 0, snapshotBytes: 0 };
    // A snapshot alone may be larger than that, and must not make each record begin a segment.
    if (bytes - snapshotBytes >= this.#options.segmentBytesMax) this.#rotate(this.#journal);

    const encoded = this.#encode(drafts);
    this.#applyAll(encoded);
    return this.#commit(encoded, options.durable);
  }

  read(fromSeq: number): AsyncIterable<JournalRecord> {
    const toSeq = this.#head.seq;
    return readRecords({
      storage: this.#config.storage,
      fromSeq: Math.max(fromSeq, this.oldestSeq()),
      toSeq,
      recent: () => this.#recent,
    });
  }

  subscribe(listener: (records: readonly JournalRecord[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onDurable(listener: (seq: number) => void): () => void {
    this.#durableListeners.add(listener);
    return () => this.#durableListeners.delete(listener);
  }

  acknowledge(seq: number): void {
    this.#acknowledgedSeq = seq;
  }

  async renew(journalId: string): Promise<void> {
    this.#assertRoom(1);
    await this.#rotate({ id: journalId, since: this.#head.seq + 1 }).durable;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await this.verified;
    await this.#pruning;
    await this.#writer.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertRoom(records: number): void {
    const refusal = this.#refusalOf(records);
    if (refusal !== undefined) throw new JournalUnavailableError(refusal);
  }

  /** Why an append of so many records would be refused. */
  #refusalOf(records: number): string | undefined {
    if (this.#damage !== undefined) return this.#damage;
    if (this.#closed.signal.aborted) return 'the journal is closed';
    const waiting = this.#writer.pendingCount();
    const isFull =
      waiting + records > this.#options.pendingRecordsMax ||
      this.#writer.pendingBytes() > this.#options.pendingBytesMax;
    if (!isFull) return undefined;
    const reason = this.#writer.failure() ?? 'the disk is slower than the records come';
    return `${counted(waiting, 'record')} ${waiting === 1 ? 'waits' : 'wait'} for the disk: ${reason}`;
  }

  /** Builds the chain of all drafts before any takes effect: one bad draft refuses them all. */
  #encode(drafts: readonly RecordDraft[]): EncodedRecord[] {
    const { clock } = this.#config;
    const time = new Date(clock.wallMs()).toISOString();
    const boot = { id: clock.bootId, ms: clock.bootMs() };
    let { seq, hash } = this.#head;
    return drafts.map((draft) => {
      seq += 1;
      const encoded = encodeRecord({
        seq,
        time,
        boot,
        type: draft.type,
        actor: draft.actor ?? 'sentinel',
        incident: draft.incident ?? '',
        workload: draft.workload ?? '',
        policy: draft.policy ?? null,
        data: draft.data,
        prev: hash,
      });
      hash = encoded.record.hash;
      return encoded;
    });
  }

  #applyAll(encoded: readonly EncodedRecord[]): void {
    for (const { record } of encoded) {
      try {
        this.#state = this.#config.reducer.apply(this.#state, record);
      } catch (error) {
        // A bug. The state may be half changed and what is on disk is not: stop here, a start mends it.
        this.#setDamage(`record ${record.seq} (${record.type}) cannot be applied to the state`);
        throw error;
      }
    }
  }

  #commit(encoded: readonly EncodedRecord[], sync: boolean): Appended {
    const records = encoded.map(({ record }) => record);
    const last = records.at(-1);
    if (last === undefined) return { records, durable: Promise.resolve() };

    const active = (this.#active ??= {
      name: segmentName(records[0]?.seq ?? 1),
      bytes: 0,
      snapshotBytes: records[0]?.type === 'journal.snapshot' ? (encoded[0]?.bytes.length ?? 0) : 0,
      lastAtMs: 0,
    });
    const lines = encoded.map(({ record, bytes }) => {
      active.bytes += bytes.length;
      return { seq: record.seq, segment: active.name, bytes };
    });
    active.lastAtMs = this.#config.clock.wallMs();
    this.#head = { seq: last.seq, hash: last.hash };
    this.#recent.push(...records);
    const durable = this.#writer.push(lines, { sync });
    this.#tell(this.#listeners, records);
    return { records, durable };
  }

  /** Begins a new segment with the whole state, so that a start reads no other. */
  #rotate(journal: { readonly id: string; readonly since: number }): Appended {
    const { reducer } = this.#config;
    const { seq: lastSeq, hash: lastHash } = this.#head;
    const closing = this.#active;
    const stateText = canonicalJson(reducer.snapshot(this.#state));
    const state = JSON.parse(stateText) as object;
    const data: SnapshotData = {
      journalId: journal.id,
      since: journal.since,
      previous: { segment: closing?.name ?? '', lastSeq, lastHash },
      stateHash: hashStateText(stateText),
      state,
    };
    const encoded = this.#encode([{ type: 'journal.snapshot', data }]);

    this.#journal = journal;
    if (closing !== undefined) this.#archive.add({ ...closing, lastSeq, lastHash });
    this.#active = undefined;
    // What the snapshot leaves out is gone now, not only after the next start.
    this.#state = reducer.restore(state);
    const appended = this.#commit(encoded, true);
    appended.durable.then(
      () => {
        this.#pruning = this.#prune();
      },
      () => undefined, // Tried again at the next rotation.
    );
    return appended;
  }

  #onDurable(seq: number): void {
    this.#durableSeq = seq;
    const durable = seq - (this.#recent[0]?.seq ?? seq) + 1;
    const surplus = Math.min(durable, this.#recent.length - RECENT_RECORDS);
    if (surplus >= RECENT_RECORDS) this.#recent = this.#recent.slice(surplus);
    this.#tell(this.#durableListeners, seq);
  }

  #tell<Value>(listeners: ReadonlySet<(value: Value) => void>, value: Value): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#config.events?.onWarning?.('a journal listener threw', error);
      }
    }
  }

  #setDamage(what: string): void {
    if (this.#damage !== undefined) return;
    this.#damage = what;
    this.#config.events?.onAvailability?.(what);
  }

  /** In the background: a long history must not delay the start. */
  async #verifyOlder(): Promise<void> {
    try {
      const problem = await this.#archive.verify();
      if (problem !== undefined) this.#setDamage(describeProblem(problem));
    } catch (error) {
      // Storage that cannot be read now may be readable at the next start; nothing was found wrong.
      this.#config.events?.onWarning?.('older journal segments could not be checked', error);
      return;
    }
    await this.#prune();
  }

  async #prune(): Promise<void> {
    if (this.#damage !== undefined || this.#closed.signal.aborted) return;
    try {
      await this.#archive.prune(this.#acknowledgedSeq, this.#active?.bytes ?? 0);
    } catch (error) {
      this.#config.events?.onWarning?.('old journal segments could not be removed', error);
    }
  }
}
