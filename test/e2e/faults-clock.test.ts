import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sentinel } from '../support/cli.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { startWronglyDatedEngine } from '../support/engine-clock.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, crash, recordEvents, stateOf } from '../support/workloads.ts';

const HOUR_MS = 3_600_000;
const PLAIN = { unchecked: true, HostConfig: { NetworkMode: 'none' } } as const;

/** Where the engine's clock stands from a moment on; `cut`: and then the connections break. */
const STEPS = [
  ['stays an hour ahead', 1, false],
  ['is set back by two hours', -1, false],
  ['is set back by another hour, and the connections break', -2, true],
  ['is set forward by five hours', 3, false],
  ['is set right, and the connections break', 0, true],
] as const;

describe('an engine whose clock is wrong', () => {
  it('is healed, its past is no news, and a person is told from a crash, however it is set', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', PLAIN);
    // It ended before Sentinel came: nobody knows why, so nothing is done about it.
    const old = await stack.container('old', { script: 'exit 3', ...PLAIN });
    await old.wait();
    await using events = await recordEvents(stack);
    await using engine = await startWronglyDatedEngine(HOUR_MS);
    const DOCKER_HOST = `tcp://127.0.0.1:${engine.proxy.port}`;
    await using operator = await SentinelProcess.start({
      policies: [
        aQuickPolicy(stack, { remediation: { verify: { within: '20s', healthyFor: '1s' } } }),
      ],
      env: { DOCKER_HOST },
    });

    const doctor = await sentinel(['doctor'], {
      env: { DOCKER_HOST, SENTINEL_DATA: operator.data, SENTINEL_POLICIES: operator.policies },
    });
    assert.equal(doctor.code, 1, doctor.stderr);
    assert.match(doctor.stdout, /the engine’s clock is 1h away from ours/);
    let crashes = 0;
    for (const [name, hours, cut] of STEPS) {
      engine.set(hours * HOUR_MS);
      if (cut) {
        const before = engine.proxy.requests.length;
        engine.proxy.cut();
        const reconnected = () =>
          engine.proxy.requests.slice(before).some((request) => request.includes('/events?'));
        await eventually(reconnected, { what: 'a new connection' });
        await eventually(async () => (await operator.get('/readyz')).status === 200, {
          what: 'an operator that is ready again',
        });
      }

      // A bystander whom a person kills, without a word: that is no crash.
      const held = await aService(stack, `held-${crashes}`, PLAIN);
      const heldKey = `${HOST}/${stack.name(`held-${crashes}`)}`;
      await operator.untilRecord('workload.observed', ({ workload }) => workload === heldKey);
      await held.kill();
      await operator.untilRecord(
        'workload.observed',
        ({ workload, data }) => workload === heldKey && data.event === 'die',
      );
      crashes += 1;
      await crash(job, crashes);
      const incident = await operator.untilIncident(
        stack.name('job'),
        ({ resolution, attempts }) => resolution !== undefined && attempts.length === crashes,
      );

      assert.equal(incident.resolution, 'Remediated', name);
      assert.equal((await stateOf(job)).Running, true, name);
      assert.equal(events.count(job, 'start'), crashes, name);
      assert.equal((await stateOf(held)).Running, false, name);
      assert.equal(events.count(held, 'start'), 1, name);
    }

    const observed = await operator.recordsOf('workload.observed');
    const jobKey = `${HOST}/${stack.name('job')}`;
    const died = observed.filter(
      ({ workload, data }) => workload === jobKey && data.event === 'die',
    );
    assert.deepEqual(
      died.map(({ data }) => [data.cause, data.exitCode]),
      STEPS.map((_, index) => ['Crash', index + 1]),
    );
    assert.equal(events.count(old, 'start'), 0);
    assert.equal(await operator.stop(), 0);
    assert.equal((await operator.verifyJournal()).code, 0);
  });
});
