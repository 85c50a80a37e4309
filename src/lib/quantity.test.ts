import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { nearText, runs } from '../../test/support/fuzz.ts';
import { formatBytes, parseQuantity } from './quantity.ts';

for (const [text, bytes] of [
  ['512m', 512 * 2 ** 20],
  ['1Gi', 2 ** 30],
  ['1GiB', 2 ** 30],
  ['1.5 kb', 1_536],
  ['64MB', 64 * 2 ** 20],
  ['7', 7],
  ['7b', 7],
  ['', undefined],
  ['1x', undefined],
  ['1e3', undefined],
  ['-1m', undefined],
  ['9999999p', undefined],
] as const) {
  it(`reads ${JSON.stringify(text)} as ${bytes}`, () => {
    assert.equal(parseQuantity(text), bytes);
  });
}

it('writes four digits of what it reads', () => {
  const isNear = fc.property(fc.nat({ max: 2 ** 52 }), (bytes) => {
    const read = parseQuantity(formatBytes(bytes)) ?? Number.NaN;

    assert.ok(Math.abs(read - bytes) <= Math.max(1, bytes * 1e-3), formatBytes(bytes));
  });

  fc.assert(isNear, runs());
});

it('reads whole bytes or nothing', () => {
  const isEither = fc.property(
    fc.constantFrom('512m', '1.5 GiB', '64MB').chain(nearText),
    (text) => {
      const bytes = parseQuantity(text);
      return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0);
    },
  );

  fc.assert(isEither, runs());
});
