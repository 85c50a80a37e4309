import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { TestStack } from '../support/engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  type EventRecorder,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

const NO_TRAP = 'while :; do sleep 0.1; done';
const EXITED_THRESHOLD = { name: 'down', signal: 'state', equals: 'exited', severity: 'critical' };

/** One operator and one stack for all: each test has a container of its own. */
describe('the operator and people', () => {
  const closing = new AsyncDisposableStack();
  let stack: TestStack;
  let events: EventRecorder;
  let operator: SentinelProcess;
  const containers: Record<string, Docker.Container> = {};

  before(async () => {
    stack = closing.use(await TestStack.open());
    events = closing.use(await recordEvents(stack));
    const unchecked = { unchecked: true };
    const label = { Labels: { 'sre-sentinel.pause': 'true' } };
    // All are there before the operator, so that none counts as a deployment in progress.
    const [canary, stopped, untrapped, killed, paused, restarted, started, hup, labelled] =
      await Promise.all([
        aService(stack, 'canary', unchecked),
        aService(stack, 'stopped', unchecked),
        stack.container('untrapped', { script: NO_TRAP }),
        stack.container('killed', { script: NO_TRAP }),
        aService(stack, 'paused'),
        aService(stack, 'restarted', unchecked),
        aService(stack, 'started', unchecked),
        aService(stack, 'hup', unchecked),
        aService(stack, 'labelled', { ...unchecked, ...label }),
      ]);
    const found = await aService(stack, 'found', unchecked);
    await crash(found, 3);
    await found.wait();
    Object.assign(containers, {
      canary,
      stopped,
      untrapped,
      killed,
      paused,
      restarted,
      started,
      hup,
      labelled,
      found,
    });
    await untilHealth(paused, 'healthy');
    const policy = aQuickPolicy(stack, {
      spec: {
        thresholds: [...aQuickPolicy(stack).spec.thresholds, EXITED_THRESHOLD],
      },
    });
    operator = closing.use(await SentinelProcess.start({ policies: [policy] }));
  });
  after(() => closing.disposeAsync());

  const container = (name: string): Docker.Container =>
    containers[name] ?? assert.fail(`there is no container ${name}`);

  /** The operator has seen, judged and mended a crash that came later than all before this call. */
  async function hasCaughtUp(): Promise<void> {
    const before = events.count(container('canary'), 'start');
    const incidents = await operator.incidentsOf(stack.name('canary'));
    const attempts = incidents.flatMap((incident) => incident.attempts).length;
    await crash(container('canary'), 7);
    await operator.untilIncident(
      stack.name('canary'),
      (incident) => incident.resolution !== undefined && incident.attempts.length > attempts,
    );
    assert.equal(events.count(container('canary'), 'start'), before + 1);
  }

  async function assertLeftAlone(...names: string[]): Promise<void> {
    const starts = () => names.map((name) => events.count(container(name), 'start'));
    const before = starts();
    await hasCaughtUp();
    for (const name of names) {
      const incidents = await operator.incidentsOf(stack.name(name));
      assert.deepEqual(
        incidents.flatMap(({ attempts }) => attempts),
        [],
      );
    }
    assert.deepEqual(starts(), before);
  }

  it('leaves stopped, killed and paused containers to the person who did it', async () => {
    await Promise.all([
      container('stopped').stop({ t: 2 }),
      container('untrapped').stop({ t: 1 }),
      container('killed').kill(),
      container('paused').pause(),
    ]);

    await assertLeftAlone('stopped', 'untrapped', 'killed', 'paused');

    // The state is a critical breach by the policy, and still nobody's incident.
    assert.deepEqual(await operator.incidentsOf(stack.name('stopped')), []);
    assert.equal((await stateOf(container('untrapped'))).ExitCode, 137);
    assert.equal((await stateOf(container('killed'))).ExitCode, 137);
    assert.equal((await stateOf(container('paused'))).Paused, true);
    const holds = (await operator.state()).workloads;
    assert.deepEqual(
      ['stopped', 'untrapped', 'killed', 'paused'].map(
        (name) => holds[`box/${stack.name(name)}`]?.hold?.kind,
      ),
      ['stop', 'stop', 'stop', 'pause'],
    );
  });

  it('does not take a restart by hand for a crash', async () => {
    await container('restarted').restart({ t: 2 });

    await assertLeftAlone('restarted');

    assert.deepEqual(await operator.incidentsOf(stack.name('restarted')), []);
    assert.equal(events.count(container('restarted'), 'restart'), 1);
  });

  it('cares for a container again once a person has started it', async () => {
    await container('started').stop({ t: 2 });
    await hasCaughtUp();
    await container('started').start();

    await crash(container('started'), 4);
    const incident = await operator.untilIncident(
      stack.name('started'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal((await stateOf(container('started'))).Running, true);
  });

  it('goes on caring after a signal that only asks for a reload', async () => {
    await container('hup').kill({ signal: 'SIGHUP' });

    await crash(container('hup'), 5);
    const incident = await operator.untilIncident(
      stack.name('hup'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
  });

  it('tells of what it found exited, and does nothing, since a person may have stopped it', async () => {
    const incident = await operator.untilIncident(
      stack.name('found'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.deepEqual(
      incident.escalations.map(({ reason }) => reason),
      ['IntentUnknown'],
    );
    await assertLeftAlone('found');
    assert.equal((await stateOf(container('found'))).Running, false);

    await container('found').start();
    const resolved = await operator.untilIncident(
      stack.name('found'),
      ({ resolution }) => resolution !== undefined,
    );
    assert.equal(resolved.resolution, 'HumanAction');
  });

  it('records what a paused label stops it from doing', async () => {
    await crash(container('labelled'), 6);

    const message = await operator.untilRefused(stack.name('labelled'), 'WorkloadPaused');

    assert.match(message, /sre-sentinel\.pause/);
    await assertLeftAlone('labelled');
    assert.equal((await stateOf(container('labelled'))).Running, false);
  });

  it('knows who stopped a container while it was itself down', async () => {
    const victim = container('restarted');
    await operator.kill9();
    await victim.stop({ t: 2 });
    await operator.start();

    await assertLeftAlone('restarted');

    assert.deepEqual(await operator.incidentsOf(stack.name('restarted')), []);
    assert.equal((await stateOf(victim)).Running, false);
  });

  it('lets a person end an incident by stopping what is broken', async () => {
    const paused = container('paused');
    await paused.unpause();
    await untilHealth(paused, 'healthy');
    await operator.post('/api/v1/pause', { scope: 'all', reason: 'a test' });
    await breakHealth(paused);
    await operator.untilRefused(stack.name('paused'), 'SentinelPaused');

    await paused.stop({ t: 2 });
    const incident = await operator.untilIncident(
      stack.name('paused'),
      ({ resolution }) => resolution !== undefined,
    );
    await operator.post('/api/v1/resume', { scope: 'all', reason: 'the test is over' });

    assert.equal(incident.resolution, 'HumanAction');
    await assertLeftAlone('paused');
  });
});
