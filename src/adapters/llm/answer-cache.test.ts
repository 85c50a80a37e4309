import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createAnswerCache } from './answer-cache.ts';

function aCache() {
  const clock = { nowMs: 0, bootMs: () => clock.nowMs };
  return { clock, cache: createAnswerCache<number>(clock, { entriesMax: 2, ttlMs: 1_000 }) };
}

it('forgets an answer after its time, counted from when it was given', () => {
  const { clock, cache } = aCache();
  cache.set('a', 1);

  clock.nowMs = 999;
  assert.equal(cache.get('a'), 1);
  clock.nowMs = 1_000;
  assert.equal(cache.get('a'), undefined);
});

it('forgets the answer that was not used for longest when there are too many', () => {
  const { cache } = aCache();
  cache.set('a', 1);
  cache.set('b', 2);
  cache.get('a');

  cache.set('c', 3);

  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3]);
});
