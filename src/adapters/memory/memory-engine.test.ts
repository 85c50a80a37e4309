import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RuntimeEvent } from '#core/workload/event.ts';
import { MemoryEngine } from './memory-engine.ts';
import { VirtualClock } from './virtual-clock.ts';

const NEVER = new AbortController().signal;
const CHECK = { intervalMs: 1_000, timeoutMs: 500, startPeriodMs: 5_000, retries: 3 };

function bench() {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const inspect = async (ref: string) =>
    (await engine.inspect(ref, NEVER)) ?? assert.fail(`no container ${ref}`);
  return { clock, engine, inspect };
}

async function listen(engine: MemoryEngine) {
  const events: RuntimeEvent[] = [];
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const ended = (async () => {
    for await (const event of engine.events({ onOpen: opened.resolve }, stop.signal))
      events.push(event);
  })();
  await opened.promise;
  return { events, stop: () => stop.abort(), ended };
}

describe('restart policies', () => {
  it('bring a crashed container back with a growing delay, and count', async () => {
    const { clock, engine, inspect } = bench();
    const policy = { name: 'always', maximumRetryCount: 0 } as const;
    await engine.add({
      name: 'web',
      restartPolicy: policy,
      plan: { exit: { afterMs: 10, code: 1 } },
    });

    await clock.advance(10);
    const { state } = await inspect('web');
    await clock.advance(100 + 10 + 200 + 5);

    assert.equal(state, 'restarting');
    assert.equal((await inspect('web')).engineRestartCount, 2);
  });

  it('leave alone what was stopped or killed by hand', async () => {
    const { clock, engine, inspect } = bench();
    const policy = { name: 'always', maximumRetryCount: 0 } as const;
    const stopped = await engine.add({ name: 'stopped', restartPolicy: policy });
    const killed = await engine.add({ name: 'killed', restartPolicy: policy });

    await engine.stop(stopped, undefined, NEVER);
    await engine.kill(killed, 'KILL', NEVER);
    await clock.advance(60_000);

    assert.equal((await inspect('stopped')).state, 'exited');
    assert.equal((await inspect('killed')).state, 'exited');
  });

  it('give up after the retries of on-failure, and ignore an exit with 0', async () => {
    const { clock, engine, inspect } = bench();
    const restartPolicy = { name: 'on-failure', maximumRetryCount: 2 } as const;
    await engine.add({ name: 'bad', restartPolicy, plan: { exit: { afterMs: 1, code: 1 } } });
    await engine.add({ name: 'done', restartPolicy, plan: { exit: { afterMs: 1, code: 0 } } });

    await clock.advance(60_000);

    const bad = await inspect('bad');
    assert.deepEqual([bad.state, bad.engineRestartCount], ['exited', 2]);
    assert.equal((await inspect('done')).engineRestartCount, 0);
  });
});

describe('health', () => {
  it('is starting, then what the probes find; the event comes once for each change', async () => {
    const { clock, engine, inspect } = bench();
    const { events, stop } = await listen(engine);
    await engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });

    const first = (await inspect('web')).health?.status;
    await clock.advance(7_999);
    const before = (await inspect('web')).health?.status;
    await clock.advance(60_000);
    stop();

    const { health, startedAtMs = 0 } = await inspect('web');
    assert.deepEqual([first, before, health?.status], ['starting', 'starting', 'unhealthy']);
    assert.equal(health?.failingStreak, 3);
    assert.ok((health?.lastRun?.endedAtMs ?? 0) > startedAtMs);
    assert.equal(events.filter(({ action }) => action === 'health_status').length, 1);
  });

  it('is unhealthy without a failure and without an event while paused', async () => {
    const { clock, engine, inspect } = bench();
    const id = await engine.add({ name: 'web', health: CHECK });
    await clock.advance(1_000);
    const { events, stop } = await listen(engine);

    await engine.pause(id, NEVER);
    const paused = (await inspect('web')).health;
    await engine.unpause(id, NEVER);
    const unpaused = (await inspect('web')).health?.status;
    await clock.advance(1_000);
    stop();

    assert.deepEqual([paused?.status, paused?.failingStreak], ['unhealthy', 0]);
    assert.equal(unpaused, 'unhealthy');
    assert.equal((await inspect('web')).health?.status, 'healthy');
    assert.deepEqual(
      events.map(({ action }) => action),
      ['pause', 'unpause', 'health_status'],
    );
  });
});

describe('what two containers cannot both have', () => {
  it('a name, a port and an address are held by one', async () => {
    const { engine } = bench();
    const front = { front: { address: '172.20.0.5' } };
    await engine.add({ name: 'a', ports: [80], networks: front });

    await assert.rejects(engine.add({ name: 'a' }), /already in use/);
    await assert.rejects(engine.add({ name: 'b', ports: [80] }), /port is already allocated/);
    await assert.rejects(engine.add({ name: 'c', networks: front }), /Address already in use/);
  });

  it('a container whose owner is gone stays exited when it is restarted, with the reason', async () => {
    const { engine, inspect } = bench();
    const owner = await engine.add({ name: 'vpn' });
    const app = await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });
    await engine.remove(owner, { force: true }, NEVER);

    await assert.rejects(engine.restart(app, undefined, NEVER), /No such container/);

    const { state, error } = await inspect('app');
    assert.equal(state, 'exited');
    assert.match(error, /No such container/);
  });

  it('one that shares a network with a restarted owner runs on without one', async () => {
    const { engine, inspect } = bench();
    const owner = await engine.add({ name: 'vpn' });
    await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });

    await engine.restart(owner, undefined, NEVER);

    assert.equal((await inspect('app')).state, 'running');
    assert.equal(engine.hasNetwork('app'), false);
  });
});

describe('events', () => {
  it('end with the daemon, and its past can be asked for from an instant, inclusively', async () => {
    const { clock, engine } = bench();
    const { events, ended } = await listen(engine);
    await engine.add({ name: 'web' });
    await clock.advance(0);
    const since = events.at(-1)?.timeNano ?? assert.fail('no event came');
    engine.breakEvents();
    await ended;

    const past = await engine.pastEvents(since, clock.wallMs() + 1, NEVER);

    assert.deepEqual(
      past.map(({ action }) => action),
      ['start'],
    );
  });

  it('never carry one instant twice', async () => {
    const { clock, engine } = bench();
    const { events, stop } = await listen(engine);
    for (let count = 0; count < 20; count += 1) await engine.add({ name: `c${count}` });
    await clock.advance(0);
    stop();

    assert.equal(new Set(events.map(({ timeNano }) => timeNano)).size, 40);
  });

  it('of an out-of-memory kill say so before the end', async () => {
    const { clock, engine, inspect } = bench();
    await engine.add({ name: 'web' });
    const { events, stop } = await listen(engine);

    engine.crash('web', 137, { oom: true });
    await clock.advance(0);
    stop();

    assert.deepEqual(
      events.map(({ action, exitCode }) => [action, exitCode]),
      [
        ['oom', undefined],
        ['die', 137],
      ],
    );
    assert.equal((await inspect('web')).oomKilled, true);
  });
});

describe('logs', () => {
  it('are followed until the container ends, and resumed after a line', async () => {
    const { clock, engine } = bench();
    const id = await engine.add({ name: 'web' });
    engine.writeLog('web', 'one');
    const seen: { text: string; timestamp: string }[] = [];
    const following = (async () => {
      for await (const line of engine.logs(id, { tty: false, follow: true }, NEVER))
        seen.push(line);
    })();
    await clock.advance(1);
    engine.writeLog('web', 'two');
    await clock.advance(1);
    engine.crash('web');
    await following;

    const rest: string[] = [];
    const after = seen[0]?.timestamp ?? '';
    for await (const { text } of engine.logs(id, { tty: false, follow: false, after }, NEVER)) {
      rest.push(text);
    }

    assert.deepEqual(
      seen.map(({ text }) => text),
      ['one', 'two'],
    );
    assert.deepEqual(rest, ['two']);
  });
});

describe('faults', () => {
  for (const [kind, code, acts] of [
    ['Fail', 'SENTINEL_RUNTIME_UNAVAILABLE', false],
    ['Refuse', 'SENTINEL_OPERATION_REFUSED', false],
    ['Forbid', 'SENTINEL_RUNTIME_FORBIDDEN', false],
    ['Gone', 'SENTINEL_CONTAINER_GONE', false],
    ['ActThenFail', 'SENTINEL_RUNTIME_UNAVAILABLE', true],
  ] as const) {
    it(`${kind} throws ${code}${acts ? ' after it took effect' : ''}, as often as told`, async () => {
      const { engine, inspect } = bench();
      const id = await engine.add({ name: 'web' });
      engine.faults.inject({ operation: 'stop', container: 'web', kind, times: 1 });

      await assert.rejects(engine.stop(id, undefined, NEVER), { code });

      assert.equal((await inspect('web')).state, acts ? 'exited' : 'running');
      await engine.stop(id, undefined, NEVER);
    });
  }

  it('Hang waits for the caller to give up, while the engine goes on with ActThenHang', async () => {
    const { clock, engine, inspect } = bench();
    const id = await engine.add({ name: 'web' });
    engine.faults.inject({ operation: 'stop', kind: 'ActThenHang' });
    const giveUp = new AbortController();
    clock.after(1_000, () => giveUp.abort());

    await assert.rejects(clock.run(engine.stop(id, undefined, giveUp.signal)), /no answer/);

    assert.equal((await inspect('web')).state, 'exited');
  });
});
