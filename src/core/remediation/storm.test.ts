import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initialState } from '#core/journal/state.ts';
import { aPolicy, compile } from '../../../test/support/scenario.ts';
import { stormOf } from './storm.ts';

const storm = { above: 2, within: '1m', coolFor: '10m' };
const [POLICY = assert.fail('no policy')] = compile(aPolicy({ remediation: { storm } }));
const COOL_MS = 600_000;

/** @param openings instants at which incidents opened, controller milliseconds */
function at(nowMs: number, openings: number[]) {
  return stormOf({ nowMs, state: { ...initialState(), openings: { web: openings } } }, POLICY);
}

describe('a storm', () => {
  const BURST = [0, 10_000, 20_000];

  it('is more openings than are permitted, within the time that counts them', () => {
    assert.equal(at(30_000, [0, 10_000]), undefined);
    assert.equal(at(70_000, [0, 10_000, 60_000]), undefined);
    assert.deepEqual(at(30_000, BURST), { sinceMs: 20_000, untilMs: 20_000 + COOL_MS });
  });

  it('is over when it has cooled', () => {
    assert.equal(at(20_000 + COOL_MS, BURST), undefined);
  });

  it('goes on, as the same one, with each opening in it', () => {
    assert.deepEqual(at(40_000, [...BURST, 30_000]), {
      sinceMs: 20_000,
      untilMs: 30_000 + COOL_MS,
    });
  });

  it('is another one after it was over', () => {
    const later = BURST.map((ms) => ms + 2 * COOL_MS);

    assert.equal(at(2 * COOL_MS + 30_000, [...BURST, ...later])?.sinceMs, later[2]);
  });
});
