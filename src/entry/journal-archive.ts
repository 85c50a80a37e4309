import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { journalPathOf } from '#adapters/files/data-directory.ts';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { CliError } from '#cli/context.ts';
import type { JournalArchive, JournalDamage } from '#cli/wiring.ts';
import { readRecords } from '#controller/journal/read-records.ts';
import { type Recovered, recover } from '#controller/journal/recover.ts';
import {
  firstSeqOf,
  type JournalProblem,
  listSegments,
  readSegment,
} from '#controller/journal/segment.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import { operatorReducer } from '#controller/journal-state.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { API_TOKEN_FILE } from '#http/tokens.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';

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
  let damage: JournalDamage | undefined;

  function note({ segment, line, seq, what }: JournalProblem): void {
    damage = { file: join(path, segment), line, seq, what };
  }

  /** The end of the journal, folded anew only when something was written. */
  async function end(): Promise<Recovered<OperatorState>> {
    const names = await listSegments(storage);
    const { size } = await stat(join(path, names.at(-1) ?? ''));
    const stamp = `${names.join()} ${size}`;
    if (known?.stamp === stamp) return known.recovered;
    const recovered = await recoverWhatCanBe(storage);
    if (recovered.problem !== undefined) note(recovered.problem);
    known = { stamp, recovered };
    return recovered;
  }

  async function* records(fromSeq: number): AsyncGenerator<JournalRecord> {
    const { head } = await end();
    const [first = ''] = await listSegments(storage);
    const from = Math.max(fromSeq, firstSeqOf(first) ?? 1);
    try {
      yield* readRecords({ storage, fromSeq: from, toSeq: head.seq, recent: () => [] });
    } catch (error) {
      const problem = await findProblem(storage, from);
      if (problem === undefined) throw error;
      // In place of what the end of the journal has: reading came no further than this.
      note(problem);
    }
  }

  return {
    records,
    state: async () => (await end()).state,
    damage: () => damage,
    verify: async (head) =>
      verifyJournal(storage, {
        traces: await tracesOf(dataDirectory),
        ...(head === undefined ? {} : { head }),
      }),
  };
}

/** As `recover` does, from the newest segment that begins with a good record. */
async function recoverWhatCanBe(storage: JournalStorage): Promise<Recovered<OperatorState>> {
  let names = await listSegments(storage);
  let recovered = await recover(storage, operatorReducer);
  while (recovered.problem !== undefined && recovered.journal === undefined && names.length > 1) {
    const { problem } = recovered;
    names = names.slice(0, -1);
    const earlier = await recover(limited(storage, names), operatorReducer);
    recovered = { ...earlier, problem: earlier.problem ?? problem };
  }
  return recovered;
}

/** The storage as if it had only these segments. */
function limited(storage: JournalStorage, names: readonly string[]): JournalStorage {
  return {
    list: async () => names,
    read: (name) => storage.read(name),
    append: (name, bytes, options) => storage.append(name, bytes, options),
    truncate: (name, size) => storage.truncate(name, size),
    remove: (name) => storage.remove(name),
  };
}

/** The first fault in the segments from the one that holds a record. */
async function findProblem(
  storage: JournalStorage,
  fromSeq: number,
): Promise<JournalProblem | undefined> {
  const names = await listSegments(storage);
  const first = names.findLastIndex((name) => (firstSeqOf(name) ?? 0) <= fromSeq);
  for (const name of names.slice(Math.max(0, first))) {
    const { problem } = await readSegment(storage, name);
    if (problem !== undefined) return problem;
  }
  return undefined;
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
