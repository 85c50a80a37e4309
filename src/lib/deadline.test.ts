import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { withDeadline } from './deadline.ts';

/** Work that ends when it is told to. */
const heedful = (signal: AbortSignal) =>
  new Promise<string>((resolve) => {
    const end = () => resolve(signal.reason instanceof Error ? signal.reason.message : 'cancelled');
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });

describe('a deadline', () => {
  it('ends work that takes longer', async () => {
    const clock = new VirtualClock();

    await clock.run(withDeadline(clock, 1_000, heedful));

    assert.equal(clock.passedMs(), 1_000);
  });

  it('ends work with the signal around it, for the same reason', async () => {
    const clock = new VirtualClock();
    const outer = new AbortController();
    clock.after(10, () => outer.abort(new Error('the caller has left')));

    const ended = await clock.run(withDeadline(clock, 1_000, heedful, outer.signal));

    assert.equal(ended, 'the caller has left');
    assert.equal(clock.passedMs(), 10);
  });

  it('gives work a signal that has fired when the one around it has', async () => {
    const clock = new VirtualClock();
    const gone = AbortSignal.abort(new Error('too late'));

    const ended = await clock.run(withDeadline(clock, 1_000, heedful, gone));

    assert.equal(ended, 'too late');
  });

  it('leaves neither a timer nor a listener behind', async () => {
    const clock = new VirtualClock();
    const outer = new AbortController();

    await withDeadline(clock, 1_000, () => Promise.resolve(), outer.signal);

    assert.equal(clock.pending(), 0);
    assert.equal(getEventListeners(outer.signal, 'abort').length, 0);
  });
});
