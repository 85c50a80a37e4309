import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { aNote, openTestJournal, parseFiles } from '../../../test/support/journal.ts';
import { encodeRecord } from './line.ts';
import { type VerifyOptions, verifyJournal } from './verify.ts';

type Files = Map<string, Buffer>;

let files: Files;
let records: JournalRecord[];

/** Changes the lines of one segment (0 is the oldest). */
function edited(segment: number, edit: (lines: string[]) => string[]): Files {
  const name = [...files.keys()][segment] ?? '';
  const lines = (files.get(name) ?? Buffer.of()).toString().split('\n').slice(0, -1);
  const text = edit(lines)
    .map((line) => `${line}\n`)
    .join('');
  return new Map(files).set(name, Buffer.from(text));
}

function verify(changed: Files, options: VerifyOptions = {}) {
  return verifyJournal(createMemoryJournalStorage(changed), options);
}

function headOf(list: readonly JournalRecord[]) {
  const { seq = 0, hash = '' } = list.at(-1) ?? {};
  return { seq, hash };
}

describe('the check of a whole journal', () => {
  before(async () => {
    const storage = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage, options: { segmentBytesMax: 1_500 } });
    for (let index = 0; index < 15; index += 1) {
      await journal.append([aNote(`inc-${index}`, 'a note')], { durable: true }).durable;
    }
    await journal.close();
    files = storage.files();
    records = parseFiles(files);
  });

  it('finds nothing wrong with one that nobody touched, and says what it cannot know', async () => {
    const report = await verify(files);

    assert.deepEqual(report, {
      ok: true,
      records: records.length,
      segments: files.size,
      problems: [],
      problemCount: 0,
      head: headOf(records),
      cannotCover: [
        'A tail that was cut off, or a journal that was rewritten as a whole, is seen only against a head (seq, hash) kept elsewhere; none was given.',
      ],
    });
  });

  it('covers everything when it is given the head', async () => {
    const report = await verify(files, { head: headOf(records) });

    assert.deepEqual([report.ok, report.cannotCover], [true, []]);
  });

  it('names a changed record, and only that one', async () => {
    const changed = edited(0, (lines) =>
      lines.map((line, index) => (index === 2 ? line.replace('a note', 'no note') : line)),
    );

    const report = await verify(changed);

    assert.deepEqual(report.problems, [
      {
        segment: '000000000001.jsonl',
        line: 3,
        seq: 3,
        what: 'the content does not match its hash',
      },
    ]);
  });

  it('names a record that was replaced by one with a hash of its own', async () => {
    const changed = edited(0, (lines) =>
      lines.map((line, index) => {
        if (index !== 2) return line;
        const { hash: _old, ...body } = JSON.parse(line) as JournalRecord;
        const forged = encodeRecord({ ...body, data: { text: 'forged' } });
        return forged.bytes.toString().trimEnd();
      }),
    );

    const report = await verify(changed);

    assert.deepEqual(
      report.problems.map(({ seq, what }) => [seq, what]),
      [[4, 'the record does not follow record 3: one was replaced']],
    );
  });

  for (const [name, edit, expected] of [
    ['a missing record', (lines: string[]) => lines.toSpliced(2, 1), [[3, 'record 3 is missing']]],
    [
      'missing records',
      (lines: string[]) => lines.toSpliced(2, 2),
      [[3, 'records 3 to 4 are missing']],
    ],
    [
      'two records that changed places',
      (lines: string[]) => lines.with(1, lines[2] ?? '').with(2, lines[1] ?? ''),
      [[2, 'the record is out of order']],
    ],
    [
      'a record that stands there twice',
      (lines: string[]) => lines.toSpliced(3, 0, lines[1] ?? ''),
      [[2, 'the record is repeated']],
    ],
    [
      'a line that is no record',
      (lines: string[]) => lines.with(2, 'nonsense'),
      [[3, 'the line is too short for a record']],
    ],
  ] as const) {
    it(`names ${name}`, async () => {
      const changed = edited(0, edit);

      const report = await verify(changed);

      assert.equal(report.ok, false);
      assert.deepEqual(
        report.problems.map(({ seq, what }) => [seq, what]),
        expected,
      );
    });
  }

  it('names a segment that is missing in the middle', async () => {
    const [, second = ''] = files.keys();
    const gone = parseFiles(new Map([[second, files.get(second) ?? Buffer.of()]]));
    const changed = new Map(files);
    changed.delete(second);

    const report = await verify(changed);

    const [from, to] = [gone[0]?.seq, gone.at(-1)?.seq];
    assert.deepEqual(
      report.problems.map(({ what }) => what),
      [`records ${from} to ${to} are missing`],
    );
  });

  it('names a missing beginning that no journal.pruned record accounts for', async () => {
    const [first = '', second = ''] = files.keys();
    const changed = new Map(files);
    changed.delete(first);

    const report = await verify(changed);

    const last = Number.parseInt(second, 10) - 1;
    assert.deepEqual(
      report.problems.map(({ what }) => what),
      [`records 1 to ${last} are missing, and no journal.pruned record accounts for it`],
    );
  });

  it('sees a tail that was cut off against a head kept elsewhere', async () => {
    const changed = edited(files.size - 1, (lines) => lines.slice(0, -1));

    const blind = await verify(changed);
    const report = await verify(changed, { head: headOf(records) });

    assert.equal(blind.ok, true);
    assert.match(report.problems[0]?.what ?? '', /the head kept elsewhere is record \d+/);
  });

  it('sees a journal that was rewritten as a whole against a head kept elsewhere', async () => {
    const other = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage: other });
    for (let index = 0; index < 40; index += 1) journal.append([aNote('x')], { durable: false });
    await journal.close();

    const blind = await verifyJournal(other);
    const report = await verifyJournal(other, { head: headOf(records) });

    assert.equal(blind.ok, true);
    assert.equal(report.problems[0]?.seq, records.length);
    assert.match(report.problems[0]?.what ?? '', /another hash/);
  });

  it('tells a write that is under way from damage', async () => {
    const last = [...files.keys()].at(-1) ?? '';
    const content = files.get(last) ?? Buffer.of();
    const changed = new Map(files).set(last, Buffer.concat([content, Buffer.from('{"actor":')]));

    const report = await verify(changed, { head: headOf(records) });

    assert.equal(report.ok, true);
    assert.match(report.cannotCover[0] ?? '', /incomplete line/);
  });

  it('finds every changed byte', async () => {
    const total = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    const anyFlip = fc.asyncProperty(
      fc.nat({ max: total - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, bits) => {
        let offset = at;
        const changed = new Map<string, Buffer>();
        for (const [name, content] of files) {
          const copy = Buffer.from(content);
          if (offset >= 0 && offset < copy.length) {
            copy.writeUInt8(copy.readUInt8(offset) ^ bits, offset);
          }
          offset -= copy.length;
          changed.set(name, copy);
        }

        const report = await verify(changed);

        assert.equal(report.ok, false);
      },
    );

    await fc.assert(anyFlip, runs(500));
  });

  it('finds an emptied journal by what else is there, and excuses one that has just begun', async () => {
    const empty = new Map([['000000000001.jsonl', Buffer.of()]]);
    const torn = new Map([['000000000001.jsonl', Buffer.from('{"seq":1,')]]);
    const traces = ['evidence of actions', 'an API token'];

    const reports = await Promise.all([
      verify(empty),
      verify(empty, { traces }),
      verify(torn),
      verify(torn, { traces }),
      verify(files, { traces }),
    ]);

    assert.deepEqual(
      reports.map(({ ok }) => ok),
      [true, false, true, false, true],
    );
    assert.deepEqual(reports[1]?.problems, [
      {
        segment: '000000000001.jsonl',
        line: 1,
        seq: 1,
        what: 'the segment holds no record, yet there is evidence of actions and an API token: what was recorded is gone, or never reached the disk',
      },
    ]);
  });

  it('finds that all before an emptied later segment are missing', async () => {
    const report = await verify(new Map([['000000000500.jsonl', Buffer.of()]]));

    assert.match(report.problems[0]?.what ?? '', /^records 1 to 499 are missing/);
  });

  for (const [name, previous] of [
    ['no predecessor', null],
    ['a predecessor without a hash', { segment: 'x', lastSeq: 1 }],
  ] as const) {
    it(`names a snapshot that has ${name}, though its hash is its own`, async () => {
      const forged = edited(1, ([line = '{}', ...rest]) => {
        const { hash: _old, data, ...body } = JSON.parse(line) as JournalRecord;
        const { bytes } = encodeRecord({ ...body, data: { ...data, previous } });
        return [bytes.toString().trimEnd(), ...rest];
      });

      const report = await verify(forged);

      assert.deepEqual(report.problems[0]?.what, 'the snapshot is incomplete');
    });
  }

  it('names a snapshot of another state than it says, though its hash is its own', async () => {
    const forged = edited(1, ([line = '{}', ...rest]) => {
      const { hash: _old, data, ...body } = JSON.parse(line) as JournalRecord;
      const { bytes } = encodeRecord({ ...body, data: { ...data, state: { lastSeq: 1 } } });
      return [bytes.toString().trimEnd(), ...rest];
    });

    const report = await verify(forged);

    assert.deepEqual(report.problems[0]?.what, 'the snapshot does not match its state hash');
  });

  it('is bounded in what it lists', async () => {
    const storage = createMemoryJournalStorage();
    const journal = await openTestJournal({ storage });
    for (let index = 0; index < 400; index += 1) journal.append([aNote('x')], { durable: false });
    await journal.close();
    const [[name = '', content = Buffer.of()] = []] = storage.files();
    const spoilt = content.toString().replaceAll('"incident":"x"', '"incident":"y"');

    const report = await verify(new Map([[name, Buffer.from(spoilt)]]));

    assert.deepEqual([report.problems.length, report.problemCount], [100, 400]);
  });
});
