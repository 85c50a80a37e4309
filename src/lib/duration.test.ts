import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { nearText, runs } from '../../test/support/fuzz.ts';
import { formatDuration, parseDuration } from './duration.ts';

const DAY_MS = 86_400_000;

for (const [text, ms] of [
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5s', 1_500],
  ['0s', 0],
  ['30m1h', 5_400_000],
  ['1d', DAY_MS],
  ['', undefined],
  ['30', undefined],
  ['1 h', undefined],
  ['-1s', undefined],
  ['1e3s', undefined],
  ['1S', undefined],
  ['9'.repeat(400) + 's', undefined],
] as const) {
  it(`reads ${text.slice(0, 20)} as ${ms} ms`, () => {
    assert.equal(parseDuration(text), ms);
  });
}

it('writes what it reads as the same: whole seconds exactly, less to a tenth of a second', () => {
  const isSame = fc.property(fc.nat(40 * DAY_MS), (ms) => {
    const read = parseDuration(formatDuration(ms)) ?? Number.NaN;

    assert.ok(Math.abs(read - ms) <= (ms < 1_000 ? 0 : ms < 10_000 ? 50 : 500), formatDuration(ms));
    if (ms % 1_000 === 0) assert.equal(read, ms);
  });

  fc.assert(isSame, runs());
});

it('reads a finite number of milliseconds or nothing', () => {
  const isEither = fc.property(
    fc.constantFrom('1h30m', '250ms', '1.5s').chain(nearText),
    (text) => {
      const ms = parseDuration(text);
      return ms === undefined || (Number.isSafeInteger(ms) && ms >= 0);
    },
  );

  fc.assert(isEither, runs());
});
