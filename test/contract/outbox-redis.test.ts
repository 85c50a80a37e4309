import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { createRedisEventSink } from '#adapters/redis/redis-event-sink.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import type { Journal } from '#controller/journal/journal.ts';
import { startOutbox } from '#controller/outbox.ts';
import { eventually } from '../support/engine.ts';
import { aNote, openTestJournal, type Tally, tallyReducer } from '../support/journal.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const clock = createSystemClock();

interface Setup extends AsyncDisposable {
  readonly server: TestRedis;
  readonly journal: Journal<Tally>;
  /** An outbox with a connection of its own. */
  startOne(): { lagRecords(): number; close(): Promise<void> };
  /** The records in the audit stream, in its order. */
  publishedSeqs(): Promise<number[]>;
}

async function setUp(): Promise<Setup> {
  const root = await mkdtemp(join(tmpdir(), 'sentinel-outbox-'));
  const server = await startRedis();
  const storage = createFileJournalStorage(join(root, 'journal'));
  const journal = await openTestJournal({
    storage,
    clock,
    options: { segmentBytesMax: 30_000, syncWithinMs: 20, hasOutbox: true },
  });
  return {
    server,
    journal,
    startOne() {
      const sink = createRedisEventSink({
        url: server.url,
        commandTimeoutMs: 300,
        connectTimeoutMs: 300,
      });
      const outbox = startOutbox({
        journal,
        sink,
        clock,
        reducer: tallyReducer,
        project: (state, { incident }) => ({
          entries: [{ stream: 'incidents', fields: { notes: String(state.notes[incident] ?? 0) } }],
          incidents: [],
          messages: [],
        }),
        host: 'host-1',
        onCursorAhead: async () => assert.fail('the cursor is not ahead'),
        options: { retryMs: 20, retryMaxMs: 100, batchRecordsMax: 20 },
      });
      return {
        lagRecords: () => outbox.lagRecords(),
        async close() {
          await outbox.close();
          await sink.close();
        },
      };
    },
    async publishedSeqs() {
      const client = new Redis(server.url);
      const entries = await client.xrange('sentinel:audit', '-', '+');
      client.disconnect();
      return entries.map(([, fields]) => Number(fields[fields.indexOf('seq') + 1]));
    },
    async [Symbol.asyncDispose]() {
      await journal.close();
      await storage.close();
      await server[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function appendSome(journal: Journal<Tally>, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const { durable } = journal.append([aNote('inc-1', 'x'.repeat(100)), aNote('inc-2')], {
      durable: true,
    });
    await durable;
  }
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}

describe('the outbox to Redis', () => {
  it('loses and doubles nothing while Redis is killed, stopped and hung in between', async () => {
    await using setup = await setUp();
    const { server, journal } = setup;
    const outbox = setup.startOne();

    for (const trouble of ['kill', 'stop', 'freeze', 'kill'] as const) {
      await appendSome(journal, 30);
      const during = appendSome(journal, 60);
      await server[trouble]();
      await during;
      if (trouble === 'freeze') server.thaw();
      else await server.start();
    }
    await appendSome(journal, 5);
    const caughtUp = async () => outbox.lagRecords() === 0;
    await eventually(caughtUp, { what: 'the outbox to catch up' });
    await outbox.close();

    assert.deepEqual(await setup.publishedSeqs(), upTo(journal.head().seq));
  });

  it('shares a journal with a rival, and with its own successors, without doubling', async () => {
    await using setup = await setUp();
    const { journal } = setup;
    const rival = setup.startOne();

    for (let run = 0; run < 4; run += 1) {
      const outbox = setup.startOne();
      await appendSome(journal, 40);
      await outbox.close();
    }
    await eventually(async () => rival.lagRecords() === 0, { what: 'the rival to catch up' });
    await rival.close();

    assert.deepEqual(await setup.publishedSeqs(), upTo(journal.head().seq));
  });
});
