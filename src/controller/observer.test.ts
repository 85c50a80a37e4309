import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { LABEL } from '#core/workload/container.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const NEVER = new AbortController().signal;
const CRASH = {
  selector: { names: ['web'] },
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};
const EXITED = {
  thresholds: [
    { name: 'down', signal: 'state', equals: 'exited', for: '30s', severity: 'critical' },
  ],
};

async function running(spec: object) {
  const operator = await MemoryOperator.open([aPolicy(spec)]);
  const id = await operator.engine.add({ name: 'web' });
  await operator.pass(25_000);
  return { operator, id };
}

describe('the observer', () => {
  it('hears an event that the daemon told after a later one, when it connects anew', async () => {
    const { operator, id } = await running(CRASH);
    const { engine } = operator;
    const other = await engine.add({ name: 'other' });
    engine.loseEvents(({ containerId }) => containerId === id);
    engine.crash(id);
    await operator.clock.run(engine.pause(other, NEVER));
    engine.loseEvents(() => false);
    engine.breakEvents();

    await operator.pass(60_000);

    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('knows a person’s stop also where the exit overtook the signal', async () => {
    const { operator, id } = await running(EXITED);
    const { engine } = operator;
    const events = engine.events.bind(engine);
    engine.events = async function* (...args) {
      let heldBack: RuntimeEvent | undefined;
      for await (const event of events(...args)) {
        if (event.action === 'kill') heldBack = event;
        else yield event;
        if (event.action === 'die' && heldBack !== undefined) yield heldBack;
      }
    };
    engine.breakEvents();
    await operator.pass(1_000);

    await engine.kill(id, 'KILL', NEVER);
    await operator.pass(1_000);
    // Long after, when the engine has forgotten it.
    engine.pastEvents = async () => [];
    await operator.pass(120_000);

    assert.deepEqual(operator.calls, []);
    assert.equal(operator.journal.state().workloads['box/web']?.hold?.kind, 'stop');
    await operator.stop();
  });

  it('takes the end of a deployment for one though a later event overtook it', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const { engine } = operator;
    const labels = {
      [LABEL.composeProject]: 'shop',
      [LABEL.composeService]: 'web',
      [LABEL.composeNumber]: '1',
    };
    const old = await engine.add({ name: 'web', labels });
    const events = engine.events.bind(engine);
    engine.events = async function* (...args) {
      let heldBack: RuntimeEvent | undefined;
      for await (const event of events(...args)) {
        if (event.action === 'destroy') heldBack = event;
        else yield event;
        if (heldBack !== undefined && heldBack !== event) {
          yield heldBack;
          heldBack = undefined;
        }
      }
    };
    engine.breakEvents();
    await operator.pass(25_000);
    await engine.rename(old, `${old.slice(0, 12)}_web`, NEVER);
    const made = await engine.add({ name: 'web', labels });
    await operator.pass(60_000);

    await engine.remove(old, { force: true }, NEVER);
    engine.crash(made);
    await operator.pass(15_000);
    const amid = operator.calls.length;
    await operator.pass(60_000);

    assert.deepEqual([amid, operator.calls.length], [0, 1]);
    await operator.stop();
  });

  it('does not claim to hear when the stream broke while it asked for the past', async () => {
    const { operator, id } = await running(EXITED);
    const { engine, clock } = operator;
    // The last question of all: to one after it there would be no answer any more.
    const eventsKeptSince = engine.eventsKeptSince.bind(engine);
    engine.eventsKeptSince = async (...args) => {
      const since = await eventsKeptSince(...args);
      await clock.sleep(1_000);
      return since;
    };
    engine.crash(id);
    engine.breakEvents();
    await operator.pass(500);
    engine.breakEvents();
    engine.faults.inject({ operation: 'info', kind: 'Fail' });

    await operator.pass(60_000);

    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('does not bring back what was removed while it was looked at', async () => {
    const { operator, id } = await running(CRASH);
    const { engine, clock } = operator;
    const inspect = engine.inspect.bind(engine);
    const delaysMs = [1_000];
    engine.inspect = async (...args) => {
      const answer = await inspect(...args);
      await clock.sleep(delaysMs.shift() ?? 10_000);
      return answer;
    };
    operator.controller.enqueue('box/web');
    await operator.pass(500);

    await clock.run(engine.remove(id, { force: true }, NEVER));
    await operator.pass(1_000);

    assert.equal(operator.controller.fleet.container(id), undefined);
    await operator.stop();
  });

  it('asks for what a list does not have, so that its absence is told at that resync', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add({ name: 'web' });
    const expecting = aPolicy({
      expected: [{ name: 'web' }],
      thresholds: [{ name: 'gone', signal: 'absent', severity: 'critical' }],
    });
    const operator = await MemoryOperator.open([expecting], { clock, engine });
    engine.loseEvents(() => true);
    // Nor does the engine remember them.
    engine.pastEvents = async () => [];
    await clock.run(engine.remove(id, { force: true }, NEVER));

    // One resync, and not yet a second one.
    await operator.pass(340_000);

    assert.deepEqual(
      operator.incidents().map(({ threshold }) => threshold),
      ['gone'],
    );
    await operator.stop();
  });

  it('hears at a resync what a silent stream has not told, and opens another one', async () => {
    const { operator, id } = await running(CRASH);
    const { engine } = operator;
    const open = engine.events.bind(engine);
    let opened = 0;
    engine.events = (...args) => {
      opened += 1;
      return open(...args);
    };
    engine.loseEvents(() => true);
    engine.crash(id);
    await operator.pass(1_000);
    assert.deepEqual(operator.calls, []);

    // One resync, and not yet a second one.
    await operator.pass(340_000);

    assert.equal(operator.calls.length, 1);
    assert.deepEqual(
      operator.incidents().map(({ resolution }) => resolution),
      ['Remediated'],
    );
    assert.equal(opened, 1);
    await operator.stop();
  });

  it('knows a restart of the engine also where nobody saw it away, and lets all settle', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const { engine, controller } = operator;
    const always = { name: 'always', maximumRetryCount: 0 } as const;
    await engine.add({ name: 'web', restartPolicy: always });
    await operator.pass(25_000);
    engine.restartDaemon();
    await operator.pass(1_000);

    const { settlingUntilMs = 0, nowMs } = controller.worlds().build();

    assert.ok(settlingUntilMs > nowMs + 50_000);
    const starts = operator.journal.state().workloads['box/web']?.starts ?? [];
    assert.deepEqual(
      starts.map(({ cause }) => cause),
      ['Human', 'Engine'],
    );
    await operator.stop();
  });

  it('takes no cut for a restart of the engine, whatever has ended meanwhile', async () => {
    const { operator, id } = await running(CRASH);
    const { engine } = operator;
    engine.crash(id);
    engine.breakEvents();

    await operator.pass(20_000);

    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('notes nothing that it finds while events may still tell who caused it', async () => {
    const { operator, id } = await running(CRASH);
    const { engine } = operator;
    engine.faults.inject({ operation: 'info', kind: 'Fail' });
    engine.breakEvents();
    await operator.pass(1);
    engine.crash(id);

    // Long enough for a resync.
    await operator.pass(340_000);
    const deaf = operator.incidents().flatMap(({ escalations }) => escalations);
    engine.faults.clear();
    await operator.pass(120_000);

    assert.deepEqual(deaf, []);
    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('asks for what happened between two runs, also where the first had heard nothing', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add({ name: 'web' });
    await clock.advance(25_000);
    const first = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine });
    await first.stop();
    const heard = first.types().filter((type) => type === 'workload.observed');
    await clock.advance(5_000);
    engine.crash(id);

    const { storage } = first;
    const second = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine, storage });
    await second.pass(60_000);

    assert.deepEqual(heard, []);
    assert.equal(second.calls.length, 1);
    await second.stop();
  });
});
