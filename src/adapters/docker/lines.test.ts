import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { cuts, inChunks, runs } from '../../../test/support/fuzz.ts';
import { createLineSplitter } from './lines.ts';

it('finds the same lines however the bytes arrive', () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'ü') }));
  const same = fc.property(lines, cuts, (expected, lengths) => {
    const splitter = createLineSplitter(10_000);
    const bytes = Buffer.from(expected.map((line) => `${line}\n`).join(''));

    const found = inChunks(bytes, lengths).flatMap((chunk) => splitter.push(chunk));

    assert.deepEqual(
      found.map((line) => line.bytes.toString()),
      expected,
    );
    assert.equal(splitter.flush(), undefined);
  });

  fc.assert(same, runs());
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
