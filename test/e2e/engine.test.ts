import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, TestStack } from '../support/engine.ts';
import { startEngineProxy } from '../support/engine-proxy.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  crash,
  RESTART,
  recordEvents,
  stateOf,
} from '../support/workloads.ts';

describe('the way to the engine', () => {
  it('may be cut at any time: nothing is missed, and nothing done twice', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    await using events = await recordEvents(stack);
    await using proxy = await startEngineProxy();
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
    });

    for (let cuts = 1; cuts <= 4; cuts += 1) {
      // Now and then the exit comes while nobody listens, now and then right before.
      if (cuts % 2 === 0) proxy.cut();
      await crash(job, cuts);
      if (cuts % 2 === 1) await job.wait();
      proxy.cut();
      await operator.untilIncident(
        stack.name('job'),
        ({ resolution, attempts }) =>
          resolution !== undefined &&
          attempts.filter(({ verification }) => verification === 'Passed').length === cuts,
      );
    }

    const [incident] = await operator.incidentsOf(stack.name('job'));
    const carriedOut = incident?.attempts.filter(({ outcome }) => outcome !== 'NotExecuted');
    assert.equal(events.count(job, 'start'), carriedOut?.length);
    const exits = (await operator.recordsOf('workload.observed')).filter(
      ({ data }) => data.event === 'die',
    );
    assert.deepEqual(
      exits.map(({ data }) => [data.cause, data.exitCode]),
      [1, 2, 3, 4].map((code) => ['Crash', code]),
    );
    assert.ok((await operator.get('/readyz')).body.ready);
  });

  it('may be gone for a while: afterwards all is known, and left to settle', async () => {
    await using stack = await TestStack.open();
    const [job, stopped] = await Promise.all([
      aService(stack, 'job', { unchecked: true }),
      aService(stack, 'stopped', { unchecked: true }),
    ]);
    await using events = await recordEvents(stack);
    let isAway = false;
    let asked = 0;
    await using proxy = await startEngineProxy({
      answer(request) {
        if (!isAway) return false;
        if (/_ping|info/.test(request.url ?? '')) asked += 1;
        request.destroy();
        return true;
      },
    });
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
    });

    isAway = true;
    proxy.cut();
    await eventually(async () => (await operator.get('/readyz')).status === 503, {
      what: 'an operator that is not ready',
    });
    await crash(job, 3);
    await Promise.all([job.wait(), stopped.stop({ t: 2 })]);
    // A connection that only broke has nothing to settle: the engine must have been seen to be away.
    await eventually(() => asked > 0, { what: 'a question that the engine does not answer' });
    isAway = false;
    const message = await operator.untilRefused(stack.name('job'), 'Settling');

    assert.match(message, /came back a moment ago/);
    // The first look may come before all that was missed is known.
    await eventually(async () => (await operator.get('/readyz')).status === 200, {
      what: 'an operator that is ready again',
    });
    const [incident] = await operator.incidentsOf(stack.name('job'));
    assert.deepEqual(incident?.attempts, []);
    assert.equal(events.count(job, 'start'), 0);
    const { workloads } = await operator.state();
    assert.equal(workloads[`${HOST}/${stack.name('job')}`]?.exit?.cause, 'Crash');
    assert.equal(workloads[`${HOST}/${stack.name('stopped')}`]?.hold?.kind, 'stop');
    assert.deepEqual(await operator.incidentsOf(stack.name('stopped')), []);
  });

  it('may forbid one tool: that one is not used again, and others are', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    await using events = await recordEvents(stack);
    let forbidden = 0;
    await using proxy = await startEngineProxy({
      answer({ method, url = '' }, response) {
        if (method !== 'POST' || !/\/restart(\?|$)/.test(url)) return false;
        forbidden += 1;
        response.writeHead(403).end('Forbidden by a rule');
        return true;
      },
    });
    const start = { name: 'start', tool: 'docker/start_container', cooldown: '1s' };
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: { allowed: [RESTART, start] } })],
      env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
    });

    await crash(job, 3);
    const incident = await operator.untilIncident(
      stack.name('job'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.deepEqual(
      incident.attempts.map(({ action, outcome, reason }) => [action, outcome, reason]),
      [
        ['restart', 'NotExecuted', 'ToolForbidden'],
        ['start', 'Succeeded', undefined],
      ],
    );
    assert.equal(forbidden, 1);
    assert.equal((await stateOf(job)).Running, true);
    assert.equal(events.count(job, 'start'), 1);
    const refused = (await operator.recordsOf('remediation.considered')).flatMap(({ data }) =>
      data.candidates.flatMap(({ action, blockedBy }) =>
        action === 'restart' ? blockedBy.map(({ reason }) => reason) : [],
      ),
    );
    assert.ok(refused.includes('Unsupported'));
  });
});
