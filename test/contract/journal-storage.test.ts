import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalStorage } from '#ports/journal-storage.ts';
import { eventually } from '../support/engine.ts';
import { aNote, collect, openTestJournal } from '../support/journal.ts';
import { mountSmallDisk } from '../support/small-disk.ts';

const clock = createSystemClock();

const FIRST = '000000000001.jsonl';
const SECOND = '000000000009.jsonl';

interface StorageUnderTest extends AsyncDisposable {
  readonly storage: JournalStorage;
}

async function inMemory(): Promise<StorageUnderTest> {
  return { storage: createMemoryJournalStorage(), [Symbol.asyncDispose]: async () => undefined };
}

async function inFiles(): Promise<StorageUnderTest & { readonly directory: string }> {
  const root = await mkdtemp(join(tmpdir(), 'sentinel-journal-'));
  const directory = join(root, 'journal');
  const storage = createFileJournalStorage(directory);
  return {
    storage,
    directory,
    async [Symbol.asyncDispose]() {
      await storage.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function contents(storage: JournalStorage, name: string): Promise<string> {
  return Buffer.concat(await collect(storage.read(name))).toString();
}

for (const [kind, open] of [
  ['in memory', inMemory],
  ['in files', inFiles],
] as const) {
  describe(`journal storage ${kind}`, () => {
    it('has nothing at first', async () => {
      await using test = await open();

      assert.deepEqual(await test.storage.list(), []);
    });

    it('gives back what was appended, in order, and lists segments oldest first', async () => {
      await using test = await open();
      const { storage } = test;

      await storage.append(SECOND, Buffer.from('later\n'), { sync: true });
      await storage.append(FIRST, Buffer.from('one\n'), { sync: false });
      await storage.append(FIRST, Buffer.from('two\n'), { sync: true });

      assert.deepEqual(await storage.list(), [FIRST, SECOND]);
      assert.equal(await contents(storage, FIRST), 'one\ntwo\n');
      assert.equal(await contents(storage, SECOND), 'later\n');
    });

    it('does not keep the buffer that it was given', async () => {
      await using test = await open();
      const bytes = Buffer.from('one\n');

      await test.storage.append(FIRST, bytes, { sync: true });
      bytes.fill('x');

      assert.equal(await contents(test.storage, FIRST), 'one\n');
    });

    it('syncs without bytes', async () => {
      await using test = await open();
      await test.storage.append(FIRST, Buffer.from('one\n'), { sync: false });

      await test.storage.append(FIRST, Buffer.of(), { sync: true });

      assert.equal(await contents(test.storage, FIRST), 'one\n');
    });

    it('reads a long segment in pieces that stay what they were', async () => {
      await using test = await open();
      const bytes = Buffer.alloc(1_000_000, 'abcdefghij');
      await test.storage.append(FIRST, bytes, { sync: true });

      const pieces = await collect(test.storage.read(FIRST));

      assert.ok(pieces.length > 1);
      assert.ok(Buffer.concat(pieces).equals(bytes));
    });

    it('appends at the new end after it was cut', async () => {
      await using test = await open();
      const { storage } = test;
      await storage.append(FIRST, Buffer.from('one\ntw'), { sync: true });

      await storage.truncate(FIRST, 4);
      await storage.append(FIRST, Buffer.from('three\n'), { sync: true });

      assert.equal(await contents(storage, FIRST), 'one\nthree\n');
    });

    it('forgets what was removed, and begins anew under the same name', async () => {
      await using test = await open();
      const { storage } = test;
      await storage.append(FIRST, Buffer.from('one\n'), { sync: true });

      await storage.remove(FIRST);
      const listed = await storage.list();
      await storage.append(FIRST, Buffer.from('new\n'), { sync: true });

      assert.deepEqual(listed, []);
      assert.equal(await contents(storage, FIRST), 'new\n');
    });

    it('fails in our words for a segment that is not there', async () => {
      await using test = await open();
      const { storage } = test;

      await assert.rejects(contents(storage, FIRST), JournalUnavailableError);
      await assert.rejects(storage.truncate(FIRST, 0), JournalUnavailableError);
      await assert.rejects(storage.remove(FIRST), JournalUnavailableError);
    });

    it('carries a journal over rotation, restart and retention', async () => {
      await using test = await open();
      const { storage } = test;
      const options = {
        segmentBytesMax: 4_000,
        retention: {
          ageMaxMs: 1e12,
          bytesMax: 20_000,
          unacknowledgedAgeMaxMs: 0,
          unacknowledgedBytesMax: 0,
        },
      };
      let notes = 0;

      for (let run = 0; run < 3; run += 1) {
        const journal = await openTestJournal({ storage, clock, options });
        assert.equal(journal.state().notes['inc-1'] ?? 0, notes);
        for (let index = 0; index < 30; index += 1) {
          await journal.append([aNote('inc-1', 'x'.repeat(200))], { durable: true }).durable;
          notes += 1;
        }
        await journal.close();
      }

      const report = await verifyJournal(storage);
      assert.deepEqual(report.problems, []);
      assert.ok((report.prunedBefore?.seq ?? 0) > 0, 'something was pruned');
    });
  });
}

describe('journal files', () => {
  it('are readable by nobody else', async () => {
    await using test = await inFiles();

    await test.storage.append(FIRST, Buffer.from('one\n'), { sync: true });

    assert.equal((await stat(test.directory)).mode & 0o777, 0o700);
    assert.equal((await stat(join(test.directory, FIRST))).mode & 0o777, 0o600);
  });

  it('are not created by reading', async () => {
    await using test = await inFiles();

    await test.storage.list();

    await assert.rejects(readdir(test.directory), { code: 'ENOENT' });
  });

  it('are not extended with zeros by a cut beyond their end', async () => {
    await using test = await inFiles();
    await test.storage.append(FIRST, Buffer.from('one\n'), { sync: true });

    await assert.rejects(test.storage.truncate(FIRST, 10), /has 4 bytes, and 10 were durable/);

    assert.equal(await contents(test.storage, FIRST), 'one\n');
  });

  it('that somebody removes are not written to as if they were there', async () => {
    await using test = await inFiles();
    await test.storage.append(FIRST, Buffer.from('one\n'), { sync: true });

    await rm(join(test.directory, FIRST));

    await assert.rejects(
      test.storage.append(FIRST, Buffer.from('two\n'), { sync: true }),
      /somebody removed the file/,
    );
  });

  it('that vanish make the journal unavailable until they are back, torn or not', async () => {
    await using test = await inFiles();
    const journal = await openTestJournal({
      storage: test.storage,
      clock,
      options: { retryMs: 1, retryMaxMs: 5 },
    });
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    const path = join(test.directory, FIRST);
    const whole = await contents(test.storage, FIRST);

    await rm(path);
    const refused = journal.append([aNote('inc-2')], { durable: true });
    await assert.rejects(refused.durable, JournalUnavailableError);
    const available = journal.isAvailable();
    await writeFile(path, `${whole}{"torn":`);
    await journal.close();

    const report = await verifyJournal(test.storage, { head: journal.head() });
    assert.equal(available, false);
    assert.deepEqual([report.problems, report.cannotCover], [[], []]);
  });

  it('on a full disk end with whole lines, and go on when there is room', async (context) => {
    const mounted = await mountSmallDisk(64);
    if (mounted === undefined) {
      context.skip('mounting a small tmpfs needs privileges');
      return;
    }
    await using disk = mounted;
    const storage = createFileJournalStorage(join(disk.path, 'journal'));
    const journal = await openTestJournal({
      storage,
      clock,
      options: { retryMs: 1, retryMaxMs: 5 },
    });
    await journal.append([aNote('inc-1')], { durable: true }).durable;
    await disk.fillUp();

    const note = aNote('inc-2', 'x'.repeat(3_000));
    const refused = [1, 2, 3].map(() => journal.append([note], { durable: true }).durable);
    const results = await Promise.allSettled(refused);
    const reason = journal.unavailableReason();
    await disk.makeRoom();
    await eventually(async () => journal.isAvailable(), { what: 'the journal to recover' });
    await journal.append([aNote('inc-3')], { durable: true }).durable;
    await journal.close();

    const report = await verifyJournal(storage, { head: journal.head() });
    await storage.close();
    assert.match(reason ?? '', /ENOSPC/);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.deepEqual([report.problems, report.records], [[], 6]);
  });

  it('hold every record that was acknowledged when the process is killed', async () => {
    await using test = await inFiles();

    for (let round = 0; round < 5; round += 1) {
      const acknowledged = await appendUntilKilled(test.directory, 40 + round * 60);
      const report = await verifyJournal(createFileJournalStorage(test.directory));
      const journal = await openTestJournal({ storage: test.storage, clock });
      const records = await collect(journal.read(1));
      await journal.close();

      assert.deepEqual(report.problems, []);
      const kept = new Set(records.map(({ seq, hash }) => `${seq} ${hash}`));
      const lost = acknowledged.filter((line) => !kept.has(line));
      assert.ok(acknowledged.length > 0);
      assert.deepEqual(lost, []);
    }
  });
});

/** @returns the lines "seq hash" that the child printed before it was killed */
async function appendUntilKilled(directory: string, lines: number): Promise<string[]> {
  const script = new URL('../support/append-forever.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exit = once(child, 'exit');
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  }
  await exit;
  assert.equal(child.signalCode, 'SIGKILL');
  return output.split('\n').slice(0, -1);
}
