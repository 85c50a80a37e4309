import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSlots } from './slots.ts';

const NEVER = new AbortController().signal;

describe('the places for requests at once', () => {
  it('are given in the order of asking', async () => {
    const slots = createSlots(1);
    const order: string[] = [];
    const first = await slots.acquire(NEVER);
    const others = ['second', 'third'].map(async (name) => {
      const release = await slots.acquire(NEVER);
      order.push(name);
      release?.();
    });

    assert.deepEqual(order, []);
    first?.();
    await Promise.all(others);

    assert.deepEqual(order, ['second', 'third']);
  });

  it('go on to the next when the one who waits gives up', async () => {
    const slots = createSlots(1);
    const first = await slots.acquire(NEVER);
    const impatience = new AbortController();
    const second = slots.acquire(impatience.signal);
    const third = slots.acquire(NEVER);

    impatience.abort();
    first?.();

    assert.equal(await second, undefined);
    assert.ok(await third);
  });

  it('are not given twice by giving one back twice', async () => {
    const slots = createSlots(1);
    const first = await slots.acquire(NEVER);
    first?.();
    first?.();
    const second = await slots.acquire(NEVER);

    const third = await slots.acquire(AbortSignal.abort());
    assert.ok(second);
    assert.equal(third, undefined);
    const impatience = new AbortController();
    const fourth = slots.acquire(impatience.signal);
    impatience.abort();
    assert.equal(await fourth, undefined);
  });

  it('refuse at once when too many wait', async () => {
    const slots = createSlots(1);
    await slots.acquire(NEVER);
    for (let waiter = 0; waiter < 256; waiter += 1) void slots.acquire(NEVER);

    assert.equal(await slots.acquire(NEVER), undefined);
  });
});
