import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { slowDisk } from '../../test/support/journal.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const NEVER = new AbortController().signal;
const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};

/** Lets something happen while the first intent waits for its disk, 200 ms before its second look. */
async function whileItWaits(
  spec: object,
  cause: (operator: MemoryOperator, id: string) => void,
  happens: (operator: MemoryOperator, id: string) => void,
) {
  const clock = new VirtualClock();
  const operator = await MemoryOperator.open([aPolicy(spec)], { clock, storage: slowDisk(clock) });
  const id = await operator.engine.add({ name: 'web', health: CHECK });
  // A sharer of its network, which is down at first.
  await operator.engine.add(
    { name: 'client', shares: [{ kind: 'network', owner: id }] },
    { start: false },
  );
  await operator.pass(25_000);
  let isFirst = true;
  operator.journal.subscribe((records) => {
    if (!isFirst || !records.some(({ type }) => type === 'remediation.intended')) return;
    isFirst = false;
    queueMicrotask(() => happens(operator, id));
  });
  cause(operator, id);
  await operator.pass(1_500);
  const [attempt] = operator.incidents()[0]?.attempts ?? [];
  return { operator, attempt };
}

describe('the second look at an intent', () => {
  it('sees that the container was started anew, also where no event told of it', async () => {
    const { operator, attempt } = await whileItWaits(
      CRASH,
      ({ engine }, id) => engine.crash(id),
      ({ engine }, id) => {
        engine.loseEvents(() => true);
        void engine.start(id, NEVER);
      },
    );

    assert.equal(attempt?.reason, 'TargetChanged');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('sees that the action would touch another workload by now', async () => {
    const { operator, attempt } = await whileItWaits(
      {},
      ({ engine }, id) => engine.setHealth(id, 'unhealthy'),
      ({ engine }) => void engine.start('client', NEVER),
    );

    assert.deepEqual(
      attempt?.affects.map(({ workload }) => workload),
      ['box/web'],
    );
    assert.equal(attempt?.reason, 'AffectsChanged');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('is not followed by a call when Sentinel is stopping', async () => {
    let stopped: Promise<void> | undefined;
    const { operator, attempt } = await whileItWaits(
      {},
      ({ engine }, id) => engine.setHealth(id, 'unhealthy'),
      ({ controller }) => {
        stopped = controller.stop('test');
      },
    );

    assert.ok(stopped);
    assert.deepEqual([attempt?.outcome, attempt?.reason], ['NotExecuted', 'Stopping']);
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });
});
