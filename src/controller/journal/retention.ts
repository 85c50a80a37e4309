/** A segment that nothing is appended to any more. */
export interface ClosedSegment {
  readonly name: string;
  readonly bytes: number;
  readonly lastSeq: number;
  readonly lastHash: string;
  /** Wall clock of its last record, epoch milliseconds. */
  readonly lastAtMs: number;
}

export interface RetentionOptions {
  /** Most segments to keep, the active one included. No default: age and size decide. */
  readonly segmentsMax?: number;
  /** Default 365 d. */
  readonly ageMaxMs: number;
  /** Of all segments together. Default 1 GiB. */
  readonly bytesMax: number;
  /** How long records that an outbox has not published are kept beyond that. Default 7 d. */
  readonly unacknowledgedAgeMaxMs: number;
  /** How many bytes of unpublished records are kept beyond that. Default 1 GiB. */
  readonly unacknowledgedBytesMax: number;
}

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;

export const DEFAULT_RETENTION: RetentionOptions = {
  ageMaxMs: 365 * DAY_MS,
  bytesMax: GIB,
  unacknowledgedAgeMaxMs: 7 * DAY_MS,
  unacknowledgedBytesMax: GIB,
};

export interface RetentionFacts {
  /** Oldest first. */
  readonly closed: readonly ClosedSegment[];
  readonly activeBytes: number;
  /** Last record that the outbox has published; `Infinity` when there is no outbox. */
  readonly acknowledgedSeq: number;
  readonly nowMs: number;
}

/**
 * How many of the oldest segments to remove. Only whole ones from the old end: a hole in the chain
 * would look like tampering.
 */
export function decideRetention(options: RetentionOptions, facts: RetentionFacts): number {
  let count = 0;
  let bytes = facts.activeBytes + facts.closed.reduce((sum, segment) => sum + segment.bytes, 0);
  for (const segment of facts.closed) {
    const segments = facts.closed.length - count + 1;
    const ageMs = facts.nowMs - segment.lastAtMs;
    const isPublished = segment.lastSeq <= facts.acknowledgedSeq;
    const isOver =
      ageMs > options.ageMaxMs ||
      bytes > options.bytesMax ||
      segments > (options.segmentsMax ?? Number.POSITIVE_INFINITY);
    const isHeld =
      !isPublished &&
      ageMs <= options.unacknowledgedAgeMaxMs &&
      bytes <= options.unacknowledgedBytesMax;
    if (!isOver || isHeld) return count;
    count += 1;
    bytes -= segment.bytes;
  }
  return count;
}
