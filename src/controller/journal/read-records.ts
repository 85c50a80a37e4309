import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { decodeLine } from './line.ts';
import { createLineSplitter } from './line-splitter.ts';
import { firstSeqOf, listSegments } from './segment.ts';

export interface ReadRecordsOptions {
  readonly storage: JournalStorage;
  readonly fromSeq: number;
  /** Inclusive. */
  readonly toSeq: number;
  /** Records in memory, ascending without a gap; all that are not yet in storage among them. */
  readonly recent: () => readonly JournalRecord[];
}

/**
 * Records in order: from memory where it has them, else from storage.
 *
 * @throws {JournalUnavailableError} a record is damaged, or was removed while it was being read
 */
export async function* readRecords(options: ReadRecordsOptions): AsyncGenerator<JournalRecord> {
  let next = options.fromSeq;
  while (next <= options.toSeq) {
    const recent = options.recent();
    const oldestInMemory = recent[0]?.seq ?? Number.POSITIVE_INFINITY;
    const before = next;
    const source =
      next >= oldestInMemory
        ? recent.slice(next - oldestInMemory)
        : readStored(options.storage, next, Math.min(options.toSeq, oldestInMemory - 1));
    for await (const record of source) {
      if (record.seq > options.toSeq) return;
      yield record;
      next = record.seq + 1;
    }
    if (next === before) throw new JournalUnavailableError(`record ${next} is missing`);
  }
}

async function* readStored(
  storage: JournalStorage,
  fromSeq: number,
  toSeq: number,
): AsyncGenerator<JournalRecord> {
  const names = await listSegments(storage);
  const first = names.findLastIndex((name) => (firstSeqOf(name) ?? 0) <= fromSeq);
  for (const name of names.slice(Math.max(0, first))) {
    for await (const record of readSegmentRecords(storage, name)) {
      if (record.seq < fromSeq) continue;
      yield record;
      // Not one line further: what follows may be damaged, or just being written.
      if (record.seq >= toSeq) return;
    }
  }
}

async function* readSegmentRecords(
  storage: JournalStorage,
  name: string,
): AsyncGenerator<JournalRecord> {
  const splitter = createLineSplitter();
  for await (const chunk of storage.read(name)) {
    for (const line of splitter.feed(chunk)) {
      const decoded = decodeLine(line);
      if (decoded.kind === 'damaged') throw new JournalUnavailableError(`${name}: ${decoded.what}`);
      yield decoded.record;
    }
  }
}
