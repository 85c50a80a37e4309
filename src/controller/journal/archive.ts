import type { Clock } from '#ports/clock.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { type ClosedSegment, decideRetention, type RetentionOptions } from './retention.ts';
import {
  type ChainHead,
  firstSeqOf,
  type JournalProblem,
  readSegment,
  type SegmentReading,
} from './segment.ts';

/** Data of a `journal.pruned` record, durable before the first of the segments is removed. */
export interface PrunedData {
  /** The last record that was removed, and its hash: where the kept chain joins. */
  readonly upToSeq: number;
  readonly hash: string;
  readonly segments: number;
}

export interface ArchiveDeps {
  readonly storage: JournalStorage;
  readonly clock: Clock;
  readonly retention: RetentionOptions;
  /** Segments that nobody has read yet, oldest first. */
  readonly unchecked: readonly string[];
  /** What the segment after them says of its predecessor's last record. */
  readonly joint: ChainHead | undefined;
  readonly yieldToLoop: () => Promise<void>;
  readonly signal: AbortSignal;
  readonly recordPruned: (data: PrunedData) => Promise<void>;
}

/** The segments that nothing is appended to any more: checks them, and removes the oldest. */
export interface Archive {
  /** Oldest first. */
  names(): readonly string[];
  /** Takes a segment that has just been followed by another. */
  add(segment: ClosedSegment): void;
  /** Reads the segments that the start did not read. Stops at the first damage, and when aborted. */
  verify(): Promise<JournalProblem | undefined>;
  /**
   * Removes what retention does not keep; nothing before all segments were checked.
   *
   * @throws {JournalUnavailableError} the removal could not be recorded, or not be done
   */
  prune(acknowledgedSeq: number, activeBytes: number): Promise<void>;
}

export function createArchive(deps: ArchiveDeps): Archive {
  const { storage, retention } = deps;
  let unchecked = deps.unchecked;
  const checked: ClosedSegment[] = [];
  const closedInThisRun: ClosedSegment[] = [];
  let isPruning = false;

  async function verify(): Promise<JournalProblem | undefined> {
    let after: ChainHead | undefined;
    for (const name of deps.unchecked) {
      if (deps.signal.aborted) return undefined;
      const reading = await readSegment(storage, name, {
        ...(after === undefined ? {} : { after }),
        yieldToLoop: deps.yieldToLoop,
      });
      const { problem, head } = reading;
      if (problem !== undefined) return problem;
      if (head === undefined || reading.rest.length > 0) return incomplete(reading);
      const next = deps.unchecked[checked.length + 1];
      const gap = next === undefined ? jointProblem(reading, head) : gapBefore(next, head);
      if (gap !== undefined) return gap;
      after = head;
      checked.push(toClosed(reading, head));
      unchecked = unchecked.slice(1);
    }
    return undefined;
  }

  function jointProblem(reading: SegmentReading, head: ChainHead): JournalProblem | undefined {
    const { joint } = deps;
    if (joint === undefined || (joint.seq === head.seq && joint.hash === head.hash))
      return undefined;
    const what = `the next segment follows record ${joint.seq} of another content`;
    return { segment: reading.name, line: reading.lines, seq: head.seq, what };
  }

  async function prune(acknowledgedSeq: number, activeBytes: number): Promise<void> {
    if (isPruning || unchecked.length > 0) return;
    const closed = [...checked, ...closedInThisRun];
    const nowMs = deps.clock.wallMs();
    const count = decideRetention(retention, { closed, activeBytes, acknowledgedSeq, nowMs });
    const last = closed[count - 1];
    if (last === undefined) return;

    isPruning = true;
    try {
      await deps.recordPruned({ upToSeq: last.lastSeq, hash: last.lastHash, segments: count });
      for (const { name } of closed.slice(0, count)) {
        await storage.remove(name);
        if (checked.shift() === undefined) closedInThisRun.shift();
      }
    } finally {
      isPruning = false;
    }
  }

  return {
    names: () => [
      ...checked.map(({ name }) => name),
      ...unchecked,
      ...closedInThisRun.map(({ name }) => name),
    ],
    add: (segment) => closedInThisRun.push(segment),
    verify,
    prune,
  };
}

function incomplete(reading: SegmentReading): JournalProblem {
  const seq = (reading.head?.seq ?? (firstSeqOf(reading.name) ?? 1) - 1) + 1;
  const what = 'the segment was closed, yet its last line is incomplete';
  return { segment: reading.name, line: reading.lines + 1, seq, what };
}

function gapBefore(next: string, head: ChainHead): JournalProblem | undefined {
  const nextSeq = firstSeqOf(next) ?? 1;
  if (nextSeq === head.seq + 1) return undefined;
  const what = `the segment begins with record ${nextSeq}; the one before ends with ${head.seq}`;
  return { segment: next, line: 1, seq: head.seq + 1, what };
}

function toClosed(reading: SegmentReading, head: ChainHead): ClosedSegment {
  return {
    name: reading.name,
    bytes: reading.goodBytes,
    lastSeq: head.seq,
    lastHash: head.hash,
    lastAtMs: Date.parse(reading.lastTime),
  };
}
