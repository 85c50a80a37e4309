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

const RECREATE = aPolicy({
  remediation: {
    mode: 'Auto',
    allowed: [{ name: 'recreate', tool: 'docker/recreate_container', cooldown: '2h' }],
  },
});

/** A recreation whose container, old or new, cannot be started: each start has no answer. */
async function stuckRecreation() {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  await engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });
  engine.faults.inject({ operation: 'start', kind: 'Fail' });
  const startsAtMs: number[] = [];
  const start = engine.start.bind(engine);
  engine.start = (...args) => {
    startsAtMs.push(clock.bootMs());
    return start(...args);
  };
  const operator = await MemoryOperator.open([RECREATE], { clock, engine });
  const hangs = 'the recovery of a workload hangs; trying on';
  return {
    operator,
    startsAtMs,
    again: () => {
      const { storage } = operator;
      return MemoryOperator.open([RECREATE], { clock, engine, storage });
    },
    warnings: (of: MemoryOperator) => of.warnings.filter((words) => words.startsWith(hangs)),
  };
}

const HOUR_MS = 3_600_000;

describe('a recreation that cannot be taken back', () => {
  it('gets ever fewer calls, and people are told once while it is open', async () => {
    const { operator, startsAtMs, warnings } = await stuckRecreation();

    await operator.pass(2 * HOUR_MS);

    const restsMs = startsAtMs.map((atMs, index) => atMs - (startsAtMs[index - 1] ?? atMs));
    assert.deepEqual(
      restsMs.slice(4, 10).map((ms) => ms / 1_000),
      [10, 20, 40, 80, 160, 300],
    );
    assert.ok(startsAtMs.length < 40, `${startsAtMs.length} starts`);
    const [incident] = operator.incidents();
    assert.equal(incident?.attempts[0]?.outcome, undefined);
    assert.deepEqual(
      incident?.escalations.map(({ reason }) => reason),
      ['Blocked'],
    );
    assert.equal(
      incident.escalations[0]?.message,
      'recreate stopped half-way and could not be taken back yet: no answer from the engine; web is exited; it is tried again, at least every 5m',
    );
    assert.equal(warnings(operator).length, 1);
    await operator.stop();
  });

  it('is taken back as soon as the engine answers again', async () => {
    const { operator } = await stuckRecreation();
    await operator.pass(HOUR_MS);
    operator.engine.faults.clear();

    await operator.pass(310_000);

    const [attempt] = operator.incidents()[0]?.attempts ?? [];
    assert.equal(attempt?.outcome, 'OutcomeUnknown');
    assert.match(attempt.message ?? '', /; recovery Succeeded: the old container is back$/);
    const left = await operator.clock.run(operator.engine.list(NEVER));
    assert.deepEqual(
      left.map(({ name, state }) => [name, state]),
      [['web', 'running']],
    );
    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('is taken back after a kill too, and people are not told again', async () => {
    const { operator, again, warnings } = await stuckRecreation();
    await operator.pass(HOUR_MS);
    operator.kill();
    const second = await again();
    await second.pass(HOUR_MS);
    const told = second.incidents()[0]?.escalations.length;
    second.engine.faults.clear();

    await second.pass(310_000);

    assert.deepEqual([told, warnings(second).length], [1, 1]);
    assert.equal(second.incidents()[0]?.attempts[0]?.outcome, 'OutcomeUnknown');
    const left = await second.clock.run(second.engine.list(NEVER));
    assert.deepEqual(
      left.map(({ name, state }) => [name, state]),
      [['web', 'running']],
    );
    assert.deepEqual(second.calls, []);
    await second.stop();
  });

  it('tells people too where the engine does not even let itself be looked at', async () => {
    const { operator } = await stuckRecreation();
    for (let looks = 0; looks < 100 && operator.calls.length === 0; looks += 1) {
      await operator.pass(100);
    }
    operator.engine.faults.inject({ operation: 'inspect', kind: 'Hang' });

    await operator.pass(300_000);

    assert.deepEqual(
      operator.incidents()[0]?.escalations.map(({ reason }) => reason),
      ['Blocked'],
    );
    operator.engine.faults.clear();
    await operator.pass(60_000);
    assert.equal(operator.incidents()[0]?.attempts[0]?.outcome, 'OutcomeUnknown');
    await operator.stop();
  });

  for (const reason of ['ServerUnavailable', 'ToolForbidden']) {
    it(`is tried again where its tools are not ready: ${reason}`, async () => {
      const { operator } = await stuckRecreation();
      const recover = operator.actions.recover.bind(operator.actions);
      operator.actions.recover = () =>
        Promise.resolve({ outcome: 'NotExecuted', reason, message: 'not now' });
      await operator.pass(60_000);
      operator.engine.faults.clear();
      const [open] = operator.incidents()[0]?.attempts ?? [];
      assert.equal(open?.outcome, undefined);
      operator.actions.recover = recover;

      await operator.pass(60_000);

      const [attempt] = operator.incidents()[0]?.attempts ?? [];
      assert.match(attempt?.message ?? '', /recovery Succeeded/);
      await operator.stop();
    });
  }
});
