import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryEventSink, type SinkFault } from '#adapters/memory/memory-event-sink.ts';
import {
  createMemoryJournalStorage,
  type MemoryJournalStorage,
} from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { SinkUnavailableError } from '#core/errors.ts';
import { runs } from '../../test/support/fuzz.ts';
import {
  aNote,
  collect,
  openTestJournal,
  type Tally,
  type TestJournalConfig,
  tallyReducer,
} from '../../test/support/journal.ts';
import type { Journal } from './journal/journal.ts';
import { verifyJournal } from './journal/verify.ts';
import { type OutboxConfig, type Projection, startOutbox } from './outbox.ts';

const SMALL_SEGMENTS = { segmentBytesMax: 2_000, hasOutbox: true };

/** Each note is published with the number of notes that its incident has by then. */
function projectNotes(state: Tally, record: { incident: string }): Projection {
  const name = record.incident;
  if (name === '') return { entries: [], incidents: [], messages: [] };
  const notes = String(state.notes[name]);
  return {
    entries: [{ stream: 'incidents', fields: { name, notes } }],
    incidents: [{ name, json: notes, openedAtMs: 1, open: true }],
    messages: [name],
  };
}

function start(journal: Journal<Tally>, config: Partial<OutboxConfig<Tally>> = {}) {
  return startOutbox({
    journal,
    sink: createMemoryEventSink(),
    clock: new VirtualClock(),
    reducer: tallyReducer,
    project: projectNotes,
    host: 'host-1',
    onCursorAhead: async () => assert.fail('the cursor is not ahead'),
    ...config,
  });
}

type OpenConfig = Partial<TestJournalConfig> & { readonly storage?: MemoryJournalStorage };

async function open(config: OpenConfig = {}) {
  const storage = config.storage ?? createMemoryJournalStorage();
  const clock = new VirtualClock();
  const sink = createMemoryEventSink();
  const journal = await openTestJournal({ clock, options: SMALL_SEGMENTS, ...config, storage });
  return { storage, clock, sink, journal };
}

function seqs(entries: readonly Readonly<Record<string, string>>[]): number[] {
  return entries.map(({ seq }) => Number(seq));
}

function upTo(last: number, first = 1): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

describe('the outbox', () => {
  it('publishes every record once, in order, with what it meant at that moment', async () => {
    const { clock, sink, journal } = await open();
    const outbox = start(journal, { sink, clock });

    for (let index = 0; index < 10; index += 1) {
      await journal.append([aNote(`inc-${index % 2}`)], { durable: true }).durable;
    }
    await clock.run(outbox.close());

    const head = journal.head();
    assert.deepEqual(seqs(sink.stream('audit')), upTo(head.seq));
    assert.deepEqual(
      sink.stream('incidents').map(({ name, notes }) => `${name}:${notes}`),
      [1, 2, 3, 4, 5].flatMap((count) => [`inc-0:${count}`, `inc-1:${count}`]),
    );
    assert.equal(sink.incidents().get('inc-1')?.json, '5');
    assert.deepEqual(await sink.cursor('journal-a'), head);
    assert.equal(outbox.lagRecords(), 0);
  });

  it('gives an audit entry the journal, the host and the record, but no snapshot state', async () => {
    const { clock, sink, journal } = await open();
    await journal.renew('journal-b');
    const outbox = start(journal, { sink, clock });

    await clock.run(outbox.close());

    const [snapshot] = sink.stream('audit');
    const record = JSON.parse(snapshot?.['record'] ?? '{}') as { data: object; hash: string };
    assert.partialDeepStrictEqual(snapshot, {
      type: 'journal.snapshot',
      journal: 'journal-b',
      host: 'host-1',
      seq: '2',
      hash: journal.head().hash,
    });
    assert.deepEqual(Object.keys(record.data).sort(), [
      'journalId',
      'previous',
      'since',
      'stateHash',
    ]);
  });

  it('publishes nothing that a power cut could take back', async () => {
    const { clock, sink, journal } = await open();
    await clock.advance(0);
    journal.append([aNote('inc-1')], { durable: false });

    const outbox = start(journal, { sink, clock });
    await clock.advance(500);
    const before = seqs(sink.stream('audit'));
    const lag = outbox.lagRecords();
    await clock.advance(1_000);

    assert.deepEqual([before, lag], [[1], 1]);
    assert.deepEqual(seqs(sink.stream('audit')), [1, 2]);
    await clock.run(outbox.close());
  });

  it('resumes from the cursor of the sink, in the middle of any segment', async () => {
    const { storage, sink, journal, clock } = await open();
    for (let index = 0; index < 25; index += 1) {
      await journal.append([aNote('inc-1')], { durable: true }).durable;
      if (index % 4 !== 0) continue;
      // A new outbox each time, as after a restart.
      const outbox = start(journal, { sink, clock });
      await clock.run(outbox.close());
    }
    await clock.run(start(journal, { sink, clock }).close());

    assert.ok(storage.files().size > 2);
    assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq));
    assert.deepEqual(
      sink.stream('incidents').map(({ notes }) => Number(notes)),
      upTo(25),
    );
  });

  it('loses nothing and doubles nothing, however the sink fails', async () => {
    const anyFault = fc.constantFrom<SinkFault | undefined>('down', 'reply-lost', undefined);
    const anyRun = fc.asyncProperty(fc.array(anyFault, { maxLength: 30 }), async (faults) => {
      const { sink, journal, clock } = await open();
      const outbox = start(journal, { sink, clock, options: { batchRecordsMax: 3 } });

      for (const fault of faults) {
        sink.setFault(fault);
        journal.append([aNote('inc-1'), aNote('inc-2')], { durable: true });
        await clock.advance(400);
      }
      sink.setFault(undefined);
      await clock.advance(60_000);
      await clock.run(outbox.close());

      assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq));
      assert.equal(outbox.lagRecords(), 0);
    });

    await fc.assert(anyRun, runs(50));
  });

  it('shares a journal with a rival without doubling', async () => {
    const { sink, journal, clock } = await open();
    const one = start(journal, { sink, clock, options: { batchRecordsMax: 2 } });
    const other = start(journal, { sink, clock, options: { batchRecordsMax: 3 } });

    for (let index = 0; index < 20; index += 1) {
      journal.append([aNote('inc-1'), aNote('inc-2')], { durable: true });
      await clock.advance(300);
    }
    await clock.advance(60_000);
    await clock.run(one.close());
    await clock.run(other.close());

    assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq));
  });

  it('says while it fails that it fails, once, and never holds up the journal', async () => {
    const { sink, journal, clock } = await open();
    const reasons: (string | undefined)[] = [];
    sink.setFault('down');
    const outbox = start(journal, {
      sink,
      clock,
      events: { onAvailability: (reason) => reasons.push(reason) },
    });

    await clock.advance(10_000);
    await clock.run(journal.append([aNote('inc-1')], { durable: true }).durable);
    const lag = outbox.lagRecords();
    sink.setFault(undefined);
    await clock.advance(60_000);
    await clock.run(outbox.close());

    assert.equal(lag, 2);
    assert.deepEqual(reasons, ['the sink cannot be reached', undefined]);
    assert.deepEqual(seqs(sink.stream('audit')), [1, 2]);
  });

  it('says once of each reason why it fails, and of them again in another outage', async () => {
    const { sink, journal, clock } = await open();
    const reasons: (string | undefined)[] = [];
    let words = 'away';
    let isUp = false;
    const failing = {
      ...sink,
      cursor: (id: string) =>
        isUp ? sink.cursor(id) : Promise.reject(new SinkUnavailableError(words)),
    };
    const outbox = start(journal, {
      sink: failing,
      clock,
      events: { onAvailability: (reason) => reasons.push(reason) },
    });

    await clock.run(journal.append([aNote('inc-1')], { durable: true }).durable);
    for (const reason of ['away', 'full', 'away']) {
      words = reason;
      await clock.advance(120_000);
    }
    isUp = true;
    await clock.advance(120_000);
    isUp = false;
    await clock.advance(120_000);
    await clock.run(outbox.close());

    assert.deepEqual(reasons.slice(0, 4), ['away', 'full', undefined, 'away']);
  });

  it('goes on past a record that cannot be projected', async () => {
    const { sink, journal, clock } = await open();
    const warnings: string[] = [];
    journal.append([aNote('bad'), aNote('good')], { durable: true });
    const outbox = start(journal, {
      sink,
      clock,
      project: (state, record) => {
        if (record.incident === 'bad') throw new Error('a bug');
        return projectNotes(state, record);
      },
      events: { onWarning: (message) => warnings.push(message) },
    });

    await clock.advance(0);
    await clock.run(outbox.close());

    assert.deepEqual(seqs(sink.stream('audit')), [1, 2, 3]);
    assert.deepEqual(sink.messages(), ['good']);
    assert.deepEqual(warnings, ['record 2 (incident.updated) cannot be projected']);
  });

  it('publishes everything again to a sink that has forgotten everything', async () => {
    const { sink, journal, clock } = await open();
    journal.append([aNote('inc-1'), aNote('inc-1')], { durable: true });
    const outbox = start(journal, { sink, clock });
    await clock.advance(0);

    sink.clear();
    journal.append([aNote('inc-1')], { durable: true });
    await clock.advance(10_000);
    await clock.run(outbox.close());

    assert.deepEqual(seqs(sink.stream('audit')), upTo(4));
    assert.equal(sink.incidents().get('inc-1')?.json, '3');
  });
});

describe('a restored journal', () => {
  it('publishes everything again to a sink that has forgotten it, though nothing new is there', async () => {
    const { clock, sink, journal } = await open();
    const outbox = start(journal, { sink, clock });
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    await clock.advance(1_000);
    sink.clear();

    await clock.advance(10 * 60_000);

    assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq));
    await clock.run(outbox.close());
  });

  it('goes on under another id when the sink has seen its future', async () => {
    const { storage, sink, journal, clock } = await open();
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    const backup = storage.files();
    await journal.append([aNote('inc-1'), aNote('inc-1')], { durable: true }).durable;
    await clock.run(start(journal, { sink, clock }).close());
    await clock.run(journal.close());

    const restored = await open({ storage: createMemoryJournalStorage(backup) });
    const outbox = start(restored.journal, {
      sink,
      clock: restored.clock,
      onCursorAhead: async ({ cursor, headSeq }) => {
        assert.deepEqual([cursor.seq, headSeq], [4, 3]);
        await restored.journal.renew('journal-b');
      },
    });
    await restored.clock.advance(0);
    await restored.clock.run(outbox.close());

    const audit = sink.stream('audit').map(({ journal: id, seq, type }) => `${id} ${seq} ${type}`);
    assert.deepEqual(audit.slice(-1), ['journal-b 4 journal.snapshot']);
    assert.equal(audit.length, 5);
  });

  it('is found out by the hash, too, when it has grown past the cursor meanwhile', async () => {
    const { storage, sink, journal, clock } = await open();
    const backup = storage.files();
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    await clock.run(start(journal, { sink, clock }).close());
    await clock.run(journal.close());

    const restored = await open({ storage: createMemoryJournalStorage(backup) });
    restored.journal.append([aNote('inc-7'), aNote('inc-7')], { durable: true });
    const renewed: number[] = [];
    const outbox = start(restored.journal, {
      sink,
      clock: restored.clock,
      onCursorAhead: async ({ cursor }) => {
        renewed.push(cursor.seq);
        await restored.journal.renew('journal-b');
      },
    });
    await restored.clock.advance(0);
    await restored.clock.run(outbox.close());

    assert.deepEqual(renewed, [2]);
  });
});

describe('retention', () => {
  const retention = {
    ageMaxMs: 1_000_000_000,
    bytesMax: 5_000,
    unacknowledgedAgeMaxMs: 7 * 86_400_000,
    unacknowledgedBytesMax: 12_000,
  };

  it('keeps what is not published, up to its bound, and names what was lost beyond it', async () => {
    const { storage, sink, journal, clock } = await open({
      options: { ...SMALL_SEGMENTS, retention },
    });
    sink.setFault('down');
    const outbox = start(journal, { sink, clock });

    for (let index = 0; index < 40; index += 1) {
      journal.append([aNote('inc-1', 'x'.repeat(200))], { durable: true });
      await clock.advance(10);
    }
    const bytesHeld = [...storage.files().values()].reduce((sum, { length }) => sum + length, 0);
    const oldest = journal.oldestSeq();
    sink.setFault(undefined);
    await clock.advance(60_000);
    await clock.run(outbox.close());

    assert.ok(bytesHeld > retention.bytesMax, `${bytesHeld} bytes held`);
    assert.ok(bytesHeld < retention.unacknowledgedBytesMax + 4_000, `${bytesHeld} bytes held`);
    assert.ok(oldest > 1);
    assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq, oldest));
    const gap = (await collect(journal.read(oldest))).find(({ type }) => type === 'outbox.gap');
    assert.deepEqual(gap?.data, { from: 1, to: oldest - 1 });
    const counts = sink.stream('incidents').map(({ notes }) => Number(notes));
    assert.equal(counts.at(-1), 40, 'the state before the gap comes from the snapshot');
  });

  it('names what was lost while a publish was under way', async () => {
    const { sink, journal, clock } = await open({
      options: { ...SMALL_SEGMENTS, retention },
    });
    const gate = Promise.withResolvers<void>();
    const outbox = start(journal, {
      clock,
      sink: {
        ...sink,
        publish: async (batch) => {
          await gate.promise;
          return sink.publish(batch);
        },
      },
    });
    await clock.advance(0);

    for (let index = 0; index < 40; index += 1) {
      journal.append([aNote('inc-1', 'x'.repeat(200))], { durable: true });
      await clock.advance(10);
    }
    const oldest = journal.oldestSeq();
    gate.resolve();
    await clock.advance(60_000);
    await clock.run(outbox.close());

    assert.deepEqual(seqs(sink.stream('audit')), [1, ...upTo(journal.head().seq, oldest)]);
    const gap = (await collect(journal.read(oldest))).find(({ type }) => type === 'outbox.gap');
    assert.deepEqual(gap?.data, { from: 2, to: oldest - 1 });
  });

  it('removes what is published and too much, and leaves a verifiable chain', async () => {
    const { storage, sink, journal, clock } = await open({
      options: { ...SMALL_SEGMENTS, retention },
    });
    const outbox = start(journal, { sink, clock });

    for (let index = 0; index < 40; index += 1) {
      journal.append([aNote('inc-1', 'x'.repeat(200))], { durable: true });
      await clock.advance(10);
    }
    await clock.run(outbox.close());

    const bytes = [...storage.files().values()].reduce((sum, { length }) => sum + length, 0);
    const report = await verifyJournal(storage);
    assert.ok(bytes < retention.bytesMax + 3_000, `${bytes} bytes`);
    assert.deepEqual(report.problems, []);
    assert.equal(report.prunedBefore?.seq, journal.oldestSeq() - 1);
    assert.deepEqual(seqs(sink.stream('audit')), upTo(journal.head().seq));
  });

  it('says once what was lost, though the sink fails again and again after', async () => {
    const { sink, journal, clock } = await open({
      options: { ...SMALL_SEGMENTS, retention },
    });
    let tries = 0;
    const outbox = start(journal, {
      clock,
      sink: {
        ...sink,
        publish: async (batch) => {
          tries += 1;
          if (tries < 5) throw new Error('refused');
          return sink.publish(batch);
        },
      },
    });
    for (let index = 0; index < 40; index += 1) {
      journal.append([aNote('inc-1', 'x'.repeat(200))], { durable: true });
      await clock.advance(1);
    }
    await clock.advance(60_000);
    await clock.run(outbox.close());

    const gaps = (await collect(journal.read(1))).filter(({ type }) => type === 'outbox.gap');
    assert.ok(tries >= 5);
    assert.equal(gaps.length, 1);
  });
});
