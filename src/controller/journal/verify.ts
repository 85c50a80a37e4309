import type { JournalRecord } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { decodeLine, statedSeq } from './line.ts';
import { createLineSplitter } from './line-splitter.ts';
import {
  type ChainHead,
  firstSeqOf,
  type JournalProblem,
  listSegments,
  parseSegmentStart,
} from './segment.ts';

export interface VerifyOptions {
  /** A head that was kept elsewhere: in Redis, by a notifier, on paper. */
  readonly head?: ChainHead;
  /** What else lies there that a Sentinel only leaves after its first record, in words. */
  readonly traces?: readonly string[];
  readonly yieldToLoop?: () => Promise<void>;
}

export interface VerifyReport {
  /** No problem was found; see `cannotCover` for what that does not say. */
  readonly ok: boolean;
  /** Good records. */
  readonly records: number;
  readonly segments: number;
  /** The first 100, in the order of the files. */
  readonly problems: readonly JournalProblem[];
  readonly problemCount: number;
  /** The last record that retention removed; absent when the journal is whole. */
  readonly prunedBefore?: ChainHead;
  /** The last good record; `undefined` when there is none. */
  readonly head: ChainHead | undefined;
  /** What this check cannot tell, in whole sentences. */
  readonly cannotCover: readonly string[];
}

/**
 * Reads the whole journal and names every record that was changed, reordered, repeated or removed,
 * going on after each. Changes nothing, so it may run beside a Sentinel that appends.
 *
 * @throws {JournalUnavailableError} the storage cannot be read
 */
export async function verifyJournal(
  storage: JournalStorage,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const names = await listSegments(storage);
  const audit = new Audit(names, options);
  for (const name of names) {
    audit.beginSegment(name);
    const splitter = createLineSplitter();
    for await (const chunk of storage.read(name)) {
      for (const line of splitter.feed(chunk)) audit.take(line);
      await options.yieldToLoop?.();
    }
    audit.endSegment(splitter.rest());
  }
  return audit.report();
}

const PROBLEMS_LISTED = 100;
/** Missing ranges that are remembered, in case their records turn up later. */
const GAPS_MAX = 10_000;

interface Gap {
  readonly from: number;
  readonly to: number;
  readonly segment: string;
  readonly line: number;
}

class Audit {
  readonly #names: readonly string[];
  readonly #wantedHead: ChainHead | undefined;
  readonly #traces: readonly string[];
  #problems: JournalProblem[] = [];
  #problemCount = 0;
  #gaps: Gap[] = [];
  readonly #notes: string[] = [];
  #segment = '';
  #line = 0;
  #records = 0;
  /** The record with the highest number so far, as it states itself; no hash if that is unreadable. */
  #last: { readonly seq: number; readonly hash: string | undefined } | undefined;
  #head: ChainHead | undefined;
  /** What the first record says of the one before it. */
  #before: ChainHead | undefined;
  #pruned: ChainHead | undefined;
  #hashAtWantedHead: string | undefined;

  constructor(names: readonly string[], { head, traces = [] }: VerifyOptions) {
    this.#names = names;
    this.#wantedHead = head;
    this.#traces = traces;
  }

  beginSegment(name: string): void {
    this.#segment = name;
    this.#line = 0;
  }

  take(line: Buffer): void {
    this.#line += 1;
    const decoded = decodeLine(line);
    if (decoded.kind === 'damaged') this.#takeDamaged(line, decoded.what);
    else this.#takeRecord(decoded.record);
  }

  endSegment(rest: Buffer): void {
    const isLast = this.#segment === this.#names.at(-1);
    if (this.#line === 0 && !isLast) this.#report(this.#expected(), 'the segment holds no record');
    if (rest.length === 0) return;
    this.#line += 1;
    if (!isLast) {
      this.#report(this.#expected(), 'the segment was closed, yet its last line is incomplete');
    } else if (decodeLine(rest.subarray(0, -1)).kind === 'record') {
      this.#report(this.#expected(), 'the newline after the record was changed');
    } else {
      this.#notes.push(
        `The last ${rest.length} bytes of ${this.#segment} are an incomplete line: a write that is under way or was cut off. The next start removes them and records that.`,
      );
    }
  }

  report(): VerifyReport {
    for (const { from, to, segment, line } of this.#gaps) {
      this.#add({ segment, line, seq: from, what: `${records(from, to)} missing` });
    }
    this.#judgeEmptiness();
    this.#judgeBeginning();
    this.#judgeHead();
    const order = (problem: JournalProblem) => this.#names.indexOf(problem.segment);
    const problems = this.#problems.sort((a, b) => order(a) - order(b) || a.line - b.line);
    return {
      ok: this.#problemCount === 0,
      records: this.#records,
      segments: this.#names.length,
      problems: problems.slice(0, PROBLEMS_LISTED),
      problemCount: this.#problemCount,
      ...(this.#before === undefined || this.#before.seq === 0
        ? {}
        : { prunedBefore: this.#before }),
      head: this.#head,
      cannotCover: this.#notes,
    };
  }

  /** The number of the next record, if nothing is missing. */
  #expected(): number {
    return this.#last === undefined ? (firstSeqOf(this.#segment) ?? 1) : this.#last.seq + 1;
  }

  #takeDamaged(line: Buffer, what: string): void {
    const seq = this.#expected();
    const stated = statedSeq(line);
    const found = stated === undefined || stated === seq ? '' : `; the line says record ${stated}`;
    this.#report(seq, `${what}${found}`);
    // Where only the content was changed, the next record still follows the hash that stands here.
    this.#last = { seq, hash: HASH_AT_END.exec(line.toString('latin1', line.length - 70))?.[1] };
  }

  #takeRecord(record: JournalRecord): void {
    this.#records += 1;
    if (this.#line === 1) this.#judgeStart(record);
    if (record.type === 'journal.pruned') this.#notePruned(record);
    if (record.seq === this.#wantedHead?.seq) this.#hashAtWantedHead = record.hash;

    const expected = this.#expected();
    if (record.seq < expected) {
      const isLate = this.#closeGap(record.seq);
      this.#report(record.seq, isLate ? 'the record is out of order' : 'the record is repeated');
      return;
    }
    if (record.seq > expected) this.#openGap(expected, record.seq - 1);
    else if (this.#last?.hash !== undefined && this.#last.hash !== record.prev) {
      const before = record.seq - 1;
      this.#report(record.seq, `the record does not follow record ${before}: one was replaced`);
    }
    this.#last = this.#head = { seq: record.seq, hash: record.hash };
  }

  #judgeStart(record: JournalRecord): void {
    this.#before ??= { seq: record.seq - 1, hash: record.prev };
    const named = firstSeqOf(this.#segment);
    if (named !== record.seq) {
      this.#report(record.seq, `the segment's name says that it begins with record ${named}`);
    }
    const start = parseSegmentStart(record);
    if (typeof start === 'string') this.#report(record.seq, start);
    else if (start.previous !== undefined && start.previous.lastHash !== record.prev) {
      this.#report(record.seq, 'the snapshot names another predecessor than its prev');
    }
  }

  #notePruned(record: JournalRecord): void {
    const { upToSeq, hash } = record.data as { upToSeq: number; hash: string };
    this.#pruned = { seq: upToSeq, hash };
  }

  #openGap(from: number, to: number): void {
    if (this.#gaps.length < GAPS_MAX) {
      this.#gaps.push({ from, to, segment: this.#segment, line: this.#line });
    } else {
      this.#report(from, `${records(from, to)} missing`);
    }
  }

  /** @returns whether the record was missing until now */
  #closeGap(seq: number): boolean {
    const gap = this.#gaps.find(({ from, to }) => from <= seq && seq <= to);
    if (gap === undefined) return false;
    const rest = [
      { ...gap, to: seq - 1 },
      { ...gap, from: seq + 1 },
    ].filter(({ from, to }) => from <= to);
    this.#gaps = this.#gaps.flatMap((other) => (other === gap ? rest : [other]));
    return true;
  }

  /**
   * A segment is made by the write of its first record, so only a crash in that write, or a full
   * disk, leaves one without. Neither happens to a journal that somebody has used.
   */
  #judgeEmptiness(): void {
    const [segment] = this.#names;
    if (segment === undefined || this.#last !== undefined) return;
    const first = firstSeqOf(segment) ?? 1;
    if (first > 1) {
      const what = `${records(1, first - 1)} missing, and the segment holds no record`;
      this.#add({ segment, line: 1, seq: 1, what });
    } else if (this.#traces.length > 0) {
      const what = `the segment holds no record, yet there is ${this.#traces.join(' and ')}: what was recorded is gone, or never reached the disk`;
      this.#add({ segment, line: 1, seq: 1, what });
    }
  }

  #judgeBeginning(): void {
    const before = this.#before;
    const [segment = ''] = this.#names;
    if (before === undefined || before.seq === 0) return;
    const pruned = this.#pruned;
    const isAccounted =
      pruned !== undefined &&
      (pruned.seq > before.seq || (pruned.seq === before.seq && pruned.hash === before.hash));
    if (isAccounted) {
      this.#notes.push(
        `${records(1, before.seq, 'were')} removed by retention. Only the hash of the last one is left.`,
      );
      return;
    }
    const what = `${records(1, before.seq)} missing, and no journal.pruned record accounts for it`;
    this.#add({ segment, line: 1, seq: 1, what });
  }

  #judgeHead(): void {
    const wanted = this.#wantedHead;
    const lastSeq = this.#last?.seq ?? 0;
    if (wanted === undefined) {
      this.#notes.push(
        'A tail that was cut off, or a journal that was rewritten as a whole, is seen only against a head (seq, hash) kept elsewhere; none was given.',
      );
      return;
    }
    if (wanted.seq > lastSeq) {
      const what = `the head kept elsewhere is record ${wanted.seq}: ${records(lastSeq + 1, wanted.seq)} missing`;
      this.#report(lastSeq + 1, what);
    } else if (wanted.seq <= (this.#before?.seq ?? 0)) {
      this.#notes.push(
        `The head that was given, record ${wanted.seq}, is older than the oldest record here.`,
      );
    } else if (this.#hashAtWantedHead !== wanted.hash) {
      const what = `the head kept elsewhere has another hash for record ${wanted.seq}: this record or one before it was rewritten`;
      this.#report(wanted.seq, what);
    } else if (wanted.seq < lastSeq) {
      this.#notes.push(
        `Records after ${wanted.seq}, the head that was given, could be cut off or rewritten unseen.`,
      );
    }
  }

  #report(seq: number, what: string): void {
    this.#add({ segment: this.#segment, line: this.#line, seq, what });
  }

  #add(problem: JournalProblem): void {
    this.#problemCount += 1;
    // Twice as many as are listed, since those found last may come first in the files.
    if (this.#problems.length < 2 * PROBLEMS_LISTED) this.#problems.push(problem);
  }
}

const HASH_AT_END = /"([0-9a-f]{64})"}$/;

function records(from: number, to: number, verb = to > from ? 'are' : 'is'): string {
  return from === to ? `record ${from} ${verb}` : `records ${from} to ${to} ${verb}`;
}
