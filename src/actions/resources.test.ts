import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceLimits } from '#core/workload/container.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import { actionBench, INTENT } from '../../test/support/actions.ts';

const MiB = 2 ** 20;

describe('update_resources', () => {
  const cases: readonly [string, ResourceLimits, JsonObject, ResourceLimits][] = [
    [
      'sends memory and swap together, with the headroom that there was',
      { memoryBytes: 32 * MiB, memorySwapBytes: 64 * MiB },
      { memory: '128m' },
      { memoryBytes: 128 * MiB, memorySwapBytes: 160 * MiB },
    ],
    [
      'leaves unlimited swap unlimited',
      { memoryBytes: 32 * MiB, memorySwapBytes: -1 },
      { memory: 64 * MiB },
      { memoryBytes: 64 * MiB, memorySwapBytes: -1 },
    ],
    [
      'gives no swap where no limit stood',
      {},
      { memory: 64 * MiB },
      { memoryBytes: 64 * MiB, memorySwapBytes: 64 * MiB },
    ],
    [
      'leaves alone what it is not told',
      { memoryBytes: 32 * MiB, memorySwapBytes: 64 * MiB, nanoCpus: 5e8 },
      { cpus: 1.5, pids: 100 },
      { memoryBytes: 32 * MiB, memorySwapBytes: 64 * MiB, nanoCpus: 15e8, pids: 100 },
    ],
  ];
  for (const [name, before, args, after] of cases) {
    it(name, async () => {
      const { engine, call, inspect } = actionBench();
      await engine.add({ name: 'web', limits: before });

      const result = await call('update_resources', args, ['web']);

      assert.equal(result.outcome, 'Succeeded');
      assert.deepEqual((await inspect('web')).limits, after);
    });
  }

  for (const [, before, args] of cases.filter(([, { memoryBytes }]) => memoryBytes !== undefined)) {
    it(`undoes ${JSON.stringify(args)} on ${JSON.stringify(before)} by its own previous values`, async () => {
      const { engine, call, inspect } = actionBench();
      await engine.add({ name: 'web', limits: { nanoCpus: 5e8, ...before } });
      const done = await call('update_resources', args, ['web']);
      const previous = done.outcome === 'Succeeded' ? done.result['previous'] : undefined;

      const undone = await call('update_resources', previous as JsonObject, ['web']);

      assert.equal(undone.outcome, 'Succeeded');
      assert.deepEqual((await inspect('web')).limits, { nanoCpus: 5e8, ...before });
    });
  }

  it('says what the host has where there was no limit: Docker cannot take one away', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web' });

    const result = await call('update_resources', { cpus: 1, memory: '64m', pids: 9 }, ['web']);

    assert.deepEqual(result.outcome === 'Succeeded' && result.result['previous'], {
      cpus: 4,
      memory: 16 * 1024 * MiB,
      memorySwap: 32 * 1024 * MiB,
      pids: -1,
    });
  });
});

describe('exec_command', () => {
  it('runs the argv as it is, and gives exit code and output', async () => {
    const { engine, call } = actionBench();
    const seen: (readonly string[])[] = [];
    await engine.add({
      name: 'web',
      plan: {
        exec: (command) => {
          seen.push(command);
          return { exitCode: 0, output: 'reloaded\n', truncated: false };
        },
      },
    });

    const result = await call('exec_command', { command: ['nginx', '-s', '$(reload)'] }, ['web']);

    assert.deepEqual(seen, [['nginx', '-s', '$(reload)']]);
    assert.deepEqual(result, {
      outcome: 'Succeeded',
      result: { intentId: INTENT, exitCode: 0, output: 'reloaded\n', truncated: false },
    });
  });

  it('fails with the exit code and the end of the output', async () => {
    const { engine, call } = actionBench();
    await engine.add({
      name: 'web',
      plan: { exec: () => ({ exitCode: 3, output: 'no such file', truncated: false }) },
    });

    const result = await call('exec_command', { command: ['x'] }, ['web']);

    assert.deepEqual(result, { outcome: 'Failed', message: 'exit code 3: no such file' });
  });

  it('an argv without a program touches nothing', async () => {
    const { engine, call } = actionBench();
    await engine.add({ name: 'web' });

    const empty = await call('exec_command', { command: [] }, ['web']);
    const nameless = await call('exec_command', { command: ['', 'x'] }, ['web']);

    for (const result of [empty, nameless]) {
      assert.equal(result.outcome === 'NotExecuted' && result.reason, 'ArgumentsInvalid');
    }
    assert.deepEqual(engine.writes, []);
  });
});
