import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLimiter } from './limiter.ts';

describe('limiter', () => {
  it('runs no more at once than allowed, in order, and goes on after a failure', async () => {
    const limiter = createLimiter(2);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const task = (index: number) => async () => {
      started.push(index);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (index === 1) throw new Error('one fails');
      return index;
    };

    const results = await Promise.allSettled(
      [0, 1, 2, 3, 4].map((index) => limiter.run(task(index))),
    );

    assert.equal(most, 2);
    assert.deepEqual(started, [0, 1, 2, 3, 4]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
    );
  });
});
