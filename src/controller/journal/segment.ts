import { hash } from 'node:crypto';
import { canonicalJson, GENESIS_HASH, type JournalRecord } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { decodeLine, statedSeq } from './line.ts';
import { createLineSplitter } from './line-splitter.ts';

/** A place in the chain: the record's number and hash. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const GENESIS: ChainHead = { seq: 0, hash: GENESIS_HASH };

/** Damage, and where: enough to open the file at the line. */
export interface JournalProblem {
  readonly segment: string;
  /** Counted from 1. */
  readonly line: number;
  /** The record that should stand there. */
  readonly seq: number;
  readonly what: string;
}

export function describeProblem(problem: JournalProblem): string {
  const { segment, line, seq, what } = problem;
  return `${segment} line ${line} (record ${seq}): ${what}`;
}

const SEGMENT_NAME = /^(?<seq>\d{12})\.jsonl$/;

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(12, '0')}.jsonl`;
}

/** The first record that a segment of this name holds; `undefined` for any other file. */
export function firstSeqOf(name: string): number | undefined {
  const digits = SEGMENT_NAME.exec(name)?.groups?.['seq'];
  return digits === undefined ? undefined : Number(digits);
}

export async function listSegments(storage: JournalStorage): Promise<string[]> {
  const names = await storage.list();
  return names.filter((name) => firstSeqOf(name) !== undefined).sort();
}

/** What the first record of a segment says of the journal, if it may stand there. */
export interface SegmentStart {
  readonly journalId: string;
  /** First record under this journal id. */
  readonly since: number;
  /** Absent in the very first segment. */
  readonly previous?: {
    readonly segment: string;
    readonly lastSeq: number;
    readonly lastHash: string;
  };
  readonly state?: object;
}

/**
 * Data of a `journal.snapshot`. `state` is the reducer's snapshot after record `seq - 1`, and
 * `stateHash` the sha256 of its canonical JSON.
 */
export interface SnapshotData extends Required<SegmentStart> {
  readonly stateHash: string;
}

/** @param text canonical JSON */
export function hashStateText(text: string): string {
  return hash('sha256', text);
}

/** @returns what is wrong, where the record cannot begin a segment */
export function parseSegmentStart(record: JournalRecord): SegmentStart | string {
  const data = record.data as Partial<SnapshotData>;
  if (typeof data.journalId !== 'string') return 'the first record names no journal';
  if (record.type === 'started') {
    return record.seq === 1
      ? { journalId: data.journalId, since: 1 }
      : 'a later segment begins without a snapshot';
  }
  if (record.type !== 'journal.snapshot') return `a segment cannot begin with ${record.type}`;
  const { since, previous, state, stateHash } = data;
  if (!Number.isSafeInteger(since) || !isPredecessor(previous) || !isObject(state)) {
    return 'the snapshot is incomplete';
  }
  if (!hasHash(state, stateHash)) return 'the snapshot does not match its state hash';
  return { journalId: data.journalId, since: since as number, previous, state };
}

/** A record with a hash of its own may say anything. */
function isPredecessor(value: unknown): value is SnapshotData['previous'] {
  if (!isObject(value)) return false;
  const { segment, lastSeq, lastHash } = value as Partial<SnapshotData['previous']>;
  return (
    typeof segment === 'string' && Number.isSafeInteger(lastSeq) && typeof lastHash === 'string'
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * What was parsed from canonical JSON is nearly always written as it stood there, which takes a fifth
 * of the time; a member whose name is a number comes first, and then all are sorted anew.
 *
 * @returns false for a state that is nested beyond the stack
 */
function hasHash(state: object, wanted: string | undefined): boolean {
  try {
    return (
      hashStateText(JSON.stringify(state)) === wanted ||
      hashStateText(canonicalJson(state)) === wanted
    );
  } catch {
    return false;
  }
}

export interface SegmentReading {
  readonly name: string;
  readonly start: SegmentStart | undefined;
  /** What the first record says of its predecessor. */
  readonly before: ChainHead | undefined;
  /** The last good record; `undefined` when there is none. */
  readonly head: ChainHead | undefined;
  /** Wall clock of the last good record, as written. */
  readonly lastTime: string;
  readonly lines: number;
  /** Bytes up to and including the newline of the last good record. */
  readonly goodBytes: number;
  /** What follows the last newline: a write that did not finish. */
  readonly rest: Buffer;
  readonly problem: JournalProblem | undefined;
}

export interface ReadSegmentOptions {
  /** The record before the segment; without it the first line's `prev` is taken as it is. */
  readonly after?: ChainHead;
  readonly onRecord?: (record: JournalRecord) => void;
  /** Lets other work run, between slices of a long read. */
  readonly yieldToLoop?: () => Promise<void>;
}

const LINES_PER_SLICE = 256;

/**
 * Reads a segment up to its first fault, each line checked against its own hash, its predecessor and
 * the segment's name.
 *
 * @throws {JournalUnavailableError} the storage cannot be read
 */
export async function readSegment(
  storage: JournalStorage,
  name: string,
  options: ReadSegmentOptions = {},
): Promise<SegmentReading> {
  const reader = createSegmentReader(name, options);
  const splitter = createLineSplitter();

  let sinceYield = 0;
  for await (const chunk of storage.read(name)) {
    for (const line of splitter.feed(chunk)) {
      if (!reader.accept(line)) return reader.reading(Buffer.alloc(0));
      if (++sinceYield >= LINES_PER_SLICE && options.yieldToLoop !== undefined) {
        sinceYield = 0;
        await options.yieldToLoop();
      }
    }
  }
  const rest = splitter.rest();
  if (isWholeRecordWithoutNewline(rest))
    reader.fail('the newline after the record was changed', rest);
  return reader.reading(rest);
}

/**
 * A torn write leaves the first bytes of a line. A whole record and then one byte that is no newline
 * is therefore no torn write: somebody changed that byte.
 */
function isWholeRecordWithoutNewline(rest: Buffer): boolean {
  return rest.length > 0 && decodeLine(rest.subarray(0, -1)).kind === 'record';
}

function createSegmentReader(name: string, options: ReadSegmentOptions) {
  let lineNumber = 0;
  let goodBytes = 0;
  let lastTime = '';
  let start: SegmentStart | undefined;
  let before: ChainHead | undefined;
  let head: ChainHead | undefined;
  let problem: JournalProblem | undefined;
  let previous = options.after;
  const expectedSeq = () => (head === undefined ? (firstSeqOf(name) ?? 1) : head.seq + 1);

  function fail(what: string, line: Buffer): false {
    const stated = statedSeq(line);
    const seq = expectedSeq();
    const found = stated === undefined || stated === seq ? '' : `; the line says record ${stated}`;
    problem = { segment: name, line: lineNumber + 1, seq, what: `${what}${found}` };
    return false;
  }

  function accept(line: Buffer): boolean {
    const decoded = decodeLine(line);
    if (decoded.kind === 'damaged') return fail(decoded.what, line);
    const { record } = decoded;
    if (record.seq !== expectedSeq()) return fail('the record is out of order', line);
    if (previous !== undefined && record.prev !== previous.hash) {
      return fail(`the record does not follow record ${previous.seq}`, line);
    }
    if (head === undefined) {
      const parsed = parseSegmentStart(record);
      if (typeof parsed === 'string') return fail(parsed, line);
      if (parsed.previous !== undefined && parsed.previous.lastHash !== record.prev) {
        return fail('the snapshot names another predecessor than its prev', line);
      }
      start = parsed;
      before = { seq: record.seq - 1, hash: record.prev };
    }
    const refusal = tell(record);
    if (refusal !== undefined) return fail(`the record cannot be applied: ${refusal}`, line);
    head = { seq: record.seq, hash: record.hash };
    previous = head;
    lastTime = record.time;
    lineNumber += 1;
    goodBytes += line.length + 1;
    return true;
  }

  /** @returns why the receiver could not take the record */
  function tell(record: JournalRecord): string | undefined {
    try {
      options.onRecord?.(record);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  const reading = (rest: Buffer): SegmentReading => ({
    name,
    start,
    before,
    head,
    lastTime,
    lines: lineNumber,
    goodBytes,
    rest,
    problem,
  });
  return { accept, fail, reading };
}
