import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { journalPathOf } from '#adapters/files/data-directory.ts';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { CliError } from '#cli/context.ts';
import type { JournalArchive } from '#cli/wiring.ts';
import { readRecords } from '#controller/journal/read-records.ts';
import { type Recovered, recover } from '#controller/journal/recover.ts';
import { firstSeqOf, listSegments } from '#controller/journal/segment.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import { operatorReducer } from '#controller/journal-state.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { API_TOKEN_FILE } from '#http/tokens.ts';

/**
 * Opens a journal for reading alone: without the lock, and beside a Sentinel that may be writing it.
 *
 * @throws {CliError} there is none
 */
export async function openJournalArchive(dataDirectory: string): Promise<JournalArchive> {
  const path = journalPathOf(dataDirectory);
  const storage = createFileJournalStorage(path);
  if ((await listSegments(storage)).length === 0) {
    const remedy = 'Name the data directory of the Sentinel that wrote it with --data.';
    throw new CliError(3, `there is no journal in ${path}`, remedy);
  }
  let known: { readonly stamp: string; readonly recovered: Recovered<OperatorState> } | undefined;

  /** The end of the journal, folded anew only when something was written. */
  async function end(): Promise<Recovered<OperatorState>> {
    const names = await listSegments(storage);
    const { size } = await stat(join(path, names.at(-1) ?? ''));
    const stamp = `${names.join()} ${size}`;
    if (known?.stamp === stamp) return known.recovered;
    const recovered = await recover(storage, operatorReducer);
    if (recovered.problem !== undefined) {
      const { segment, line, what } = recovered.problem;
      const remedy = `All of it is told by: sentinel audit verify --data ${dataDirectory}`;
      throw new CliError(1, `the journal is damaged: ${segment}:${line}: ${what}`, remedy);
    }
    known = { stamp, recovered };
    return recovered;
  }

  return {
    async *records(fromSeq) {
      const { head } = await end();
      const [first = ''] = await listSegments(storage);
      yield* readRecords({
        storage,
        fromSeq: Math.max(fromSeq, firstSeqOf(first) ?? 1),
        toSeq: head.seq,
        recent: () => [],
      });
    },
    state: async () => (await end()).state,
    verify: async (head) =>
      verifyJournal(storage, {
        traces: await tracesOf(dataDirectory),
        ...(head === undefined ? {} : { head }),
      }),
  };
}

/** What a Sentinel leaves beside its journal only after it has begun one. */
async function tracesOf(dataDirectory: string): Promise<string[]> {
  const evidence = await readdir(join(dataDirectory, 'evidence')).catch(() => []);
  const token = await stat(join(dataDirectory, API_TOKEN_FILE)).catch(() => undefined);
  return [
    ...(evidence.length > 0 ? ['evidence'] : []),
    ...(token === undefined ? [] : ['an API token']),
  ];
}
