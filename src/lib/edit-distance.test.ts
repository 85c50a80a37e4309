import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../test/support/fuzz.ts';
import { closest, editDistance } from './edit-distance.ts';

describe('closest', () => {
  for (const [word, expected] of [
    ['treshholds', 'thresholds'],
    ['Cooldown', 'cooldown'],
    ['cooldwon', 'cooldown'],
    ['limits', 'limit'],
    ['xyz', undefined],
    ['thres', 'thresholds'],
    ['li', undefined],
    ['x'.repeat(65), undefined],
  ] as const) {
    it(`of ${word.slice(0, 20)} is ${expected}`, () => {
      assert.equal(closest(word, ['thresholds', 'cooldown', 'limit', 'on']), expected);
    });
  }

  it('prefers the nearest', () => {
    assert.equal(closest('restart', ['restarts', 'start', 'restated']), 'restarts');
  });
});

describe('editDistance', () => {
  it('counts a swap of neighbours as one', () => {
    assert.equal(editDistance('abcd', 'abdc'), 1);
    assert.equal(editDistance('kitten', 'sitting'), 3);
    assert.equal(editDistance('', 'abc'), 3);
  });

  it('is symmetric, zero only for equals, and bounded by the longer word', () => {
    const word = fc.string({ maxLength: 12 });
    const holds = fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      assert.equal(distance, editDistance(b, a));
      assert.equal(distance === 0, a === b);
      assert.ok(distance <= Math.max(a.length, b.length));
    });

    fc.assert(holds, runs());
  });
});
