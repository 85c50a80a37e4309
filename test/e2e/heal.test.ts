import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, TestStack } from '../support/engine.ts';
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

describe('the operator', () => {
  it('restarts what is unhealthy, verifies it, and resolves the incident as Remediated', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({ policies: [aQuickPolicy(stack)] });

    await breakHealth(web);
    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(incident.workload.key, `${HOST}/${stack.name('web')}`);
    assert.equal(incident.threshold, 'unhealthy');
    const [attempt, ...others] = incident.attempts;
    assert.deepEqual(others, []);
    assert.equal(attempt?.outcome, 'Succeeded');
    assert.equal(attempt.verification, 'Passed');
    assert.equal((await stateOf(web)).Health?.Status, 'healthy');
    assert.equal(events.count(web, 'restart'), 1);
    assert.equal(await operator.stop(), 0);
    const types = (await operator.records()).map(({ type }) => type);
    assert.equal(types.at(-1), 'stopped');
    const verified = await operator.verifyJournal();
    assert.equal(verified.code, 0, verified.stdout);
  });

  it('starts again what has crashed, where the engine does not', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({ policies: [aQuickPolicy(stack)] });

    await crash(job, 3);
    const incident = await operator.untilIncident(
      stack.name('job'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.threshold, 'crash');
    assert.equal(incident.resolution, 'Remediated');
    assert.equal((await stateOf(job)).Running, true);
    assert.equal(events.count(job, 'start'), 1);
    const [died] = await operator.recordsOf('workload.observed');
    assert.equal(died?.data.cause, 'Crash');
    assert.equal(died.data.exitCode, 3);
  });

  it('leaves an exit to the engine that restarts it, and counts how often it does', async () => {
    await using stack = await TestStack.open();
    const policy = aQuickPolicy(stack, {
      spec: {
        thresholds: [
          { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
          { name: 'loop', signal: 'restarts', above: 2, window: '10m', severity: 'critical' },
        ],
      },
      remediation: { allowed: [] },
    });
    const loop = await stack.container('loop', {
      script: 'while [ ! -f /go ]; do sleep 0.1; done; sleep 0.5; exit 4',
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({ policies: [policy] });

    await execIn(loop, ['touch', '/go']);
    const incident = await operator.untilIncident(
      stack.name('loop'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.equal(incident.threshold, 'loop');
    assert.deepEqual(incident.breached, ['loop']);
    assert.equal(incident.escalations[0]?.reason, 'NoAction');
    assert.deepEqual(incident.attempts, []);
    assert.equal(events.count(loop, 'restart'), 0);
    const starts = (await operator.recordsOf('workload.observed')).filter(
      ({ data }) => data.event === 'start',
    );
    assert.ok(starts.length >= 3);
    assert.ok(starts.every(({ data }) => data.cause === 'Engine'));
  });

  it('gives more memory, with swap, to what the kernel kills at each start for lack of it', async () => {
    await using stack = await TestStack.open();
    const policy = aQuickPolicy(stack, {
      spec: { thresholds: [{ name: 'oom', signal: 'oomKilled', severity: 'critical' }] },
      remediation: {
        allowed: [
          {
            name: 'more-memory',
            tool: 'docker/update_resources',
            arguments: { memory: { $expr: 'least(container.memoryLimit * 4, quantity("96Mi"))' } },
            cooldown: '1s',
          },
        ],
        verify: { within: '60s', healthyFor: '2s' },
      },
    });
    const hungry = await stack.container('hungry', {
      script:
        'dd if=/dev/zero of=/dev/null bs=40M count=1 || exit 9; trap "exit 0" TERM; while :; do sleep 0.1; done',
      HostConfig: { Memory: 16 << 20, MemorySwap: 24 << 20, RestartPolicy: { Name: 'always' } },
    });
    // By now the engine waits seconds between two starts, as it does in every long crash loop.
    await eventually(async () => (await hungry.inspect()).RestartCount >= 5, {
      what: 'a crash loop',
    });
    await using operator = await SentinelProcess.start({ policies: [policy] });

    const incident = await operator.untilIncident(
      stack.name('hungry'),
      ({ resolution }) => resolution !== undefined,
      90_000,
    );

    assert.equal(incident.resolution, 'Remediated');
    const { HostConfig, State } = await hungry.inspect();
    assert.equal(HostConfig.Memory, 64 << 20);
    assert.equal(HostConfig.MemorySwap, 72 << 20);
    assert.equal(State.Running, true);
    const raised = incident.attempts.find(({ outcome }) => outcome === 'Succeeded');
    assert.deepEqual(raised?.result?.['previous'], { memory: 16 << 20, memorySwap: 24 << 20 });
  });

  it('goes to the next rung when a start fails, and says what Docker said', async () => {
    await using stack = await TestStack.open();
    const policy = aQuickPolicy(stack, {
      remediation: {
        allowed: [RESTART, { name: 'start', tool: 'docker/start_container', cooldown: '1s' }],
        verify: { within: '3s', healthyFor: '1s' },
      },
    });
    const broken = await stack.container('broken', {
      // Deletes its own program: the next start finds nothing to run.
      script: 'while [ ! -f /go ]; do sleep 0.1; done; rm -f /bin/sh; exit 5',
    });
    await using operator = await SentinelProcess.start({ policies: [policy] });

    await execIn(broken, ['touch', '/go']);
    const incident = await operator.untilIncident(
      stack.name('broken'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.equal(incident.escalations[0]?.reason, 'LadderExhausted');
    assert.deepEqual(
      incident.attempts.map(({ action, outcome }) => [action, outcome]),
      [
        ['restart', 'Failed'],
        ['start', 'Failed'],
      ],
    );
    for (const { message } of incident.attempts) assert.match(message ?? '', /not found/);
    const { Running, Error: said } = await stateOf(broken);
    assert.equal(Running, false);
    assert.match(said, /not found/);
  });
});
