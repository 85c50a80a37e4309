import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from './lines.ts';

/** Cuts bytes into pieces of the given lengths, the last one taking what is left. */
function chunksOf(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(from, from + length));
    from += length;
  }
  return [...chunks, bytes.subarray(from)];
}

it('finds the same lines however the bytes arrive', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'ü') }));
  const lengths = fc.array(fc.nat(12));
  const same = fc.property(lines, lengths, (expected, cuts) => {
    const splitter = createLineSplitter(10_000);
    const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(''));

    const found = chunksOf(bytes, cuts).flatMap((chunk) => splitter.push(chunk));

    assert.deepEqual(
      found.map((line) => line.bytes.toString()),
      expected,
    );
    assert.equal(splitter.flush(), undefined);
  });

  fc.assert(same);
});

it('keeps the head of a line that is too long, and nothing more of it', () => {
  const splitter = createLineSplitter(4);

  const lines = ['abc', 'def', 'ghi\nab', 'cd\nx'].flatMap((text) =>
    splitter.push(Buffer.from(text)),
  );
  const rest = splitter.flush();

  const facts = [...lines, ...(rest === undefined ? [] : [rest])].map(({ bytes, cut }) => [
    bytes.toString(),
    cut,
  ]);
  assert.deepEqual(facts, [
    ['abcd', true],
    ['abcd', false],
    ['x', false],
  ]);
});
