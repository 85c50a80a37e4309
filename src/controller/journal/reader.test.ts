import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import {
  aNote,
  collect,
  openTestJournal,
  parseFiles,
  tallyReducer,
} from '../../../test/support/journal.ts';
import { readJournal } from './reader.ts';

describe('reading a journal from outside', () => {
  it('sees what is written by now and changes nothing, though a line is incomplete', async () => {
    const storage = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage, options: { segmentBytesMax: 1_000 } });
    for (let index = 0; index < 9; index += 1) {
      await journal.append([aNote('inc-1')], { durable: true }).durable;
    }
    const [last = ''] = [...storage.files().keys()].slice(-1);
    await storage.append(last, Buffer.from('{"actor":"sent'), { sync: true });
    const before = storage.files();

    const reading = await readJournal(storage, tallyReducer);
    const records = await collect(reading.records(1));

    assert.deepEqual(records, parseFiles(before));
    assert.deepEqual(reading.state, journal.state());
    assert.deepEqual([reading.head, reading.journalId], [journal.head(), 'journal-a']);
    assert.equal(reading.problem, undefined);
    assert.deepEqual(storage.files(), before);
  });

  it('finds an empty directory to be a journal without records', async () => {
    const reading = await readJournal(createMemoryJournalStorage(), tallyReducer);

    assert.deepEqual(await collect(reading.records(1)), []);
    assert.deepEqual([reading.head.seq, reading.journalId], [0, undefined]);
  });

  it('gives what stands before damage, and names it', async () => {
    const storage = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage });
    await journal.append([aNote('inc-1'), aNote('inc-2')], { durable: true }).durable;
    const [[name = '', content = Buffer.of()] = []] = storage.files();
    const spoilt = Buffer.from(content.toString().replace('inc-2', 'inc-3'));

    const reading = await readJournal(
      createMemoryJournalStorage(new Map([[name, spoilt]])),
      tallyReducer,
    );

    assert.match(reading.problem ?? '', /line 3 \(record 3\)/);
    assert.equal((await collect(reading.records(1))).length, 2);
  });
});
