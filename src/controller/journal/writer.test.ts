import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createMemoryJournalStorage,
  type StorageCall,
} from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { DEFAULT_JOURNAL_OPTIONS } from './journal.ts';
import { createJournalWriter, type PendingLine } from './writer.ts';

function setUp() {
  const storage = createMemoryJournalStorage();
  const clock = new VirtualClock();
  const calls: StorageCall[] = [];
  storage.setFault((call) => {
    calls.push(call);
    return undefined;
  });
  const writer = createJournalWriter({
    storage,
    clock,
    active: undefined,
    options: DEFAULT_JOURNAL_OPTIONS,
    onDurable: () => undefined,
    onFailing: () => undefined,
    onWrite: () => undefined,
  });
  return { storage, clock, calls, writer };
}

function aLine(seq: number, segment: string): PendingLine {
  return { seq, segment, bytes: Buffer.from(`${seq}\n`) };
}

describe('the journal writer', () => {
  it('makes a segment durable before it begins the next', async () => {
    const { clock, calls, writer } = setUp();
    await clock.run(writer.push([aLine(1, 'a')], { sync: false }));

    await clock.run(writer.push([aLine(2, 'a'), aLine(3, 'b')], { sync: false }));

    assert.deepEqual(calls, [
      { method: 'append', name: 'a', bytes: 2, sync: false },
      { method: 'append', name: 'a', bytes: 2, sync: true },
      { method: 'append', name: 'b', bytes: 2, sync: false },
    ]);
    await clock.run(writer.close());
  });

  it('syncs what it has written before it begins the next segment', async () => {
    const { clock, calls, writer } = setUp();
    await clock.run(writer.push([aLine(1, 'a')], { sync: false }));

    await clock.run(writer.push([aLine(2, 'b')], { sync: false }));

    assert.deepEqual(calls.slice(1), [
      { method: 'append', name: 'a', bytes: 0, sync: true },
      { method: 'append', name: 'b', bytes: 2, sync: false },
    ]);
    await clock.run(writer.close());
  });

  it('keeps in memory what is not durable, and lets it go when it is', async () => {
    const { clock, writer } = setUp();

    await clock.run(writer.push([aLine(1, 'a')], { sync: false }));
    const written = [writer.pendingCount(), writer.pendingBytes()];
    await clock.advance(1_000);

    assert.deepEqual(written, [1, 2]);
    assert.deepEqual([writer.pendingCount(), writer.pendingBytes()], [0, 0]);
  });

  it('syncs early when many lines are waiting for it', async () => {
    const { clock, calls, writer } = setUp();
    const lines = Array.from({ length: 1_000 }, (_, index) => aLine(index + 1, 'a'));

    await clock.run(writer.push(lines, { sync: false }));

    assert.equal(writer.pendingCount(), 0);
    assert.equal(calls.length, 1);
  });

  it('syncs at once what somebody waits for, and says so only then', async () => {
    const { storage, clock, calls, writer } = setUp();

    await clock.run(writer.push([aLine(1, 'a')], { sync: true }));

    assert.deepEqual(calls, [{ method: 'append', name: 'a', bytes: 2, sync: true }]);
    assert.equal(storage.durableFiles().get('a')?.toString(), '1\n');
    await clock.run(writer.close());
  });

  it('begins a segment whose first write had failed', async () => {
    const { storage, clock, writer } = setUp();
    storage.setFault(() => ({ message: 'no space left on device' }));
    await assert.rejects(clock.run(writer.push([aLine(1, 'a')], { sync: true })), /no space/);

    storage.setFault(undefined);
    await clock.advance(1_000);

    assert.equal(writer.failure(), undefined);
    assert.equal(storage.durableFiles().get('a')?.toString(), '1\n');
    await clock.run(writer.close());
  });
});
