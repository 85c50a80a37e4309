import type { JournalRecord } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import type { StateReducer } from './reducer.ts';
import {
  type ChainHead,
  GENESIS,
  type JournalProblem,
  listSegments,
  readSegment,
  type SegmentReading,
} from './segment.ts';

/** What the bytes on disk amount to: the state after the last good record of the last segment. */
export interface Recovered<State> {
  readonly state: State;
  readonly head: ChainHead;
  /** `undefined` for a journal without a record. */
  readonly journal: { readonly id: string; readonly since: number } | undefined;
  /** Segments before the active one, oldest first; not yet verified. */
  readonly olderSegments: readonly string[];
  /** What the active segment says of the last record before it. */
  readonly joint: ChainHead | undefined;
  readonly active: { readonly name: string; readonly bytes: number } | undefined;
  readonly torn: TornTail | undefined;
  readonly problem: JournalProblem | undefined;
}

/** An incomplete last line: what a crash in the middle of a write leaves. */
export interface TornTail {
  readonly segment: string;
  readonly bytes: number;
  /** The record that was being written. */
  readonly seq: number;
  /** Bytes of the segment to keep; 0 when nothing of it was complete. */
  readonly keepBytes: number;
}

/**
 * Folds the last segment, which begins with all the state before it, so that the time to start is
 * bounded by the size of one segment. Changes nothing: the caller repairs the torn tail, if it may.
 *
 * @throws {JournalUnavailableError} the storage cannot be read
 */
export async function recover<State>(
  storage: JournalStorage,
  reducer: StateReducer<State>,
): Promise<Recovered<State>> {
  const names = await listSegments(storage);
  const last = names.at(-1);
  if (last === undefined) return nothing(reducer, undefined);

  const { state, reading } = await fold(storage, reducer, last);
  if (reading.head !== undefined || reading.problem !== undefined) {
    return recovered(state, names.slice(0, -1), reading);
  }

  // The crash came while the first line of a new segment was written. Its predecessor was synced
  // before, so there the journal ends, on a whole line.
  const torn = tornTail(reading, Number.parseInt(last, 10));
  const before = names.at(-2);
  if (before === undefined) return nothing(reducer, torn);
  const previous = await fold(storage, reducer, before);
  const result = recovered(previous.state, names.slice(0, -2), previous.reading);
  const problem = result.problem ?? openEnd(previous.reading);
  return { ...result, torn, problem };
}

async function fold<State>(storage: JournalStorage, reducer: StateReducer<State>, name: string) {
  let state = reducer.initial();
  const reading = await readSegment(storage, name, {
    onRecord: (record) => {
      state = foldRecord(reducer, state, record);
    },
  });
  return { state, reading };
}

/** One step of a replay that may begin at any segment. */
export function foldRecord<State>(
  reducer: StateReducer<State>,
  state: State,
  record: JournalRecord,
): State {
  if (record.type !== 'journal.snapshot') return reducer.apply(state, record);
  return reducer.restore((record.data as { state: object }).state);
}

function recovered<State>(
  state: State,
  olderSegments: readonly string[],
  reading: SegmentReading,
): Recovered<State> {
  const { name, head, start, problem, rest } = reading;
  return {
    state,
    head: head ?? GENESIS,
    journal: start === undefined ? undefined : { id: start.journalId, since: start.since },
    olderSegments,
    joint: reading.before,
    active: { name, bytes: reading.goodBytes },
    torn: problem === undefined && rest.length > 0 ? tornTail(reading, 1) : undefined,
    problem,
  };
}

function nothing<State>(
  reducer: StateReducer<State>,
  torn: TornTail | undefined,
): Recovered<State> {
  // Segments are only ever removed oldest first: a lone segment without a record is the first one.
  const isFirst = torn === undefined || torn.seq === 1;
  const problem = isFirst
    ? undefined
    : { segment: torn.segment, line: 1, seq: torn.seq, what: 'all records before are missing' };
  return {
    state: reducer.initial(),
    head: GENESIS,
    journal: undefined,
    olderSegments: [],
    joint: undefined,
    active: undefined,
    torn: problem === undefined ? torn : undefined,
    problem,
  };
}

function tornTail(reading: SegmentReading, firstSeq: number): TornTail {
  return {
    segment: reading.name,
    bytes: reading.rest.length,
    seq: reading.head === undefined ? firstSeq : reading.head.seq + 1,
    keepBytes: reading.goodBytes,
  };
}

function openEnd(reading: SegmentReading): JournalProblem | undefined {
  if (reading.rest.length === 0) return undefined;
  const seq = (reading.head?.seq ?? 0) + 1;
  const what = 'the segment was closed, yet its last line is incomplete';
  return { segment: reading.name, line: reading.lines + 1, seq, what };
}
