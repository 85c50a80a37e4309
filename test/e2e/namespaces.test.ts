import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type Docker from 'dockerode';
import { TestStack } from '../support/engine.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  execIn,
  RESTART,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

const joins = (owner: Docker.Container) => ({
  HostConfig: { NetworkMode: `container:${owner.id}` },
});

/** Whether it has a network beside the loopback. */
async function hasNetwork(container: Docker.Container): Promise<boolean> {
  const { code, output } = await execIn(container, ['cat', '/proc/net/dev']);
  assert.equal(code, 0, output);
  return output.includes('eth0');
}

describe('containers that share a network namespace', () => {
  it('are restarted after the owner of the namespace, and have a network again', async () => {
    await using stack = await TestStack.open();
    const owner = await aService(stack, 'owner');
    const sharer = await aService(stack, 'sharer', { unchecked: true, ...joins(owner) });
    await untilHealth(owner, 'healthy');
    assert.equal(await hasNetwork(sharer), true);
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({ policies: [aQuickPolicy(stack)] });

    await breakHealth(owner);
    const incident = await operator.untilIncident(
      stack.name('owner'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(await hasNetwork(sharer), true);
    const restarts = events.seen.filter(({ action }) => action === 'restart');
    assert.deepEqual(
      restarts.map(({ name }) => name),
      [stack.name('owner'), stack.name('sharer')],
    );
    const [attempt, ...others] = incident.attempts;
    assert.deepEqual(others, []);
    assert.deepEqual(
      attempt?.affects.map(({ workload }) => workload),
      [`${HOST}/${stack.name('owner')}`, `${HOST}/${stack.name('sharer')}`],
    );
    // What our own restart did to the sharer is no crash of it.
    assert.deepEqual(await operator.incidentsOf(stack.name('sharer')), []);
  });

  for (const [who, restart] of [
    ['a person', (owner: Docker.Container) => owner.restart({ t: 1 })],
    ['the engine', (owner: Docker.Container) => crash(owner, 1)],
  ] as const) {
    it(`are restarted when ${who} has restarted the owner`, async () => {
      await using stack = await TestStack.open();
      const RestartPolicy = { Name: 'always' };
      const owner = await aService(stack, 'owner', { HostConfig: { RestartPolicy } });
      const sharer = await aService(stack, 'sharer', { unchecked: true, ...joins(owner) });
      await untilHealth(owner, 'healthy');
      const thresholds = [{ name: 'cut-off', signal: 'namespace.lost', severity: 'critical' }];
      const policy = aQuickPolicy(stack, { spec: { thresholds } });
      await using operator = await SentinelProcess.start({ policies: [policy] });

      await restart(owner);
      const incident = await operator.untilIncident(
        stack.name('sharer'),
        ({ resolution }) => resolution !== undefined,
      );

      assert.equal(incident.resolution, 'Remediated');
      assert.equal(await hasNetwork(sharer), true);
      assert.deepEqual(await operator.incidentsOf(stack.name('owner')), []);
    });
  }

  it('keep their owner from a restart that their own policy does not allow', async () => {
    await using stack = await TestStack.open();
    const owner = await aService(stack, 'owner');
    const sharer = await aService(stack, 'sharer', { unchecked: true, ...joins(owner) });
    await untilHealth(owner, 'healthy');
    await using events = await recordEvents(stack);
    const only = (suffix: string) => ({ selector: { names: [stack.name(suffix)] } });
    await using operator = await SentinelProcess.start({
      policies: [
        aQuickPolicy(stack, { name: 'owner', spec: only('owner') }),
        aQuickPolicy(stack, {
          name: 'sharer',
          spec: only('sharer'),
          remediation: { allowed: [{ name: 'start', tool: 'docker/start_container' }] },
        }),
      ],
    });

    await breakHealth(owner);
    const message = await operator.untilRefused(stack.name('owner'), 'DependentNotPermitted');

    assert.match(message, /policy sharer does not allow docker\/restart_container/);
    const incident = await operator.untilIncident(
      stack.name('owner'),
      ({ escalations }) => escalations.length > 0,
    );
    assert.deepEqual(incident.attempts, []);
    assert.equal(events.count(owner, 'restart'), 0);
    assert.equal(events.count(sharer, 'restart'), 0);
  });

  it('are left running when the owner is gone, with the command that brings them back', async () => {
    await using stack = await TestStack.open();
    const owner = await aService(stack, 'owner', { unchecked: true });
    const sharer = await aService(stack, 'sharer', {
      ...joins(owner),
      Labels: stack.compose(stack.prefix, 'proxy'),
    });
    await untilHealth(sharer, 'healthy');
    await using events = await recordEvents(stack);
    const policy = aQuickPolicy(stack, {
      spec: { selector: { names: [stack.name('sharer')] } },
    });
    await owner.remove({ force: true });
    await aService(stack, 'owner', { unchecked: true });
    await using operator = await SentinelProcess.start({ policies: [policy] });

    await breakHealth(sharer);
    const incident = await operator.untilIncident(
      stack.name('sharer'),
      ({ escalations }) => escalations.length > 0,
    );

    const [told, ...others] = incident.escalations;
    assert.deepEqual(others, []);
    assert.equal(told?.reason, 'NeedsRecreate');
    assert.match(told.message, new RegExp(`container ${owner.id.slice(0, 12)}, which is gone`));
    assert.match(told.message, /docker compose up -d --force-recreate --no-deps proxy$/);
    assert.deepEqual(incident.attempts, []);
    assert.equal(events.count(sharer, 'restart'), 0);
    assert.equal((await stateOf(sharer)).Running, true);
  });
});

describe('services that depend on others', () => {
  it('wait until what they depend on is mended, which is done first', async () => {
    await using stack = await TestStack.open();
    const project = stack.prefix;
    const depends = { 'com.docker.compose.depends_on': 'db:service_healthy:false' };
    const [db, api] = await Promise.all([
      aService(stack, 'db', { Labels: stack.compose(project, 'db') }),
      aService(stack, 'api', { Labels: { ...stack.compose(project, 'api'), ...depends } }),
    ]);
    await Promise.all([untilHealth(db, 'healthy'), untilHealth(api, 'healthy')]);
    await using events = await recordEvents(stack);
    const allowed = [{ ...RESTART, approval: 'Required' }];
    const byService = (service: string) => ({
      selector: { projects: [project], services: [service] },
    });
    await using operator = await SentinelProcess.start({
      policies: [
        // Held back, so that the dependent has to wait for as long as the test looks at it.
        aQuickPolicy(stack, { name: 'db', spec: byService('db'), remediation: { allowed } }),
        aQuickPolicy(stack, { name: 'api', spec: byService('api') }),
      ],
    });

    await breakHealth(db);
    const waiting = await operator.untilIncident(
      stack.name('db'),
      ({ approval }) => approval?.state === 'Requested',
    );
    await breakHealth(api);
    const message = await operator.untilRefused(stack.name('api'), 'DependencyFailing');
    assert.match(
      message,
      new RegExp(`^${HOST}/${project}/db/1, which it depends on, is unhealthy`),
    );
    await operator.post(`/api/v1/incidents/${waiting.name}/approve`, {
      candidate: waiting.approval?.candidate ?? '',
      container: db.id,
    });
    const [mendedDb, mendedApi] = await Promise.all(
      ['db', 'api'].map((name) =>
        operator.untilIncident(stack.name(name), ({ resolution }) => resolution !== undefined),
      ),
    );

    assert.equal(mendedDb?.resolution, 'Remediated');
    assert.equal(mendedApi?.resolution, 'Remediated');
    const restarts = events.seen.filter(({ action }) => action === 'restart');
    assert.deepEqual(
      restarts.map(({ name }) => name),
      [stack.name('db'), stack.name('api')],
    );
    assert.equal(events.count(api, 'restart'), 1);
  });
});
