import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { encodeRecord } from '#controller/journal/line.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import { JournalUnavailableError } from '#core/errors.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { assertUnpolluted, awkwardValue, nearBytes, nearJson, runs } from '../support/fuzz.ts';
import { aNote, collect, openTestJournal, parseFiles } from '../support/journal.ts';

type Files = ReadonlyMap<string, Buffer>;

let files: Files;
let records: readonly JournalRecord[];

before(async () => {
  const storage = createMemoryJournalStorage();
  const journal = await openTestJournal({ storage, options: { segmentBytesMax: 2_000 } });
  for (let index = 0; index < 20; index += 1) {
    await journal.append([aNote(`inc-${index % 3}`, `note ${index} é 🚑`)], { durable: true })
      .durable;
  }
  await journal.close();
  files = storage.files();
  records = parseFiles(files);
});

function verify(changed: Files) {
  return verifyJournal(createMemoryJournalStorage(changed), {
    head: { seq: records.length, hash: records.at(-1)?.hash ?? '' },
  });
}

/** Opens, reads all, closes: what is left of a journal after whatever happened to its files. */
async function reopened(changed: Files) {
  const storage = createMemoryJournalStorage(changed);
  const journal = await openTestJournal({ storage });
  await journal.verified;
  const isAvailable = journal.isAvailable();
  let read: JournalRecord[] = [];
  try {
    read = await collect(journal.read(journal.oldestSeq()));
  } catch (error) {
    assert.ok(error instanceof JournalUnavailableError, String(error));
  }
  await journal.close();
  return { isAvailable, read, storage };
}

function linesOf(content: Buffer): string[] {
  return content.toString('latin1').split('\n').slice(0, -1);
}

function withLines(segment: string, lines: readonly string[]): Files {
  const text = lines.map((line) => `${line}\n`).join('');
  return new Map(files).set(segment, Buffer.from(text, 'latin1'));
}

type LineEdit = {
  readonly do: 'cut' | 'repeat' | 'swap' | 'move';
  readonly at: number;
  readonly to: number;
};
const lineEdit: fc.Arbitrary<LineEdit> = fc.record({
  do: fc.constantFrom('cut', 'repeat', 'swap', 'move'),
  at: fc.nat(1_000),
  to: fc.nat(1_000),
});

function editedLines(lines: readonly string[], { do: what, at, to }: LineEdit): readonly string[] {
  const [from, target] = [at % lines.length, to % lines.length];
  const [a = '', b = ''] = [lines[from], lines[target]];
  if (what === 'cut') return lines.toSpliced(from, 1);
  if (what === 'repeat') return lines.toSpliced(target, 0, a);
  if (what === 'swap') return lines.with(from, b).with(target, a);
  return lines.toSpliced(from, 1).toSpliced(target, 0, a);
}

describe('a journal whose bytes have changed', () => {
  it('is found out, with the first record that is not what it was', async () => {
    const change = fc
      .nat({ max: files.size - 1 })
      .chain((index) => {
        const [name = '', content = Buffer.of()] = [...files][index] ?? [];
        return nearBytes(content).map((bytes) => ({ name, bytes, content }));
      })
      .filter(({ bytes, content }) => !bytes.equals(content));
    const isFound = fc.asyncProperty(change, async ({ name, bytes, content }) => {
      const report = await verify(new Map(files).set(name, bytes));

      assert.equal(report.ok, false);
      const [first] = report.problems;
      const whole = samePrefix(linesOf(content), linesOf(bytes));
      const firstSeq = Number.parseInt(name, 10) + whole;
      assert.ok(first !== undefined && first.segment >= name);
      // Never later than the damage; what comes before it in this segment is not accused.
      if (first.segment === name) assert.ok(first.line >= whole, `${first.line} ${whole}`);
      assert.ok(
        report.problems.some(({ seq }) => seq <= firstSeq + 1),
        JSON.stringify(first),
      );
    });

    await fc.assert(isFound, runs(400));
  });

  it('gives at the next start a prefix of what it held, or nothing, and appends to no damage', async () => {
    const change = fc.nat({ max: files.size - 1 }).chain((index) => {
      const [name = '', content = Buffer.of()] = [...files][index] ?? [];
      return nearBytes(content).map((bytes) => new Map(files).set(name, bytes));
    });
    const isPrefix = fc.asyncProperty(change, async (changed) => {
      const { isAvailable, read, storage } = await reopened(changed);

      const old = read.filter(
        ({ seq, type }) => seq <= records.length && type !== 'journal.repaired',
      );
      for (const record of old.filter(({ type }) => type !== 'started')) {
        assert.deepEqual(record, records[record.seq - 1]);
      }
      if (isAvailable) assert.equal((await verifyJournal(storage)).ok, true);
      assertUnpolluted();
    });

    await fc.assert(isPrefix, runs(150));
  });

  it('is found out when whole lines are cut out, repeated, swapped or moved', async () => {
    const change = fc.tuple(
      fc.nat({ max: files.size - 1 }),
      fc.array(lineEdit, { minLength: 1, maxLength: 3 }),
    );
    const isFound = fc.asyncProperty(change, async ([index, edits]) => {
      const [name = '', content = Buffer.of()] = [...files][index] ?? [];
      const lines = linesOf(content);
      const changed = edits.reduce<readonly string[]>(
        (left, one) => (left.length < 2 ? left : editedLines(left, one)),
        lines,
      );

      const report = await verify(withLines(name, changed));

      const isSame = changed.length === lines.length && samePrefix(lines, changed) === lines.length;
      assert.equal(report.ok, isSame);
      if (isSame) return;
      // Every record that is gone is named; none is accused that is where it was.
      const gone = lines.filter((line) => !changed.includes(line)).map(seqOf);
      const told = report.problems.map(({ what, seq }) => ({ what, seq }));
      for (const seq of gone)
        assert.ok(
          told.some((one) => covers(one, seq)),
          `record ${seq} ${JSON.stringify(told)}`,
        );
    });

    await fc.assert(isFound, runs(300));
  });
});

describe('a record with a hash of its own that says anything', () => {
  const forged = fc
    .record({ at: fc.nat(1_000), part: fc.constantFrom('first', 'any'), deep: fc.boolean() })
    .chain(({ at, part, deep }) => {
      const names = [...files.keys()];
      const name = names[at % names.length] ?? '';
      const lines = linesOf(files.get(name) ?? Buffer.of());
      const index = part === 'first' ? 0 : at % lines.length;
      const { hash: _, ...body } = JSON.parse(
        Buffer.from(lines[index] ?? '', 'latin1').toString(),
      ) as JournalRecord;
      const value = deep ? awkwardValue.map((data) => ({ ...body, data })) : nearJson(body);
      return value.map((changed) => ({ name, lines, index, changed }));
    });

  it('is told by the check, and stops or passes the next start, with neither broken by it', async () => {
    const isTold = fc.asyncProperty(forged, async ({ name, lines, index, changed }) => {
      let line: string;
      try {
        const { bytes } = encodeRecord(changed as Omit<JournalRecord, 'hash'>);
        line = bytes.toString('latin1').trimEnd();
      } catch {
        // Not a line that anybody could have written.
        return;
      }
      const isSame = line === lines[index];
      const changedFiles = withLines(name, lines.with(index, line));

      const report = await verify(changedFiles);
      await reopened(changedFiles);

      assert.equal(report.ok, isSame);
      assertUnpolluted();
    });

    await fc.assert(isTold, runs(300));
  });
});

function samePrefix(before: readonly string[], after: readonly string[]): number {
  const index = before.findIndex((line, at) => line !== after[at]);
  return index < 0 ? before.length : index;
}

function seqOf(line: string): number {
  return (JSON.parse(line) as JournalRecord).seq;
}

/** `records 3 to 5 are missing`, or the record itself. */
function covers(
  { what, seq }: { readonly what: string; readonly seq: number },
  wanted: number,
): boolean {
  const range = /records? (?<from>\d+)(?: to (?<to>\d+))? (?:is|are) missing/.exec(what)?.groups;
  const [from, to] = [
    Number(range?.['from'] ?? seq),
    Number(range?.['to'] ?? range?.['from'] ?? seq),
  ];
  return from <= wanted && wanted <= to;
}
