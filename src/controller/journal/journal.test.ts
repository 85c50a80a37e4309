import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { JournalUnavailableError } from '#core/errors.ts';
import { GENESIS_HASH } from '#core/journal/record.ts';
import {
  aNote,
  collect,
  openTestJournal,
  parseFiles,
  type Tally,
  tallyReducer,
} from '../../../test/support/journal.ts';

const SMALL_SEGMENTS = { segmentBytesMax: 2_000 };

describe('a journal', () => {
  it('begins with a started record that names it', async () => {
    const storage = createMemoryJournalStorage();

    await using journal = await openTestJournal({ storage });
    const records = await collect(journal.read(1));

    assert.equal(records.length, 1);
    assert.partialDeepStrictEqual(records[0], {
      seq: 1,
      type: 'started',
      prev: GENESIS_HASH,
      data: { host: 'test', journalId: 'journal-a' },
    });
  });

  it('has applied a record when append returns, and written it when durable resolves', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage });

    const { records, durable } = journal.append([aNote('inc-1'), aNote('inc-1')], {
      durable: true,
    });
    const stateAtOnce = structuredClone(journal.state());
    const writtenAtOnce = parseFiles(storage.files()).length;
    await durable;

    assert.deepEqual(stateAtOnce, { records: 3, lastSeq: 3, notes: { 'inc-1': 2 } });
    assert.equal(writtenAtOnce, 1, 'only the started record');
    assert.deepEqual(parseFiles(storage.durableFiles()).slice(1), records);
    assert.equal(journal.durableSeq(), 3);
  });

  it('shares one write and one sync among the appends of one turn', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage });
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    const syncs: number[] = [];
    storage.setFault((call) => {
      if (call.method === 'append') syncs.push(call.bytes);
      return undefined;
    });

    await Promise.all(
      Array.from({ length: 50 }, () => journal.append([aNote('inc-2')], { durable: true }).durable),
    );

    assert.equal(syncs.length, 1);
    assert.equal(journal.durableSeq(), 52);
  });

  it('writes what nobody waits for within the coalescing time, and syncs it soon after', async () => {
    const storage = createMemoryJournalStorage();
    const clock = new VirtualClock();
    await using journal = await openTestJournal({ storage, clock });
    await clock.advance(0);

    journal.append([aNote('inc-1')], { durable: false });
    journal.append([aNote('inc-1')], { durable: false });
    await clock.advance(49);
    const before = parseFiles(storage.files()).length;
    await clock.advance(1);
    const written = parseFiles(storage.files()).length;
    const synced = parseFiles(storage.durableFiles()).length;
    await clock.advance(1_000);

    assert.deepEqual([before, written, synced], [1, 3, 1]);
    assert.equal(parseFiles(storage.durableFiles()).length, 3);
  });

  it('appends all drafts or none', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage });
    const bad = { type: 'incident.updated', data: { ratio: Number.NaN } } as const;

    assert.throws(() => journal.append([aNote('inc-1'), bad], { durable: true }), /NaN/);
    await journal.append([aNote('inc-2')], { durable: true }).durable;

    assert.deepEqual(journal.state().notes, { 'inc-2': 1 });
    assert.equal(parseFiles(storage.files()).length, 2);
  });

  it('keeps no link to the drafts it was given', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage });
    const data = { text: 'as it was' };

    const { records } = journal.append([{ type: 'incident.updated', data }], { durable: true });
    data.text = 'changed later';

    assert.deepEqual(records[0]?.data, { text: 'as it was' });
  });

  it('tells its listeners, and outlives one that throws', async () => {
    const storage = createMemoryJournalStorage();
    const warnings: string[] = [];
    await using journal = await openTestJournal({
      storage,
      events: { onWarning: (message) => warnings.push(message) },
    });
    const heard: number[] = [];
    journal.subscribe(() => assert.fail('a broken listener'));
    const unsubscribe = journal.subscribe((records) => {
      heard.push(...records.map(({ seq }) => seq));
    });

    journal.append([aNote('inc-1'), aNote('inc-1')], { durable: false });
    unsubscribe();
    journal.append([aNote('inc-1')], { durable: false });

    assert.deepEqual(heard, [2, 3]);
    assert.equal(warnings.length, 2);
  });

  it('comes back with the same state, chain and id', async () => {
    const storage = createMemoryJournalStorage();
    const first = await openTestJournal({ storage });
    first.append([aNote('inc-1'), aNote('inc-2')], { durable: false });
    await first.close();

    await using second = await openTestJournal({ storage, newJournalId: 'journal-b' });

    assert.equal(second.journalId(), 'journal-a');
    assert.deepEqual(second.state(), { records: 4, lastSeq: 4, notes: { 'inc-1': 1, 'inc-2': 1 } });
    const records = await collect(second.read(1));
    assert.deepEqual(
      records.map(({ seq, type }) => [seq, type]),
      [
        [1, 'started'],
        [2, 'incident.updated'],
        [3, 'incident.updated'],
        [4, 'started'],
      ],
    );
  });

  it('refuses appends once it is closed', async () => {
    const storage = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage });
    await journal.close();

    assert.throws(
      () => journal.append([aNote('inc-1')], { durable: true }),
      JournalUnavailableError,
    );
    assert.equal(journal.isAvailable(), false);
  });
});

describe('rotation', () => {
  it('begins a new segment with the state and the joint to its predecessor', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage, options: SMALL_SEGMENTS });

    await appendMany(journal, 20);

    const names = [...storage.files().keys()];
    const [, second = ''] = names;
    const snapshot = parseFiles(new Map([[second, storage.files().get(second) ?? Buffer.of()]]))[0];
    assert.ok(names.length > 2, `${names.length} segments`);
    assert.equal(snapshot?.type, 'journal.snapshot');
    assert.equal(second, `${String(snapshot.seq).padStart(12, '0')}.jsonl`);
    assert.partialDeepStrictEqual(snapshot.data, {
      journalId: 'journal-a',
      since: 1,
      previous: { segment: names[0], lastSeq: snapshot.seq - 1, lastHash: snapshot.prev },
      state: { lastSeq: snapshot.seq - 1 },
    });
  });

  it('leaves the state that a start would find, even where the snapshot forgets', async () => {
    const storage = createMemoryJournalStorage();
    const forgetful = {
      ...tallyReducer,
      snapshot: (state: Tally) => ({ ...state, notes: {} }),
    };
    const options = { storage, reducer: forgetful };
    const first = await openTestJournal(options);
    await first.append([aNote('inc-1')], { durable: true }).durable;

    await first.renew('journal-a');
    const live = structuredClone(first.state());
    await first.close();
    await using second = await openTestJournal(options);

    assert.deepEqual(live.notes, {});
    assert.deepEqual(second.state(), { records: live.records + 1, lastSeq: 4, notes: {} });
  });

  it('knows its state again where names are numbers, which no parser leaves in their order', async () => {
    const storage = createMemoryJournalStorage();
    const first = await openTestJournal({ storage });
    first.append([aNote('10'), aNote('9')], { durable: false });
    await first.renew('journal-a');
    await first.close();

    await using second = await openTestJournal({ storage });

    assert.equal(second.unavailableReason(), undefined);
    assert.deepEqual(second.state().notes, { 9: 1, 10: 1 });
  });

  it('lets a start read nothing but the last segment', async () => {
    const storage = createMemoryJournalStorage();
    const first = await openTestJournal({ storage, options: SMALL_SEGMENTS });
    await appendMany(first, 20);
    const state = structuredClone(first.state());
    await first.close();
    const files = storage.files();
    const [last = ''] = [...files.keys()].slice(-1);
    const read: string[] = [];
    const watched = createMemoryJournalStorage(files);
    const spied = {
      ...watched,
      read: (name: string) => {
        read.push(name);
        return watched.read(name);
      },
    };

    await using second = await openTestJournal({ storage: spied, options: SMALL_SEGMENTS });
    const readToOpen = [...read];

    assert.deepEqual(readToOpen.slice(0, 1), [last]);
    assert.deepEqual(second.state().notes, state.notes);
    await second.verified;
    assert.equal(second.isAvailable(), true);
    assert.deepEqual(new Set(read), new Set(files.keys()));
  });

  it('does not begin a segment with each record when the state alone is larger than one', async () => {
    const storage = createMemoryJournalStorage();
    const options = { segmentBytesMax: 1_000 };
    const reducer = {
      ...tallyReducer,
      snapshot: (state: object) => ({ ...state, x: 'x'.repeat(2_000) }),
    };
    await using journal = await openTestJournal({ storage, reducer, options });

    await appendMany(journal, 20);

    const segments = storage.files().size;
    assert.ok(
      segments > 2 && segments < 12,
      `${segments} segments for 20 records of half the size`,
    );
  });

  it('reads across segments, from anywhere, the unwritten end included', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage, options: SMALL_SEGMENTS });
    await appendMany(journal, 30);
    journal.append([aNote('inc-9')], { durable: false });
    const head = journal.head().seq;

    for (const from of [1, 2, 7, head - 1, head, head + 1]) {
      const seqs = (await collect(journal.read(from))).map(({ seq }) => seq);
      assert.deepEqual(
        seqs,
        Array.from({ length: head - from + 1 }, (_, index) => from + index),
      );
    }
  });

  it('can be read at any moment, whatever part of it is durable', async () => {
    const storage = createMemoryJournalStorage();
    await using journal = await openTestJournal({ storage });
    const counts: number[] = [];

    for (let round = 0; round < 6; round += 1) {
      const notes = Array.from({ length: 700 }, () => aNote('inc-1'));
      const { durable } = journal.append(notes, { durable: true });
      // Waits for the writer to begin: these come while the write is under way.
      await Promise.resolve();
      await Promise.resolve();
      journal.append([aNote('inc-2'), aNote('inc-2')], { durable: false });
      await durable;
      counts.push((await collect(journal.read(1))).length);
    }

    assert.deepEqual(
      counts,
      [1, 2, 3, 4, 5, 6].map((rounds) => 1 + rounds * 702),
    );
  });

  it('goes on under another id in a new segment, with the state kept', async () => {
    const storage = createMemoryJournalStorage();
    const first = await openTestJournal({ storage });
    first.append([aNote('inc-1')], { durable: false });

    await first.renew('journal-b');
    const since = first.journalSince();
    await first.close();
    await using second = await openTestJournal({ storage });

    assert.equal(since, 3);
    assert.deepEqual([second.journalId(), second.journalSince()], ['journal-b', 3]);
    assert.deepEqual(second.state().notes, { 'inc-1': 1 });
    await second.verified;
    assert.equal(second.isAvailable(), true);
  });
});

async function appendMany(
  journal: Awaited<ReturnType<typeof openTestJournal>>,
  count: number,
): Promise<Tally> {
  for (let index = 0; index < count; index += 1) {
    await journal.append([aNote(`inc-${index % 3}`, 'x'.repeat(100))], { durable: true }).durable;
  }
  return journal.state();
}
