import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matterOf } from '../rca/matter.ts';
import { burying, keepsTelling, ordinaryLines, tellingOf, waysOf } from './ways.ts';

const CASE = {
  id: 'a',
  category: '',
  symptom: 'it is down',
  must_mention: ['DEPLOY_ENV|variable', '7', 'not in the log'],
  evidence_file: '',
  evidence: { 'web_logs.txt': 'up\nno DEPLOY_ENV\nbye\n' },
};
const ORDINARY = ['GET / 200', 'GET /a 200', 'GET /b 200'];

describe('what tells in a log', () => {
  it('is a line with each thing that must be mentioned, as far as the log has it', () => {
    assert.deepEqual(tellingOf(CASE), {
      excerpt: ['up', 'no DEPLOY_ENV'],
      lines: [['no DEPLOY_ENV']],
    });
    assert.equal(tellingOf({ ...CASE, must_mention: ['memory'] }), undefined);
  });

  it('is buried between ordinary lines, begun anew where they end', () => {
    assert.deepEqual(burying(['x'], ['1', '2', '3'], 2), ['1', '2', 'x', '3', '1']);
    assert.deepEqual(ordinaryLines([{ LineId: '1', Level: 'INFO', Content: 'up' }]), ['INFO up']);
  });
});

describe('the ways to fit a prompt', () => {
  const telling = tellingOf(CASE) ?? assert.fail('nothing tells');
  const kept = (around: number, tokensMax: number) => {
    const lines = burying(telling.excerpt, ORDINARY, around);
    const ways = waysOf(matterOf(CASE, Number.POSITIVE_INFINITY, lines));
    return [ways.byWorth, ways.cutOff, ways.newestOnly].map((way) =>
      keepsTelling(telling, way({ tokensMax, mark: '5eed' })),
    );
  };

  it('all keep what tells where there is room for everything', () => {
    assert.deepEqual(kept(3, 4_000), [true, true, true]);
  });

  it('lose it by their order where there is not', () => {
    assert.deepEqual(kept(2_000, 1_000), [true, false, false]);
  });

  it('all lose it where there is no room at all', () => {
    assert.deepEqual(kept(3, 20), [false, false, false]);
  });
});
