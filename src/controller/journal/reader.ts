import type { JournalRecord } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { readRecords } from './read-records.ts';
import { recover } from './recover.ts';
import type { StateReducer } from './reducer.ts';
import { type ChainHead, describeProblem, firstSeqOf, listSegments } from './segment.ts';

/** A journal as it lies on disk, for those who explain, audit and backtest: nothing is changed. */
export interface JournalReading<State> {
  /** After the last good record of the last segment. */
  readonly state: State;
  readonly head: ChainHead;
  /** `undefined` when there is no record. */
  readonly journalId: string | undefined;
  /** The first record that is still kept. */
  readonly oldestSeq: number;
  /** Damage in the last segment, in words that name the record. Older ones: see verifyJournal. */
  readonly problem: string | undefined;
  /**
   * Records from `fromSeq` (or the oldest kept) to the head.
   *
   * @throws {JournalUnavailableError} a record on the way is damaged
   */
  records(fromSeq: number): AsyncIterable<JournalRecord>;
}

/**
 * Reads without a lock, so also beside a Sentinel that appends: it sees the records that are written
 * by now, and takes an incomplete last line for the end.
 *
 * @throws {JournalUnavailableError} the storage cannot be read
 */
export async function readJournal<State>(
  storage: JournalStorage,
  reducer: StateReducer<State>,
): Promise<JournalReading<State>> {
  const { state, head, journal, problem } = await recover(storage, reducer);
  const [oldest] = await listSegments(storage);
  const oldestSeq = oldest === undefined ? 1 : (firstSeqOf(oldest) ?? 1);
  return {
    state,
    head,
    journalId: journal?.id,
    oldestSeq,
    problem: problem === undefined ? undefined : describeProblem(problem),
    records: (fromSeq) =>
      readRecords({
        storage,
        fromSeq: Math.max(fromSeq, oldestSeq),
        toSeq: head.seq,
        recent: () => [],
      }),
  };
}
