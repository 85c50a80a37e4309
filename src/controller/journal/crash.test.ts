import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createMemoryJournalStorage,
  type StorageCall,
} from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { aNote, collect, openTestJournal, parseFiles } from '../../../test/support/journal.ts';
import { encodeRecord } from './line.ts';
import { verifyJournal } from './verify.ts';

type Files = Map<string, Buffer>;

const NEWLINE = 0x0a;
const STEP = 7;

/** A journal of several segments, and its records. */
async function aLongJournal(): Promise<{ files: Files; records: JournalRecord[] }> {
  const storage = createMemoryJournalStorage();
  const journal = await openTestJournal({ storage, options: { segmentBytesMax: 2_000 } });
  for (let index = 0; index < 12; index += 1) {
    const drafts = Array.from({ length: 1 + (index % 3) }, () => aNote(`inc-${index}`, 'é🚑'));
    await journal.append(drafts, { durable: true }).durable;
  }
  await journal.close();
  return { files: storage.files(), records: parseFiles(storage.files()) };
}

/** What is left when the machine stops after so many bytes of the journal reached the disk. */
function cutAfter(files: Files, bytes: number): Files {
  const left: Files = new Map();
  let rest = bytes;
  for (const [name, content] of files) {
    if (rest < 0) break;
    left.set(name, content.subarray(0, rest));
    // The next segment may exist, empty, as soon as this one is whole.
    rest -= content.length;
  }
  return left;
}

function sizeOf(files: Files): number {
  return [...files.values()].reduce((sum, content) => sum + content.length, 0);
}

describe('a crash after any byte', () => {
  let files: Files;
  let records: JournalRecord[];

  before(async () => {
    ({ files, records } = await aLongJournal());
  });

  it('leaves a prefix of the records, which the next start goes on from', async () => {
    const anyCrash = fc.asyncProperty(fc.nat({ max: sizeOf(files) }), async (bytes) => {
      const left = cutAfter(files, bytes);
      const whole = parseFiles(left);
      const storage = createMemoryJournalStorage(left);

      const journal = await openTestJournal({ storage });
      await journal.verified;
      const after = await collect(journal.read(1));
      await journal.close();

      assert.equal(journal.isAvailable(), false, 'closed');
      assert.deepEqual(after.slice(0, whole.length), records.slice(0, whole.length));
      const added = after.slice(whole.length).map(({ type }) => type);
      assert.ok(added.length === 1 || added.includes('journal.repaired'), added.join());
      assert.ok(added.includes('started'));
      assert.equal((await verifyJournal(storage)).ok, true);
    });

    await fc.assert(anyCrash, runs(200));
  });

  it('is survived at every byte of the last two lines and of a new segment', async () => {
    const names = [...files.keys()];
    const last = files.get(names.at(-1) ?? '') ?? Buffer.of();
    const total = sizeOf(files);

    for (let bytes = total - last.length - 300; bytes <= total - last.length + 300; bytes += 1) {
      const storage = createMemoryJournalStorage(cutAfter(files, bytes));
      await using journal = await openTestJournal({ storage });
      await journal.verified;
      assert.equal(journal.unavailableReason(), undefined, `${bytes} bytes`);
    }
  });

  it('says in the journal what was cut off', async () => {
    const [name = '', content = Buffer.of()] = [...files][0] ?? [];
    const end = content.lastIndexOf('\n', -2) + 1 + 40;
    const storage = createMemoryJournalStorage(new Map([[name, content.subarray(0, end)]]));
    const whole = parseFiles(storage.files()).length;

    await using journal = await openTestJournal({ storage });
    const [repaired] = await collect(journal.read(whole + 1));

    assert.equal(repaired?.type, 'journal.repaired');
    assert.deepEqual(repaired.data, { segment: name, bytes: 40, seq: whole + 1 });
  });
});

describe('a changed byte', () => {
  it('in any complete line is found by the start or by the check of older segments', async () => {
    const { files } = await aLongJournal();

    // That every byte of a line counts, line.test.ts shows; here, who finds it out, wherever it is:
    // beginning and end of each line, and steps between that fall on another byte in each.
    for (const [name, content] of files) {
      for (let index = 0; index < content.length; index += 1) {
        const isAtEnd = [content[index - 1], content[index], content[index + 1]].includes(NEWLINE);
        if (!isAtEnd && index % STEP !== 0) continue;
        const changed = Buffer.from(content);
        changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
        const storage = createMemoryJournalStorage(new Map(files).set(name, changed));
        await using journal = await openTestJournal({ storage });
        await journal.verified;
        assert.equal(journal.isAvailable(), false, `${name} byte ${index}`);
      }
    }
  });

  it('makes the journal unavailable, named by segment, line and record, and still readable', async () => {
    const { files, records } = await aLongJournal();
    const [name = '', content = Buffer.of()] = [...files].at(-1) ?? [];
    const lines = content.toString().split('\n');
    const line = lines.findIndex((text) => text.includes('incident.updated'));
    const seq = (JSON.parse(lines[line] ?? '') as JournalRecord).seq;
    lines[line] = (lines[line] ?? '').replace('inc-', 'inc_');
    const storage = createMemoryJournalStorage(
      new Map(files).set(name, Buffer.from(lines.join('\n'))),
    );

    await using journal = await openTestJournal({ storage });

    assert.equal(
      journal.unavailableReason(),
      `${name} line ${line + 1} (record ${seq}): the content does not match its hash`,
    );
    assert.throws(() => journal.append([aNote('x')], { durable: true }), JournalUnavailableError);
    assert.equal(journal.head().seq, seq - 1);
    assert.deepEqual(await collect(journal.read(1)), records.slice(0, seq - 1));
    assert.deepEqual([...storage.files().keys()], [...files.keys()], 'nothing was repaired');
  });

  it('in an older segment stops appends as soon as it is found', async () => {
    const { files } = await aLongJournal();
    const [name = '', content = Buffer.of()] = [...files][0] ?? [];
    const changed = Buffer.from(content);
    changed.writeUInt8(changed.readUInt8(100) ^ 1, 100);
    const reasons: (string | undefined)[] = [];

    await using journal = await openTestJournal({
      storage: createMemoryJournalStorage(new Map(files).set(name, changed)),
      events: { onAvailability: (reason) => reasons.push(reason) },
    });
    const atFirst = journal.isAvailable();
    await journal.verified;

    assert.equal(atFirst, true);
    assert.match(reasons[0] ?? '', /^000000000001\.jsonl line 1 \(record 1\)/);
    assert.throws(() => journal.append([aNote('x')], { durable: true }), JournalUnavailableError);
  });

  it('that was given a hash of its own is found by the record after it, across segments too', async () => {
    const { files } = await aLongJournal();

    for (const [name, content] of files) {
      const lines = content.toString().split('\n').slice(0, -1);
      for (const [index, line] of lines.entries()) {
        const isHead = index === lines.length - 1 && name === [...files.keys()].at(-1);
        if (isHead) continue;
        const { hash: _old, ...body } = JSON.parse(line) as JournalRecord;
        const forged = encodeRecord({ ...body, actor: 'operator:mallory' })
          .bytes.toString()
          .trimEnd();
        const changed = Buffer.from(`${lines.with(index, forged).join('\n')}\n`);
        const storage = createMemoryJournalStorage(new Map(files).set(name, changed));
        await using journal = await openTestJournal({ storage });
        await journal.verified;
        assert.equal(journal.isAvailable(), false, `${name} line ${index + 1}`);
      }
    }
  });

  it('is damage, too, where a segment bears the name of another', async () => {
    const storage = createMemoryJournalStorage();
    await (await openTestJournal({ storage })).close();
    const [content = Buffer.of()] = storage.files().values();

    await using journal = await openTestJournal({
      storage: createMemoryJournalStorage(new Map([['000000000005.jsonl', content]])),
    });

    assert.match(journal.unavailableReason() ?? '', /out of order; the line says record 1$/);
  });

  it('is damage, too, where a whole segment is missing', async () => {
    const { files } = await aLongJournal();
    const [, second = ''] = files.keys();
    files.delete(second);

    await using journal = await openTestJournal({ storage: createMemoryJournalStorage(files) });
    await journal.verified;

    assert.match(journal.unavailableReason() ?? '', /the one before ends with/);
  });

  it('is damage, too, where the last snapshot names another predecessor than it follows', async () => {
    const storage = createMemoryJournalStorage();
    const renewed = await openTestJournal({ storage });
    await renewed.renew('journal-b');
    await renewed.close();
    const files = storage.files();
    const [name = '', content = Buffer.of()] = [...files].at(-1) ?? [];
    const { hash: _old, ...body } = JSON.parse(content.toString()) as JournalRecord;
    const { previous } = body.data as { previous: object };
    const data = { ...body.data, previous: { ...previous, lastHash: 'f'.repeat(64) } };
    files.set(name, encodeRecord({ ...body, data }).bytes);

    await using journal = await openTestJournal({ storage: createMemoryJournalStorage(files) });

    assert.match(journal.unavailableReason() ?? '', /names another predecessor than its prev/);
  });

  it('is damage, too, where a segment that was closed ends amid a line', async () => {
    const { files } = await aLongJournal();
    const [before = '', last = ''] = [...files.keys()].slice(-2);
    files.set(before, (files.get(before) ?? Buffer.of()).subarray(0, -20));
    files.set(last, Buffer.of());

    await using journal = await openTestJournal({ storage: createMemoryJournalStorage(files) });

    assert.match(journal.unavailableReason() ?? '', /closed, yet its last line is incomplete/);
  });
});

it('a lone later segment without a record is no beginning', async () => {
  const files = new Map([['000000000009.jsonl', Buffer.from('{"actor"')]]);

  await using journal = await openTestJournal({ storage: createMemoryJournalStorage(files) });

  assert.match(journal.unavailableReason() ?? '', /all records before are missing/);
});

it('nothing is removed before all older segments were checked', async () => {
  const { files } = await aLongJournal();
  const [name = '', content = Buffer.of()] = [...files][1] ?? [];
  const storage = createMemoryJournalStorage(new Map(files).set(name, content.subarray(0, -9)));
  const options = {
    segmentBytesMax: 300,
    retention: {
      ageMaxMs: 0,
      bytesMax: 0,
      unacknowledgedAgeMaxMs: 0,
      unacknowledgedBytesMax: 0,
    },
  };
  const gate = Promise.withResolvers<void>();

  await using journal = await openTestJournal({
    storage: {
      ...storage,
      async *read(segment) {
        if (segment === name) await gate.promise;
        yield* storage.read(segment);
      },
    },
    options,
  });
  for (let index = 0; index < 5; index += 1) {
    await journal.append([aNote('inc-1')], { durable: true }).durable;
  }
  gate.resolve();
  await journal.verified;

  assert.match(journal.unavailableReason() ?? '', new RegExp(`^${name}`));
  assert.ok([...files.keys()].every((segment) => storage.files().has(segment)));
  assert.deepEqual(journal.segmentStarts().length, storage.files().size);
  assert.ok(storage.files().size >= files.size + 5, 'nor were those closed since');
});

it('what a killed process left unsynced is synced before a new segment begins', async () => {
  const storage = createMemoryJournalStorage();
  const clock = new VirtualClock();
  const killed = await openTestJournal({ storage, clock });
  await killed.append([aNote('inc-1')], { durable: true }).durable;
  await clock.run(killed.append([aNote('inc-1')], { durable: false }).durable);
  assert.ok(parseFiles(storage.files()).length > parseFiles(storage.durableFiles()).length);

  const options = { segmentBytesMax: 100 };
  const next = await openTestJournal({ storage, clock, options });
  await next.append([aNote('inc-2')], { durable: true }).durable;
  const powerless = createMemoryJournalStorage(storage.durableFiles());
  await using last = await openTestJournal({ storage: powerless, clock });
  await last.verified;

  assert.ok(storage.files().size > 1, 'it did begin a segment');
  assert.equal(last.unavailableReason(), undefined);
});

describe('a disk that says no', () => {
  const options = { retryMs: 100, retryMaxMs: 1_000 };

  it('rejects at once whoever waits, and writes the records in order when it can', async () => {
    const storage = createMemoryJournalStorage();
    const clock = new VirtualClock();
    const reasons: (string | undefined)[] = [];
    const journal = await openTestJournal({
      storage,
      clock,
      options,
      events: { onAvailability: (reason) => reasons.push(reason) },
    });
    await clock.advance(0);
    storage.setFault((call) => ({
      message: 'ENOSPC',
      ...(call.method === 'append' ? { bytesTaken: 33 } : {}),
    }));

    const { durable } = journal.append([aNote('inc-1')], { durable: true });
    await assert.rejects(durable, { name: 'JournalUnavailableError', message: 'ENOSPC' });
    const whileFailing = journal.append([aNote('inc-2')], { durable: true });
    await assert.rejects(whileFailing.durable, JournalUnavailableError);
    const available = journal.isAvailable();
    await clock.advance(5_000);
    storage.setFault(undefined);
    await clock.advance(options.retryMaxMs);
    const availableAgain = journal.isAvailable();
    journal.append([aNote('inc-3')], { durable: false });
    await clock.run(journal.close());

    assert.deepEqual([available, availableAgain], [false, true]);
    assert.deepEqual(reasons, ['ENOSPC', undefined]);
    assert.deepEqual(
      parseFiles(storage.durableFiles()).map(({ incident }) => incident),
      ['', 'inc-1', 'inc-2', 'inc-3'],
    );
    assert.equal((await verifyJournal(storage)).ok, true);
  });

  it('never breaks the chain, whichever calls fail after whichever part', async () => {
    const anyFaults = fc.asyncProperty(
      fc.array(fc.option(fc.nat({ max: 900 }), { freq: 2 }), { maxLength: 25 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 25 }),
      async (faults, durables) => {
        const storage = createMemoryJournalStorage();
        const clock = new VirtualClock();
        const journal = await openTestJournal({
          storage,
          clock,
          options: { ...options, segmentBytesMax: 1_500 },
        });
        const queue = [...faults];
        storage.setFault((call) => {
          const part = queue.shift() ?? null;
          return part === null ? undefined : { message: 'EIO', ...partOf(call, part) };
        });
        const acknowledged: number[] = [];

        for (const [index, durable] of durables.entries()) {
          const appended = journal.append([aNote(`inc-${index}`)], { durable });
          const [{ seq } = { seq: 0 }] = appended.records;
          appended.durable.then(
            () => {
              if (!durable) return;
              // What is acknowledged must be there even if the power goes now.
              const there = parseFiles(storage.durableFiles()).some((record) => record.seq === seq);
              assert.ok(there, `record ${seq}`);
              acknowledged.push(seq);
            },
            () => undefined,
          );
          await clock.advance(30);
        }
        const head = journal.head();
        await clock.advance(60_000);
        await clock.run(journal.close());

        const report = await verifyJournal(createMemoryJournalStorage(storage.durableFiles()), {
          head,
        });
        assert.deepEqual(report.problems, []);
        assert.equal(report.head?.seq, head.seq);
        assert.ok(acknowledged.every((seq) => seq <= head.seq));
      },
    );

    await fc.assert(anyFaults, runs(150));
  });

  it('bounds what waits for it', async () => {
    const storage = createMemoryJournalStorage();
    const clock = new VirtualClock();
    const journal = await openTestJournal({
      storage,
      clock,
      options: { ...options, pendingRecordsMax: 5 },
    });
    await clock.advance(0);
    storage.setFault(() => ({ message: 'ENOSPC' }));
    for (let index = 0; index < 5; index += 1) journal.append([aNote('inc-1')], { durable: false });

    assert.throws(
      () => journal.append([aNote('inc-2')], { durable: false }),
      JournalUnavailableError,
    );
    const state = structuredClone(journal.state());
    storage.setFault(undefined);
    await clock.run(journal.close());

    assert.deepEqual(state.notes, { 'inc-1': 5 });
    assert.equal(parseFiles(storage.durableFiles()).length, 6);
  });

  it('is not available while so much waits that it takes no more', async () => {
    const storage = createMemoryJournalStorage();
    const clock = new VirtualClock();
    const gate = Promise.withResolvers<void>();
    let isSlow = false;
    const journal = await openTestJournal({
      storage: {
        ...storage,
        append: async (...call) => {
          if (isSlow) await gate.promise;
          await storage.append(...call);
        },
      },
      clock,
      options: { ...options, pendingRecordsMax: 5 },
    });
    await clock.advance(0);
    isSlow = true;
    for (let index = 0; index < 5; index += 1) journal.append([aNote('inc-1')], { durable: false });

    const reason = journal.unavailableReason();
    gate.resolve();
    await clock.run(journal.close());

    assert.equal(reason, '5 records wait for the disk: the disk is slower than the records come');
  });

  it('counts as failing while it does not answer, and recovers when it does', async () => {
    const storage = createMemoryJournalStorage();
    const clock = new VirtualClock();
    const gate = Promise.withResolvers<void>();
    let isStuck = false;
    const journal = await openTestJournal({
      storage: {
        ...storage,
        append: async (...call) => {
          if (isStuck) await gate.promise;
          await storage.append(...call);
        },
      },
      clock,
    });
    await clock.advance(0);
    isStuck = true;

    const { durable } = journal.append([aNote('inc-1')], { durable: true });
    const rejected = assert.rejects(durable, /has not answered/);
    await clock.advance(10_000);
    await rejected;
    const available = journal.isAvailable();
    gate.resolve();
    await clock.advance(0);

    assert.equal(available, false);
    assert.equal(journal.isAvailable(), true);
    assert.equal(parseFiles(storage.durableFiles()).length, 2);
  });
});

function partOf(call: StorageCall, part: number): { bytesTaken?: number } {
  return call.method === 'append' ? { bytesTaken: Math.min(call.bytes, part) } : {};
}
