import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ageOf, formatAge } from './age.ts';

describe('formatAge', () => {
  for (const [ms, text] of [
    [0, '0s'],
    [-5_000, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [330_000, '5m30s'],
    [12 * 60_000, '12m'],
    [3 * 3_600_000 + 5 * 60_000, '3h5m'],
    [20 * 3_600_000, '20h'],
    [51 * 3_600_000, '2d3h'],
    [12 * 86_400_000, '12d'],
  ] as const) {
    it(`writes ${ms} ms as ${text}`, () => {
      assert.equal(formatAge(ms), text);
    });
  }

  it('does not guess the age of what has no time', () => {
    assert.equal(ageOf(undefined, 0), '<unknown>');
    assert.equal(ageOf('yesterday', 0), '<unknown>');
  });
});
