import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { JsonObject } from '#ports/action-runner.ts';
import { actionBench, NEVER } from '../../test/support/actions.ts';

function reading() {
  const bench = actionBench();
  const read = async (tool: string, target: string, args: JsonObject = {}) => {
    const bound = { intentId: '', expect: [], target };
    return bench.clock.run(bench.actions.call(tool, args, bound, NEVER));
  };
  return { ...bench, read };
}

it('lists every container with its state and health', async () => {
  const { engine, read } = reading();
  await engine.add({ name: 'web' });
  await engine.add({ name: 'off' }, { start: false });

  const result = await read('list_containers', '');

  const containers = result.outcome === 'Succeeded' ? result.result['containers'] : [];
  assert.deepEqual(
    (containers as readonly JsonObject[]).map(({ name, state }) => [name, state]),
    [
      ['web', 'running'],
      ['off', 'created'],
    ],
  );
});

it('inspect gives what an acting call must expect, and no label, value or secret', async () => {
  const { engine, read, inspect } = reading();
  await engine.add({ name: 'web', env: { TOKEN: 'hunter2' }, labels: { secret: 'hunter3' } });

  const result = await read('inspect_container', 'web');

  const { id, startedAtMs } = await inspect('web');
  assert.deepEqual(result.outcome === 'Succeeded' && result.result['expect'], {
    id,
    state: 'running',
    startedAtMs,
  });
  assert.doesNotMatch(JSON.stringify(result), /hunter/);
});

it('health_check tells the check and its last run', async () => {
  const { engine, read, clock } = reading();
  const health = { intervalMs: 1_000, timeoutMs: 500, startPeriodMs: 0, retries: 2 };
  await engine.add({ name: 'web', health, plan: { health: 'unhealthy' } });
  await clock.advance(2_000);

  const result = await read('health_check', 'web');

  const said = result.outcome === 'Succeeded' ? (result.result['health'] as JsonObject) : {};
  assert.equal(said['status'], 'unhealthy');
  assert.equal(said['failingStreak'], 2);
  assert.equal((said['lastRun'] as JsonObject)['exitCode'], 1);
});

it('get_logs gives the newest lines, oldest first', async () => {
  const { engine, read } = reading();
  await engine.add({ name: 'web' });
  for (const text of ['one', 'two', 'three']) engine.writeLog('web', text);

  const result = await read('get_logs', 'web', { tail: 2 });

  const lines = result.outcome === 'Succeeded' ? (result.result['lines'] as JsonObject[]) : [];
  assert.deepEqual(
    lines.map(({ text }) => text),
    ['two', 'three'],
  );
});

it('get_logs keeps the newest of what is too much', async () => {
  const { engine, read } = reading();
  await engine.add({ name: 'web' });
  for (let line = 0; line < 30; line += 1) engine.writeLog('web', `${line} ${'x'.repeat(16_000)}`);

  const result = await read('get_logs', 'web');

  const lines = result.outcome === 'Succeeded' ? (result.result['lines'] as JsonObject[]) : [];
  assert.equal(lines.length, 16);
  assert.match(JSON.stringify(lines.at(-1)), /"29 x/);
  assert.equal(result.outcome === 'Succeeded' && result.result['truncated'], true);
});

it('a log driver that cannot be read is a failure, a missing container is not found', async () => {
  const { engine, read } = reading();
  await engine.add({ name: 'mute', logDriver: 'none' });

  const mute = await read('get_logs', 'mute');
  const missing = await read('get_logs', 'nobody');

  assert.equal(mute.outcome, 'Failed');
  assert.equal(missing.outcome === 'NotExecuted' && missing.reason, 'TargetGone');
});

it('a stopped container has no sample, rather than one of zeroes', async () => {
  const { engine, read } = reading();
  await engine.add(
    { name: 'off', plan: { usage: () => ({ pids: { current: 0 } }) } },
    { start: false },
  );

  const result = await read('get_stats', 'off');

  assert.equal(result.outcome === 'Succeeded' && result.result['sample'], null);
});
