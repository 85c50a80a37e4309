import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { JournalUnavailableError, SentinelError } from '#core/errors.ts';
import type { ReconcileResult } from './reconciler.ts';
import { startWorkers } from './workers.ts';
import { Workqueue } from './workqueue.ts';

class TerminalError extends SentinelError {
  override readonly name = 'TerminalError';
  readonly code = 'SENTINEL_TERMINAL';
  readonly retryable = false;
}

type Look = (signal: AbortSignal, clock: VirtualClock) => Promise<ReconcileResult>;

const well: Look = async () => ({});
const fails =
  (error: Error): Look =>
  async () =>
    Promise.reject(error);

/** One worker whose looks at `a` go as given, one after the other; the last goes on for ever. */
async function working(looks: readonly Look[]) {
  const clock = new VirtualClock();
  const queue = new Workqueue({ clock });
  const atMs: number[] = [];
  const failures: string[] = [];
  startWorkers({
    queue,
    clock,
    count: 1,
    timeoutMs: 60_000,
    reconcile: (_key, signal) => {
      atMs.push(clock.bootMs());
      return (looks[atMs.length - 1] ?? looks.at(-1) ?? well)(signal, clock);
    },
    observer: {
      started: () => undefined,
      ended: () => undefined,
      failed: (_key, _error, kind) => failures.push(kind),
    },
  });
  queue.add('a');
  await clock.advance(0);
  return { clock, queue, atMs, failures };
}

describe('a worker', () => {
  it('looks again after a failure that may pass, and after a bug', async () => {
    const { clock, atMs, failures } = await working([
      fails(new JournalUnavailableError('away')),
      fails(new Error('a bug')),
      well,
    ]);

    await clock.advance(1_000);

    assert.deepEqual(failures, ['Retryable', 'Bug']);
    assert.deepEqual(atMs, [0, 5, 15]);
  });

  it('leaves a failure that will not pass to the next event', async () => {
    const { clock, queue, atMs, failures } = await working([fails(new TerminalError('no')), well]);
    await clock.advance(1_000_000);
    const before = [...atMs];

    queue.add('a');
    await clock.advance(0);

    assert.deepEqual([before, failures, atMs.length], [[0], ['Terminal'], 2]);
  });

  it('looks again after a look that ran out of time, whatever it ended with', async () => {
    const slow: Look = async (signal, clock) => {
      await clock.sleep(1_000_000, signal);
      throw new TerminalError('it was cut off');
    };
    const { clock, atMs, failures } = await working([slow, well]);

    await clock.advance(61_000);

    assert.deepEqual(failures, ['Timeout']);
    assert.deepEqual(atMs, [0, 60_005]);
  });

  it('rests shortly again after a success', async () => {
    const failing = fails(new JournalUnavailableError('away'));
    const { clock, queue, atMs } = await working([failing, failing, well, failing, well]);
    await clock.advance(1_000);

    queue.add('a');
    await clock.advance(1_000);

    assert.deepEqual(atMs, [0, 5, 15, 1_000, 1_005]);
  });

  it('looks when the newest look said to, and not when an older one did', async () => {
    const { clock, queue, atMs } = await working([
      async () => ({ requeueAfterMs: 1_000 }),
      async () => ({ requeueAfterMs: 5_000 }),
      well,
    ]);
    await clock.advance(500);

    queue.add('a');
    await clock.advance(10_000);

    assert.deepEqual(atMs, [0, 500, 5_500]);
  });
});
