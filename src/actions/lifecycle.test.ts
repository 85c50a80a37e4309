import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actionBench, expectationOf, INTENT, NEVER } from '../../test/support/actions.ts';
import { createBuiltinActions } from './builtin-actions.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 500, startPeriodMs: 0, retries: 3 };

describe('restart_container', () => {
  it('restarts in one call, and the new run is in the result', async () => {
    const { engine, call, inspect } = actionBench();
    await engine.add({ name: 'web' });

    const result = await call('restart_container', { timeoutSeconds: 3 }, ['web']);

    const { startedAtMs = 0 } = await inspect('web');
    assert.deepEqual(result, {
      outcome: 'Succeeded',
      result: { intentId: INTENT, state: 'running', startedAtMs, sharersRestarted: [] },
    });
    assert.deepEqual(
      engine.writes.map(({ operation }) => operation),
      ['restart'],
    );
  });

  it('keeps a container with AutoRemove, which a stop and a start would delete', async () => {
    const { engine, call, inspect } = actionBench();
    await engine.add({ name: 'web', autoRemove: true });

    const result = await call('restart_container', {}, ['web']);

    assert.equal(result.outcome, 'Succeeded');
    assert.equal((await inspect('web')).state, 'running');
  });

  it('touches nothing when the container was restarted since the gate', async () => {
    const { engine, actions, clock, inspect } = actionBench();
    const id = await engine.add({ name: 'web' });
    const expect = [expectationOf(await inspect('web'))];
    await engine.restart(id, undefined, NEVER);

    const result = await clock.run(
      actions.call('restart_container', {}, { intentId: INTENT, expect }, NEVER),
    );

    assert.equal(result.outcome === 'NotExecuted' && result.reason, 'TargetChanged');
    assert.equal(engine.writes.length, 1);
  });

  it('touches nothing when the container is gone', async () => {
    const { actions, clock } = actionBench();
    const expect = [{ id: 'f'.repeat(64), state: 'running' as const }];

    const result = await clock.run(
      actions.call('restart_container', {}, { intentId: INTENT, expect }, NEVER),
    );

    assert.equal(result.outcome === 'NotExecuted' && result.reason, 'TargetGone');
  });

  it('gives Docker’s own words when the container does not start again', async () => {
    const { engine, call, inspect } = actionBench();
    await engine.add({
      name: 'web',
      plan: ({ run }) => (run === 1 ? {} : { startError: 'exec: "web": not found' }),
    });

    const result = await call('restart_container', {}, ['web']);

    assert.deepEqual(result, { outcome: 'Failed', message: 'web: exec: "web": not found' });
    assert.equal((await inspect('web')).state, 'exited');
  });

  it('says that it does not know when the answer is lost, and does not try again', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web' });
    engine.faults.inject({ operation: 'restart', kind: 'ActThenFail' });

    const result = await call('restart_container', {}, ['web']);

    assert.equal(result.outcome, 'OutcomeUnknown');
    assert.match(result.outcome === 'OutcomeUnknown' ? result.message : '', /in another run/);
    assert.equal(engine.writes.length, 1);
  });

  it('gives up on a hung engine after the grace and a margin', async () => {
    const { engine, call, clock } = actionBench();
    await engine.add({ name: 'web' });
    engine.faults.inject({ operation: 'restart', kind: 'Hang' });
    const beganMs = clock.bootMs();

    const result = await call('restart_container', { timeoutSeconds: 7 }, ['web']);

    assert.equal(result.outcome, 'OutcomeUnknown');
    assert.equal(clock.bootMs() - beganMs, 37_000);
  });

  it('is certain that nothing happened when a proxy forbids the call', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web' });
    engine.faults.inject({ operation: 'restart', kind: 'Forbid', message: 'no POST' });

    const result = await call('restart_container', {}, ['web']);

    assert.deepEqual(result, {
      outcome: 'NotExecuted',
      reason: 'ToolForbidden',
      message: 'no POST',
      forbidden: true,
    });
  });

  it('never wakes a paused container, and never restarts a Swarm task', async () => {
    const { engine, call } = actionBench();
    const paused = await engine.add({ name: 'paused' });
    await engine.pause(paused, NEVER);
    await engine.add({ name: 'task', labels: { 'com.docker.swarm.task.id': 't1' } });

    const results = [
      await call('restart_container', {}, ['paused']),
      await call('restart_container', {}, ['task']),
    ];

    for (const result of results) {
      assert.equal(result.outcome === 'NotExecuted' && result.reason, 'Unsupported');
    }
  });
});

describe('those who share the namespace of a restarted container', () => {
  it('follow once it is healthy, and have a network again', async () => {
    const { engine, call, record } = actionBench();
    const owner = await engine.add({ name: 'vpn', health: CHECK });
    await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });
    const events = record();

    const result = await call('restart_container', {}, ['vpn', 'app']);
    events.stop();

    assert.equal(result.outcome, 'Succeeded');
    assert.equal(engine.hasNetwork('app'), true);
    const healthyAt = events.seen.indexOf('vpn:health_status');
    assert.ok(healthyAt >= 0 && healthyAt < events.seen.indexOf('app:kill'));
  });

  it('stay as they are when the owner does not come back', async () => {
    const { engine, call, inspect } = actionBench();
    const owner = await engine.add({
      name: 'vpn',
      plan: ({ run }) => (run === 1 ? {} : { exit: { afterMs: 100, code: 3 } }),
    });
    await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });

    const result = await call('restart_container', {}, ['vpn', 'app']);

    assert.match(result.outcome === 'Failed' ? result.message : '', /exit code 3.*left alone/);
    assert.equal((await inspect('app')).state, 'running');
  });

  it('are left alone when a person stopped one while the owner came up', async () => {
    const { engine, actions, clock, inspect } = actionBench();
    const owner = await engine.add({ name: 'vpn', health: CHECK });
    const app = await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });
    const expect = [expectationOf(await inspect('vpn')), expectationOf(await inspect('app'))];
    clock.after(200, () => void engine.stop(app, undefined, NEVER));

    const result = await clock.run(
      actions.call('restart_container', {}, { intentId: INTENT, expect }, NEVER),
    );

    assert.match(result.outcome === 'Failed' ? result.message : '', /app is now exited/);
    assert.equal((await inspect('app')).state, 'exited');
  });

  it('die with the owner of a pid namespace, and are started again', async () => {
    const { engine, call, inspect } = actionBench();
    const owner = await engine.add({ name: 'main' });
    await engine.add({ name: 'side', shares: [{ kind: 'pid', owner }] });

    const result = await call('restart_container', {}, ['main', 'side']);

    assert.equal(result.outcome, 'Succeeded');
    assert.equal((await inspect('side')).state, 'running');
  });
});

describe('the other tools of the life cycle', () => {
  it('stop, start, pause and unpause do what they say', async () => {
    const { engine, call, inspect } = actionBench();
    await engine.add({ name: 'web' });
    const states: string[] = [];

    for (const tool of [
      'pause_container',
      'unpause_container',
      'stop_container',
      'start_container',
    ]) {
      const { outcome } = await call(tool, {}, ['web']);
      states.push(`${outcome}:${(await inspect('web')).state}`);
    }

    assert.deepEqual(states, [
      'Succeeded:paused',
      'Succeeded:running',
      'Succeeded:exited',
      'Succeeded:running',
    ]);
  });

  it('what is so already counts as success', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'off' }, { start: false });

    assert.equal((await call('stop_container', {}, ['off'])).outcome, 'Succeeded');
  });

  it('stop and kill refuse a container that they would delete', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web', autoRemove: true });

    for (const tool of ['stop_container', 'kill_container']) {
      const result = await call(tool, {}, ['web']);
      assert.equal(result.outcome === 'NotExecuted' && result.reason, 'Unsupported', tool);
    }
    assert.deepEqual(engine.writes, []);
  });

  it('kill sends SIGKILL unless told otherwise, and leaves sharers of a living process alone', async () => {
    const { engine, call, inspect } = actionBench();
    const owner = await engine.add({ name: 'vpn' });
    await engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });

    const hup = await call('kill_container', { signal: 'SIGHUP' }, ['vpn', 'app']);
    const alive = (await inspect('vpn')).state;
    const kill = await call('kill_container', {}, ['vpn', 'app']);

    assert.equal(hup.outcome, 'Succeeded');
    assert.equal(alive, 'running');
    assert.equal(kill.outcome, 'Succeeded');
    assert.equal((await inspect('vpn')).exitCode, 137);
    assert.equal(engine.writes.filter(({ operation }) => operation === 'restart').length, 0);
  });

  it('a refusal of the engine is a failure with its words', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'off' }, { start: false });

    const result = await call('pause_container', {}, ['off']);

    assert.match(result.outcome === 'Failed' ? result.message : '', /is not running/);
  });

  it('an unknown tool and wrong arguments touch nothing', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web' });

    const unknown = await call('format_disk', {}, ['web']);
    const wrong = await call('restart_container', { timeoutSeconds: 'soon' }, ['web']);

    assert.equal(unknown.outcome === 'NotExecuted' && unknown.reason, 'ToolUnknown');
    assert.equal(wrong.outcome === 'NotExecuted' && wrong.reason, 'ArgumentsInvalid');
  });

  it('a cancelled call says so, and the engine is not called again', async () => {
    const { engine, clock, inspect } = actionBench();
    await engine.add({ name: 'web', plan: { ignoresTerm: true } });
    const actions = createBuiltinActions({ runtime: engine, operations: engine, clock });
    const expect = [expectationOf(await inspect('web'))];
    const cancel = new AbortController();
    clock.after(500, () => cancel.abort());

    const result = await clock.run(
      actions.call('restart_container', {}, { intentId: INTENT, expect }, cancel.signal),
    );

    assert.equal(result.outcome, 'OutcomeUnknown');
    assert.equal(engine.writes.length, 1);
  });
});
