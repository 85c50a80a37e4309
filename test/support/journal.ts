import { setImmediate } from 'node:timers/promises';
import {
  createMemoryJournalStorage,
  type MemoryJournalStorage,
} from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { type Journal, type JournalConfig, openJournal } from '#controller/journal/journal.ts';
import type { StateReducer } from '#controller/journal/reducer.ts';
import type { JournalRecord, RecordDraft } from '#core/journal/record.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';

/** A state that shows whether every record was applied once, in order. */
export interface Tally {
  records: number;
  lastSeq: number;
  /** How many notes each incident has. */
  notes: Record<string, number>;
}

export const tallyReducer: StateReducer<Tally> = {
  initial: () => ({ records: 0, lastSeq: 0, notes: {} }),
  apply(state, record) {
    state.records += 1;
    state.lastSeq = record.seq;
    if (record.incident !== '') {
      state.notes[record.incident] = (state.notes[record.incident] ?? 0) + 1;
    }
    return state;
  },
  snapshot: (state) => state,
  restore: (snapshot) => structuredClone(snapshot) as Tally,
};

export type TestJournalConfig = Partial<JournalConfig<Tally>> & {
  readonly storage: JournalStorage;
};

export function openTestJournal(config: TestJournalConfig): Promise<Journal<Tally>> {
  return openJournal({
    clock: new VirtualClock(),
    reducer: tallyReducer,
    started: { host: 'test' },
    newJournalId: 'journal-a',
    yieldToLoop: () => setImmediate(),
    ...config,
  });
}

export function aNote(incident: string, text = ''): RecordDraft {
  return { type: 'incident.updated', incident, data: { text } };
}

export function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  return Array.fromAsync(values);
}

/** The records that storage holds, read line by line and trusted: what a test compares with. */
export function parseFiles(files: ReadonlyMap<string, Uint8Array>): JournalRecord[] {
  return (
    [...files.keys()]
      .sort()
      // What follows the last newline is no line.
      .flatMap((name) =>
        Buffer.from(files.get(name) ?? [])
          .toString()
          .split('\n')
          .slice(0, -1),
      )
      .map((line) => JSON.parse(line) as JournalRecord)
  );
}

/** A disk in memory that takes its time: what happens meanwhile comes before anything is durable. */
export function slowDisk(clock: VirtualClock, delayMs = 200): MemoryJournalStorage {
  const disk = createMemoryJournalStorage();
  return {
    ...disk,
    async append(...args) {
      await clock.sleep(delayMs);
      await disk.append(...args);
    },
  };
}
