import assert from 'node:assert/strict';
import { it } from 'node:test';
import { actionBench, expectationOf, INTENT, NEVER } from '../../../test/support/actions.ts';
import { createMemoryActionRunner } from './memory-action-runner.ts';

it('calls the tools, and gives up when the time of the call is over', async () => {
  const { engine, actions, clock, inspect } = actionBench();
  await engine.add({ name: 'web' });
  const runner = createMemoryActionRunner({ actions, clock });
  const call = async (timeoutMs: number) => {
    const expect = [expectationOf(await inspect('web'))] as const;
    const tool = 'docker/restart_container';
    return clock.run(
      runner.call({ tool, arguments: {}, intentId: INTENT, expect, timeoutMs }, NEVER),
    );
  };

  const done = await call(5_000);
  engine.faults.inject({ operation: 'restart', kind: 'Hang' });
  const hung = await call(5_000);

  assert.equal(done.outcome, 'Succeeded');
  assert.deepEqual(hung, { outcome: 'OutcomeUnknown', message: 'no answer within 5000 ms' });
});

it('knows the second key, and nothing of other servers', () => {
  const { actions, clock } = actionBench();
  const runner = createMemoryActionRunner({ actions, clock, enabledTools: [] });

  const strong = runner.readiness('docker/exec_command');
  const foreign = runner.readiness('other/tool');

  assert.equal(strong.ready === false && strong.reason, 'ToolNotEnabled');
  assert.equal(foreign.ready === false && foreign.reason, 'ToolUnknown');
  assert.deepEqual(runner.readiness('docker/restart_container'), { ready: true });
});
