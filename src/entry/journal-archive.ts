import { journalPathOf } from '#adapters/files/data-directory.ts';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { CliError } from '#cli/context.ts';
import type { JournalArchive } from '#cli/wiring.ts';
import { readRecords } from '#controller/journal/read-records.ts';
import { recover } from '#controller/journal/recover.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import { operatorReducer } from '#controller/journal-state.ts';

/**
 * Opens a journal for reading alone: without the lock, and beside a Sentinel that may be writing it.
 *
 * @throws {CliError} there is none
 */
export async function openJournalArchive(dataDirectory: string): Promise<JournalArchive> {
  const path = journalPathOf(dataDirectory);
  const storage = createFileJournalStorage(path);
  const names = await storage.list();
  if (names.length === 0) {
    const remedy = 'Name the data directory of the Sentinel that wrote it with --data.';
    throw new CliError(3, `there is no journal in ${path}`, remedy);
  }
  const whole = async () => {
    const recovered = await recover(storage, operatorReducer);
    if (recovered.problem === undefined) return recovered;
    const { segment, line, what } = recovered.problem;
    throw new CliError(
      1,
      `the journal is damaged: ${segment}:${line}: ${what}`,
      `All of it is told by: sentinel audit verify --data ${dataDirectory}`,
    );
  };
  return {
    async *records(fromSeq) {
      const { head } = await whole();
      const oldest = Number.parseInt(names[0] ?? '1', 10);
      yield* readRecords({
        storage,
        fromSeq: Math.max(fromSeq, oldest),
        toSeq: head.seq,
        recent: () => [],
      });
    },
    state: async () => (await whole()).state,
    verify: (head) => verifyJournal(storage, head === undefined ? {} : { head }),
  };
}
