import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerSpec } from '#adapters/memory/memory-container.ts';
import {
  type ActionBench,
  actionBench,
  expectationOf,
  INTENT,
  NEVER,
} from '../../test/support/actions.ts';
import { createBuiltinActions } from './builtin-actions.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 500, startPeriodMs: 0, retries: 3 };
const WEB: ContainerSpec = {
  name: 'web',
  image: 'web:1',
  env: { MODE: 'old', KEEP: 'yes' },
  labels: { team: 'shop' },
  networks: { front: { aliases: ['www'], address: '172.20.0.5' } },
  ports: [8080],
  mounts: ['data:/data'],
  limits: { memoryBytes: 64 * 2 ** 20 },
  restartPolicy: { name: 'always', maximumRetryCount: 0 },
  health: CHECK,
};

async function names(bench: ActionBench): Promise<string[]> {
  const all = await bench.engine.list(NEVER);
  return all.map(({ name, state }) => `${name} ${state}`).toSorted();
}

describe('recreate_container', () => {
  it('makes the same container anew, and sets the old one aside until it is settled', async () => {
    const bench = actionBench();
    const old = await bench.engine.add(WEB);

    const result = await bench.call('recreate_container', {}, ['web']);
    const between = await names(bench);
    const { id, health, restartPolicy } = await bench.inspect('web');
    const aside = await bench.inspect(`web.sentinel-${INTENT}-old`);
    const settled = await bench.clock.run(bench.actions.settle(INTENT, NEVER));

    assert.equal(result.outcome, 'Succeeded');
    assert.deepEqual(between, ['web running', `web.sentinel-${INTENT}-old exited`]);
    assert.notEqual(id, old);
    assert.equal(health?.status, 'healthy');
    assert.equal(restartPolicy.name, 'always');
    assert.equal(aside.restartPolicy.name, 'no');
    assert.equal(settled.outcome, 'Succeeded');
    assert.deepEqual(await names(bench), ['web running']);
    const { labels, ...kept } = bench.engine.specOf('web');
    const { labels: _, ...given } = WEB;
    assert.deepEqual(kept, { ...given, shares: [] });
    assert.equal(labels?.['team'], 'shop');
  });

  it('costs no downtime when Docker refuses the new container', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    const before = await bench.inspect('web');
    bench.engine.faults.inject({
      operation: 'createFrom',
      kind: 'Refuse',
      message: 'no such volume',
    });

    const result = await bench.call('recreate_container', {}, ['web']);

    assert.match(result.outcome === 'Failed' ? result.message : '', /no such volume/);
    assert.deepEqual(await bench.inspect('web'), before);
  });

  it('returns to the old container when the new one does not get healthy', async () => {
    const bench = actionBench();
    const old = await bench.engine.add({
      ...WEB,
      plan: ({ env, name }) =>
        env['MODE'] === 'new' || name.includes('x') ? { health: 'unhealthy' } : {},
    });

    const result = await bench.call('update_env_vars', { set: { MODE: 'new' } }, ['web']);

    assert.match(
      result.outcome === 'Failed' ? result.message : '',
      /unhealthy.*old container is back/,
    );
    assert.deepEqual(await names(bench), ['web running']);
    const { id, restartPolicy } = await bench.inspect('web');
    assert.equal(id, old);
    assert.equal(restartPolicy.name, 'always');
  });

  it('returns to the old container when the new one does not start', async () => {
    const bench = actionBench();
    const old = await bench.engine.add({
      ...WEB,
      plan: ({ env }) => (env['MODE'] === 'new' ? { startError: 'bad mount' } : {}),
    });

    const result = await bench.call('update_env_vars', { set: { MODE: 'new' } }, ['web']);

    assert.match(result.outcome === 'Failed' ? result.message : '', /bad mount/);
    assert.equal((await bench.inspect('web')).id, old);
    assert.equal((await bench.inspect('web')).state, 'running');
  });

  it('recreates those who share its namespace after it, with the new owner', async () => {
    const bench = actionBench();
    const owner = await bench.engine.add({ ...WEB, name: 'vpn' });
    await bench.engine.add({ name: 'app', shares: [{ kind: 'network', owner }] });

    const result = await bench.call('recreate_container', {}, ['vpn', 'app']);

    assert.equal(result.outcome, 'Succeeded');
    const vpn = await bench.inspect('vpn');
    const app = await bench.inspect('app');
    assert.deepEqual(app.shares, [{ kind: 'network', owner: vpn.id }]);
    assert.equal(bench.engine.hasNetwork('app'), true);
  });

  it('refuses what it would lose: AutoRemove, Swarm tasks, and a second run under one intent', async () => {
    const bench = actionBench();
    await bench.engine.add({ name: 'once', autoRemove: true });
    await bench.engine.add({ name: 'task', labels: { 'com.docker.swarm.task.id': 't' } });
    await bench.engine.add(WEB);
    await bench.call('recreate_container', {}, ['web']);

    const reasons = [];
    for (const ref of ['once', 'task', 'web']) {
      const result = await bench.call('recreate_container', {}, [ref]);
      reasons.push(result.outcome === 'NotExecuted' && result.reason);
    }

    assert.deepEqual(reasons, ['Unsupported', 'Unsupported', 'IntentPending']);
  });

  it('is certain that nothing was touched when creation is forbidden', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    bench.engine.faults.inject({ operation: 'createFrom', kind: 'Forbid' });

    const result = await bench.call('recreate_container', {}, ['web']);

    assert.equal(result.outcome === 'NotExecuted' && result.reason, 'ToolForbidden');
    assert.equal(result.forbidden, true);
  });
});

describe('update_env_vars', () => {
  it('replaces and adds, and keeps the rest', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);

    const result = await bench.call('update_env_vars', { set: { MODE: 'new', MORE: '1' } }, [
      'web',
    ]);

    assert.equal(result.outcome, 'Succeeded');
    assert.deepEqual(bench.engine.specOf('web').env, { MODE: 'new', KEEP: 'yes', MORE: '1' });
    assert.doesNotMatch(JSON.stringify(result), /"new"/);
  });
});

describe('rollback_image', () => {
  const images = (bench: ActionBench) => {
    bench.engine.addImage({ id: 'sha256:a', references: ['web:0'], createdAtMs: 1 });
    bench.engine.addImage({ id: 'sha256:b', references: ['web:1'], createdAtMs: 2 });
    bench.engine.addImage({ id: 'sha256:c', references: ['web:2', 'web:latest'], createdAtMs: 3 });
  };

  it('takes the image that the repository had before the one in use', async () => {
    const bench = actionBench();
    images(bench);
    await bench.engine.add(WEB);

    const result = await bench.call('rollback_image', {}, ['web']);

    assert.equal(result.outcome, 'Succeeded');
    assert.equal((await bench.inspect('web')).imageId, 'sha256:a');
  });

  it('takes the image that the policy names', async () => {
    const bench = actionBench();
    images(bench);
    await bench.engine.add({ ...WEB, image: 'web:latest' });

    await bench.call('rollback_image', { image: 'web:1' }, ['web']);

    assert.equal((await bench.inspect('web')).imageId, 'sha256:b');
  });

  it('does nothing where there is no older image', async () => {
    const bench = actionBench();
    images(bench);
    await bench.engine.add({ ...WEB, image: 'web:0' });
    const before = await bench.inspect('web');

    const result = await bench.call('rollback_image', {}, ['web']);

    assert.equal(result.outcome === 'NotExecuted' && result.reason, 'NoPreviousImage');
    assert.deepEqual(await bench.inspect('web'), before);
  });
});

/** Enough to go beyond the last write of a replacement of two containers, and of the way back. */
const STEPS_MAX = 40;

describe('a crash at any step of a replacement', () => {
  for (const effect of ['DoesNothing', 'TakesEffect'] as const) {
    it(`leaves what recover needs to return to the old containers (the step ${effect})`, async () => {
      let crashed = 0;
      for (let step = 0; step < STEPS_MAX; step += 1) {
        const { bench, old } = await twoContainers();
        if (!(await replaceUntil(bench, step, effect))) break;
        crashed += 1;

        const back = await bench.clock.run(bench.actions.recover(INTENT, NEVER));

        await assertReturned(bench, old, `step ${step}: ${JSON.stringify(back)}`);
      }
      assert.ok(crashed >= 12, `only ${crashed} steps were met`);
    });

    it(`and so does a crash of recover itself (the step ${effect})`, async () => {
      for (let step = 0; step < STEPS_MAX; step += 1) {
        for (let backStep = 0; backStep < STEPS_MAX; backStep += 1) {
          const { bench, old } = await twoContainers();
          if (!(await replaceUntil(bench, step, effect))) return;
          bench.engine.faults.cutOffAfter(backStep, effect);
          await bench.clock.run(bench.actions.recover(INTENT, NEVER));
          const isCut = bench.engine.faults.isCut;
          bench.engine.faults.reconnect();

          const again = await bench.clock.run(bench.actions.recover(INTENT, NEVER));

          const where = `step ${step}, back ${backStep}: ${JSON.stringify(again)}`;
          await assertReturned(bench, old, where);
          if (!isCut) break;
        }
      }
      assert.fail('the replacement has more steps than the test takes');
    });
  }

  it('recover is safe to repeat, and does nothing where there is nothing', async () => {
    const { bench, old } = await twoContainers();
    await replaceUntil(bench, 5, 'TakesEffect');

    const results = [];
    for (let round = 0; round < 3; round += 1) {
      results.push((await bench.clock.run(bench.actions.recover(INTENT, NEVER))).outcome);
    }

    assert.deepEqual(results, ['Succeeded', 'NotExecuted', 'NotExecuted']);
    await assertReturned(bench, old, 'after three');
  });

  it('recover leaves alone what somebody else has put in its place, and removes what it made', async () => {
    const bench = actionBench();
    const old = await bench.engine.add(WEB);
    // The new one was created, and nothing else was done.
    bench.engine.faults.cutOffAfter(1, 'DoesNothing');
    await bench.call('recreate_container', {}, ['web']);
    bench.engine.faults.reconnect();
    await bench.engine.remove(old, { force: true }, NEVER);
    const theirs = await bench.engine.add(WEB, { start: false });

    const back = await bench.clock.run(bench.actions.recover(INTENT, NEVER));

    assert.equal(back.outcome, 'Succeeded');
    assert.deepEqual(await names(bench), ['web created']);
    assert.equal((await bench.inspect('web')).id, theirs);
  });

  it('a container that did not run before is not started on the way back', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB, { start: false });
    await bench.call('recreate_container', {}, ['web']);

    const back = await bench.clock.run(bench.actions.recover(INTENT, NEVER));

    assert.equal(back.outcome, 'Succeeded');
    assert.deepEqual(await names(bench), ['web created']);
  });

  it('settle keeps the last container that there is', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    await bench.call('recreate_container', {}, ['web']);
    await bench.engine.remove((await bench.inspect('web')).id, { force: true }, NEVER);

    const settled = await bench.clock.run(bench.actions.settle(INTENT, NEVER));

    assert.equal(settled.outcome, 'Failed');
    assert.deepEqual(await names(bench), [`web.sentinel-${INTENT}-old exited`]);
  });

  it('what was settled is not undone', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    await bench.call('recreate_container', {}, ['web']);
    await bench.clock.run(bench.actions.settle(INTENT, NEVER));
    const before = await bench.inspect('web');

    const back = await bench.clock.run(bench.actions.recover(INTENT, NEVER));

    assert.equal(back.outcome === 'NotExecuted' && back.reason, 'NothingToRecover');
    assert.deepEqual(await bench.inspect('web'), before);
  });

  it('a cancelled replacement stands still, and recover goes back from there', async () => {
    const { bench, old } = await twoContainers();
    const expect = [
      expectationOf(await bench.inspect('vpn')),
      expectationOf(await bench.inspect('app')),
    ];
    const cancel = new AbortController();
    bench.clock.after(600, () => cancel.abort());

    const result = await bench.clock.run(
      bench.actions.call('recreate_container', {}, { intentId: INTENT, expect }, cancel.signal),
    );
    const meanwhile = await names(bench);
    await bench.clock.run(bench.actions.recover(INTENT, NEVER));

    assert.equal(result.outcome, 'OutcomeUnknown');
    assert.ok(meanwhile.includes(`vpn.sentinel-${INTENT}-old exited`));
    await assertReturned(bench, old, 'after the cancellation');
  });

  it('goes not back by itself where the engine may still be stopping the old one', async () => {
    const bench = actionBench();
    const old = await bench.engine.add(WEB);
    bench.engine.faults.inject({ operation: 'stop', kind: 'Fail', times: 1 });

    const result = await bench.call('recreate_container', {}, ['web']);
    const meanwhile = await names(bench);
    await bench.clock.run(bench.actions.recover(INTENT, NEVER));

    assert.equal(result.outcome, 'OutcomeUnknown');
    assert.deepEqual(meanwhile, ['web running', `web.sentinel-${INTENT} created`]);
    assert.deepEqual(await names(bench), ['web running']);
    assert.equal((await bench.inspect('web')).id, old);
  });

  it('settle leaves alone what somebody has started again, and says so', async () => {
    const bench = actionBench();
    await bench.engine.add({ ...WEB, ports: [], networks: {} });
    await bench.call('recreate_container', {}, ['web']);
    await bench.engine.start((await bench.inspect(`web.sentinel-${INTENT}-old`)).id, NEVER);

    const settled = await bench.clock.run(bench.actions.settle(INTENT, NEVER));

    assert.match(settled.outcome === 'Failed' ? settled.message : '', /running container/);
    assert.equal((await names(bench)).length, 2);
  });

  it('settle is safe to repeat', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    await bench.call('recreate_container', {}, ['web']);

    const first = await bench.clock.run(bench.actions.settle(INTENT, NEVER));
    const second = await bench.clock.run(bench.actions.settle(INTENT, NEVER));

    assert.equal(first.outcome, 'Succeeded');
    assert.deepEqual(second, { outcome: 'Succeeded', result: { intentId: INTENT, removed: [] } });
  });

  it('settle keeps the old container where the new one has ended', async () => {
    const bench = actionBench();
    await bench.engine.add(WEB);
    await bench.call('recreate_container', {}, ['web']);
    await bench.clock.run(bench.engine.stop('web', 1, NEVER));

    const settled = await bench.clock.run(bench.actions.settle(INTENT, NEVER));

    assert.equal(settled.outcome, 'Failed');
    assert.deepEqual(await names(bench), ['web exited', `web.sentinel-${INTENT}-old exited`]);
  });
});

interface Old {
  readonly vpn: string;
  readonly app: string;
}

async function twoContainers(): Promise<{ bench: ActionBench; old: Old }> {
  const bench = actionBench();
  const vpn = await bench.engine.add({ ...WEB, name: 'vpn' });
  const app = await bench.engine.add({
    name: 'app',
    shares: [{ kind: 'network', owner: vpn }],
    restartPolicy: { name: 'on-failure', maximumRetryCount: 3 },
  });
  return { bench, old: { vpn, app } };
}

/** @returns whether the replacement met the crash: false when it ended before */
async function replaceUntil(
  bench: ActionBench,
  step: number,
  effect: 'TakesEffect' | 'DoesNothing',
): Promise<boolean> {
  const expect = [
    expectationOf(await bench.inspect('vpn')),
    expectationOf(await bench.inspect('app')),
  ];
  const doomed = createBuiltinActions({
    runtime: bench.engine,
    operations: bench.engine,
    clock: bench.clock,
  });
  bench.engine.faults.cutOffAfter(step, effect);
  await bench.clock.run(doomed.call('recreate_container', {}, { intentId: INTENT, expect }, NEVER));
  const isCut = bench.engine.faults.isCut;
  bench.engine.faults.reconnect();
  return isCut;
}

async function assertReturned(bench: ActionBench, old: Old, where: string): Promise<void> {
  assert.deepEqual(await names(bench), ['app running', 'vpn running'], where);
  const vpn = await bench.inspect('vpn');
  assert.equal(vpn.id, old.vpn, where);
  assert.equal(vpn.restartPolicy.name, 'always', where);
  const app = await bench.inspect('app');
  assert.equal(app.id, old.app, where);
  assert.deepEqual(app.restartPolicy, { name: 'on-failure', maximumRetryCount: 3 }, where);
  assert.equal(bench.engine.hasNetwork('app'), true, where);
}
