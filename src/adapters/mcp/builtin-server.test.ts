import assert from 'node:assert/strict';
import { it } from 'node:test';
import { actionBench, expectationOf, INTENT, NEVER } from '../../../test/support/actions.ts';
import { createMcpActionRunner, type McpRunnerOptions } from './mcp-action-runner.ts';
import { EMPTY_LOCK } from './tools-lock.ts';

async function runnerBench(more: Partial<McpRunnerOptions> = {}) {
  const bench = actionBench();
  const runner = createMcpActionRunner({
    clock: bench.clock,
    version: '1.2.3',
    docker: { actions: bench.actions, version: '1.2.3' },
    servers: [],
    enabledTools: [],
    lock: EMPTY_LOCK,
    ...more,
  });
  await runner.connected();
  return { ...bench, runner };
}

it('acts through the built-in server, and tells what came of it', async () => {
  const calls: unknown[] = [];
  const { engine, clock, inspect, runner } = await runnerBench({
    onCall: (call) => calls.push(call),
  });
  await engine.add({ name: 'web' });
  const before = expectationOf(await inspect('web'));

  const result = await clock.run(
    runner.call(
      {
        tool: 'docker/restart_container',
        arguments: { timeoutSeconds: 3 },
        intentId: INTENT,
        expect: [before],
        timeoutMs: 60_000,
      },
      NEVER,
    ),
  );
  await runner[Symbol.asyncDispose]();

  assert.equal(result.outcome, 'Succeeded');
  assert.notEqual((await inspect('web')).startedAtMs, before.startedAtMs);
  assert.deepEqual(calls, [
    { server: 'docker', tool: 'restart_container', outcome: 'Succeeded', durationMs: 0 },
  ]);
});

it('a changed target comes back as NotExecuted with its reason, not as a failure', async () => {
  const { engine, clock, inspect, runner } = await runnerBench();
  await engine.add({ name: 'web' });
  const { id } = await inspect('web');

  const result = await clock.run(
    runner.call(
      {
        tool: 'docker/stop_container',
        arguments: {},
        intentId: INTENT,
        expect: [{ id, startedAtMs: 5, state: 'running' }],
        timeoutMs: 60_000,
      },
      NEVER,
    ),
  );
  await runner[Symbol.asyncDispose]();

  assert.equal(result.outcome === 'NotExecuted' && result.reason, 'TargetChanged');
  assert.deepEqual(engine.writes, []);
});

it('the four tools that can change what runs need the second key', async () => {
  const { runner } = await runnerBench({ enabledTools: ['docker/exec_command'] });

  const reasons = ['exec_command', 'update_env_vars', 'recreate_container', 'rollback_image'].map(
    (tool) => {
      const readiness = runner.readiness(`docker/${tool}`);
      return readiness.ready || readiness.reason;
    },
  );
  await runner[Symbol.asyncDispose]();

  assert.deepEqual(reasons, [true, 'ToolNotEnabled', 'ToolNotEnabled', 'ToolNotEnabled']);
});

it('tools that only Sentinel calls are unknown to policies', async () => {
  const { runner } = await runnerBench();

  const readiness = runner.readiness('docker/recover_intent');
  await runner[Symbol.asyncDispose]();

  assert.equal(readiness.ready === false && readiness.reason, 'ToolUnknown');
});

it('a 403 disables that tool alone, for ten minutes', async () => {
  const { engine, clock, inspect, runner } = await runnerBench();
  await engine.add({ name: 'web' });
  engine.faults.inject({ operation: 'restart', kind: 'Forbid', times: 1 });
  const call = async () =>
    runner.call(
      {
        tool: 'docker/restart_container',
        arguments: {},
        intentId: INTENT,
        expect: [expectationOf(await inspect('web'))],
        timeoutMs: 60_000,
      },
      NEVER,
    );

  const first = await clock.run(call());
  const second = await clock.run(call());
  const others = runner.readiness('docker/start_container');
  await clock.advance(600_000);
  const later = runner.readiness('docker/restart_container');
  await runner[Symbol.asyncDispose]();

  assert.equal(first.outcome === 'NotExecuted' && first.reason, 'ToolForbidden');
  assert.equal(second.outcome === 'NotExecuted' && second.reason, 'ToolForbidden');
  assert.deepEqual(others, { ready: true });
  assert.deepEqual(later, { ready: true });
});

it('reads by the id of the first container that is bound', async () => {
  const { engine, clock, inspect, runner } = await runnerBench();
  await engine.add({ name: 'web', env: { PASSWORD: 'hunter2' } });
  const expect = [expectationOf(await inspect('web'))] as const;

  const result = await clock.run(
    runner.call(
      { tool: 'docker/inspect_container', arguments: {}, intentId: '', expect, timeoutMs: 5_000 },
      NEVER,
    ),
  );
  await runner[Symbol.asyncDispose]();

  assert.equal(result.outcome === 'Succeeded' && result.result['name'], 'web');
  assert.doesNotMatch(JSON.stringify(result), /hunter2/);
  assert.match(JSON.stringify(result), /PASSWORD/);
});
