import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { Workqueue } from './workqueue.ts';

function aQueue() {
  const clock = new VirtualClock();
  return { clock, queue: new Workqueue({ clock }) };
}

describe('the workqueue', () => {
  it('holds a key once, however often it is added', async () => {
    const { queue } = aQueue();

    queue.add('a');
    queue.add('a');

    assert.equal(queue.depth(), 1);
    assert.equal(await queue.take(), 'a');
    assert.equal(queue.depth(), 0);
  });

  it('gives a key to one worker at a time, and again when it was added meanwhile', async () => {
    const { queue } = aQueue();
    queue.add('a');
    await queue.take();

    queue.add('a');

    assert.equal(queue.depth(), 0);
    queue.done('a');
    assert.equal(queue.depth(), 1);
  });

  it('serves events before resyncs, and lifts a resync that becomes an event', async () => {
    const { queue } = aQueue();
    queue.add('a', 'Resync');
    queue.add('b', 'Resync');

    queue.add('b', 'Event');

    assert.equal(await queue.take(), 'b');
    assert.equal(await queue.take(), 'a');
  });

  it('adds a delayed key at the earliest of its times', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    queue.addAfter('a', 50);

    await clock.advance(9);
    assert.equal(queue.depth(), 0);
    await clock.advance(1);

    assert.equal(queue.depth(), 1);
  });

  it('rests twice as long after each failure, and starts anew after a success', async () => {
    const { clock, queue } = aQueue();
    const rests: number[] = [];
    for (const fail of [true, true, true, false, true]) {
      if (!fail) {
        queue.forget('a');
        continue;
      }
      const startedMs = clock.bootMs();
      queue.addRateLimited('a');
      for (let ms = 0; ms < 100 && queue.depth() === 0; ms += 1) await clock.advance(1);
      rests.push(clock.bootMs() - startedMs);
      assert.equal(queue.depth(), 1);
      queue.done((await queue.take()) ?? '');
    }

    assert.deepEqual(rests, [5, 10, 20, 5]);
  });

  it('never rests longer than 1000 s', async () => {
    const { clock, queue } = aQueue();
    for (let failures = 0; failures < 40; failures += 1) {
      queue.addRateLimited('a');
      await clock.advance(1_000_000);
      assert.equal(await queue.take(), 'a');
      queue.done('a');
    }
  });

  it('sends its workers home when it is shut down', async () => {
    const { queue } = aQueue();
    const waiting = queue.take();

    queue.shutDown();

    assert.equal(await waiting, undefined);
    queue.add('a');
    assert.equal(queue.depth(), 0);
  });

  it('keeps the priority of an event that came while the key was worked on', async () => {
    const { queue } = aQueue();
    queue.add('a');
    await queue.take();
    queue.add('a', 'Event');
    queue.add('a', 'Resync');
    queue.add('b', 'Resync');

    queue.done('a');

    assert.equal(await queue.take(), 'a');
  });

  it('does not add a key once more at a time that an earlier one has replaced', async () => {
    const { clock, queue } = aQueue();
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    await clock.advance(10);
    queue.done((await queue.take()) ?? '');

    await clock.advance(1_000);

    assert.equal(queue.depth(), 0);
  });

  it('waits for a time that is farther than timers reach', async () => {
    // As setTimeout does: what does not fit into 32 bits fires at once.
    class RealTimers extends VirtualClock {
      override after(delayMs: number, callback: () => void): () => void {
        return super.after(delayMs < 2 ** 31 ? delayMs : 1, callback);
      }
    }
    const clock = new RealTimers();
    const queue = new Workqueue({ clock });

    queue.addAfter('a', 30 * 86_400_000);
    await clock.advance(20 * 86_400_000);

    assert.equal(queue.depth(), 0);
  });

  it('never loses a key that was added after the last look at it, nor gives one out twice', async () => {
    const operation = fc.tuple(
      fc.constantFrom('add', 'resync', 'after', 'take', 'done', 'pass'),
      fc.constantFrom('a', 'b', 'c'),
    );

    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const { clock, queue } = aQueue();
        const owed = new Set<string>();
        const working = new Set<string>();
        for (const [what, key] of operations) {
          if (what === 'add') queue.add(key);
          if (what === 'resync') queue.add(key, 'Resync');
          if (what === 'after') queue.addAfter(key, 10);
          if (what === 'pass') await clock.advance(10);
          if (what === 'add' || what === 'resync' || what === 'after') owed.add(key);
          if (what === 'take' && queue.depth() > 0) {
            const taken = (await queue.take()) ?? '';
            assert.ok(!working.has(taken), `${taken} is with two workers`);
            working.add(taken);
            owed.delete(taken);
          }
          if (what === 'done' && working.delete(key)) queue.done(key);
        }
        for (const key of working) queue.done(key);
        await clock.advance(10);
        const left = new Set<string>();
        for (let takes = queue.depth(); takes > 0; takes -= 1) left.add((await queue.take()) ?? '');
        for (const key of owed) assert.ok(left.has(key), `${key} is lost`);
      }),
    );
  });
});
