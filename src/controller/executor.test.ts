import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const NEVER = new AbortController().signal;

/** Something happens right after the intent was recorded, before its second look. */
async function between(happens: (operator: MemoryOperator, id: string) => void) {
  const operator = await MemoryOperator.open([aPolicy()]);
  const id = await operator.engine.add({
    name: 'web',
    health: CHECK,
    plan: { health: 'unhealthy' },
  });
  let isFirst = true;
  operator.journal.subscribe((records) => {
    if (!isFirst || !records.some(({ type }) => type === 'remediation.intended')) return;
    isFirst = false;
    queueMicrotask(() => happens(operator, id));
  });
  await operator.pass(30_000);
  const [incident] = operator.incidents();
  return { operator, attempt: incident?.attempts[0] };
}

describe('the second look', () => {
  it('sees a policy that was switched off meanwhile', async () => {
    const { operator, attempt } = await between(({ policies }) => {
      policies.set([
        aPolicy({
          remediation: {
            mode: 'Off',
            allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
          },
        }),
      ]);
    });

    assert.equal(attempt?.outcome, 'NotExecuted');
    assert.equal(attempt?.reason, 'ModeOff');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('sees a policy that was removed meanwhile', async () => {
    const { operator, attempt } = await between(({ policies }) => void policies.set([]));

    assert.equal(attempt?.outcome, 'NotExecuted');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('sees a pause that was set meanwhile', async () => {
    const { operator, attempt } = await between(({ journal }) => {
      const data = { scope: 'all', name: '', reason: 'x' };
      journal.append([{ type: 'pause.set', data }], { durable: false });
    });

    assert.equal(attempt?.reason, 'SentinelPaused');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('sees that the container recovered meanwhile', async () => {
    const { operator, attempt } = await between(({ engine }, id) =>
      engine.setHealth(id, 'healthy'),
    );

    assert.equal(attempt?.outcome, 'NotExecuted');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('sees that a person stopped the container meanwhile, also where no event has come yet', async () => {
    const { operator, attempt } = await between(({ engine }, id) => void engine.stop(id, 0, NEVER));

    assert.equal(attempt?.outcome, 'NotExecuted');
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('costs nothing when it says no: limits and cooldowns are as before', async () => {
    const { operator } = await between(({ engine }, id) => engine.setHealth(id, 'healthy'));

    const { ledger, hostLedger } = operator.journal.state();
    assert.deepEqual({ ledger, hostLedger }, { ledger: {}, hostLedger: [] });
    await operator.stop();
  });
});

describe('a call', () => {
  it('that hangs ends with an unknown outcome, and is not made again', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    operator.engine.faults.inject({ operation: 'restart', kind: 'Hang' });
    await operator.engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });

    await operator.pass(100_000);

    assert.equal(operator.calls.length, 1);
    assert.equal(operator.incidents()[0]?.attempts[0]?.outcome, 'OutcomeUnknown');
    await operator.stop();
  });

  it('that took effect before its answer was lost is not made again', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    operator.engine.faults.inject({ operation: 'restart', kind: 'ActThenFail', times: 1 });
    await operator.engine.add({
      name: 'web',
      health: CHECK,
      plan: ({ run }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
    });

    await operator.pass(120_000);

    assert.equal(operator.calls.length, 1);
    assert.notEqual(operator.incidents()[0]?.resolution, undefined);
    await operator.stop();
  });
});

describe('a crash', () => {
  it('between the intent and the call leaves an intent that is ended, not repeated', async () => {
    const first = await MemoryOperator.open([aPolicy()]);
    const { clock, engine, storage, journal } = first;
    journal.onDurable(() => {
      if (first.types().includes('remediation.intended')) first.kill();
    });
    await engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });
    await first.pass(30_000);
    assert.deepEqual(first.calls, []);

    const second = await MemoryOperator.open([aPolicy()], { clock, engine, storage });
    await second.pass(100);

    const [incident] = second.incidents();
    assert.equal(incident?.attempts[0]?.outcome, 'NotExecuted');
    await second.stop();
  });

  it('in the middle of a call is not ended by what happened before its intent', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const quick = { ...CHECK, intervalMs: 200 };
    const plan = ({ run }: { run: number }) =>
      ({ health: run === 1 ? 'unhealthy' : 'healthy' }) as const;
    await engine.add({ name: 'web', health: quick, plan });
    engine.faults.inject({ operation: 'restart', kind: 'Hang', times: 1 });
    const first = await MemoryOperator.open([aPolicy()], { clock, engine });
    await first.pass(1_000);
    assert.equal(first.calls.length, 1);
    first.kill();

    const { storage } = first;
    const second = await MemoryOperator.open([aPolicy()], { clock, engine, storage });
    await second.pass(1_000);

    const [attempt] = second.incidents()[0]?.attempts ?? [];
    assert.equal(attempt?.outcome, 'NotExecuted', attempt?.message);
    const replayed = second.records.filter(({ type }) => type === 'workload.observed');
    assert.deepEqual(
      replayed.map(({ data }) => 'intent' in data),
      [false, false],
    );
    await second.pass(100_000);
    assert.deepEqual(
      second.incidents().map(({ resolution, escalations }) => [resolution, escalations]),
      [['Remediated', []]],
    );
    await second.stop();
  });

  it('after the call took effect leaves an intent that is found to have succeeded', async () => {
    const first = await MemoryOperator.open([aPolicy()]);
    const { clock, engine, storage } = first;
    void (async () => {
      for await (const { action } of engine.events({ onOpen: () => undefined }, NEVER)) {
        if (action === 'restart') first.kill();
      }
    })();
    await engine.add({
      name: 'web',
      health: CHECK,
      plan: ({ run }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
    });
    await first.pass(30_000);
    assert.equal(first.calls.length, 1);

    const second = await MemoryOperator.open([aPolicy()], { clock, engine, storage });
    await second.pass(60_000);

    const [incident] = second.incidents();
    assert.equal(incident?.attempts[0]?.outcome, 'Succeeded');
    assert.equal(incident?.resolution, 'Remediated');
    assert.deepEqual(second.calls, []);
    await second.stop();
  });
});
