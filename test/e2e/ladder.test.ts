import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { TestStack } from '../support/engine.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  type EventRecorder,
  execIn,
  RESTART,
  recordEvents,
  untilHealth,
} from '../support/workloads.ts';

const QUICK = { within: '3s', healthyFor: '1s' };
const ALWAYS_DENIED = '* * * * * / 24h';

/** What each container's own policy may do about it. */
const REMEDIATION = {
  stubborn: {
    allowed: [
      { ...RESTART, name: 'first' },
      { ...RESTART, name: 'second' },
    ],
    verify: QUICK,
  },
  flaky: { allowed: [{ ...RESTART, limit: { max: 1, per: '1h' } }], verify: QUICK },
  tight: {
    allowed: [{ name: 'more', tool: 'docker/update_resources', arguments: { memory: '64m' } }],
    verify: { ...QUICK, onFailure: 'Rollback' },
  },
  escalated: {
    allowed: [RESTART, { ...RESTART, name: 'never' }],
    verify: { ...QUICK, onFailure: 'Escalate' },
  },
  shadowed: { mode: 'Shadow', verify: QUICK },
  recovering: { mode: 'Shadow', verify: QUICK },
  denied: { windows: { deny: [ALWAYS_DENIED] } },
  approved: { mode: 'Approve' },
  edited: { mode: 'Approve' },
  refused: {
    mode: 'Approve',
    allowed: ['first', 'second', 'third'].map((name, index) => ({
      ...RESTART,
      name,
      arguments: { timeoutSeconds: index + 1 },
    })),
  },
} as const;
type Name = keyof typeof REMEDIATION;
const STUBBORN: readonly Name[] = ['stubborn', 'tight', 'escalated'];

/** One operator for all: each test has a container and a policy of its own. */
describe('the ladder', { concurrency: true }, () => {
  const closing = new AsyncDisposableStack();
  let stack: TestStack;
  let events: EventRecorder;
  let operator: SentinelProcess;
  const containers = new Map<Name, Docker.Container>();

  const policyOf = (name: Name, remediation: object = REMEDIATION[name]) =>
    aQuickPolicy(stack, { name, remediation, spec: { selector: { names: [stack.name(name)] } } });

  before(async () => {
    stack = closing.use(await TestStack.open());
    events = closing.use(await recordEvents(stack));
    const names = Object.keys(REMEDIATION) as Name[];
    await Promise.all(
      names.map(async (name) => {
        const container = await aService(stack, name, {
          stubborn: STUBBORN.includes(name),
          HostConfig: { Memory: 32 << 20, MemorySwap: 48 << 20 },
        });
        containers.set(name, container);
        await untilHealth(container, 'healthy');
      }),
    );
    operator = closing.use(
      await SentinelProcess.start({ policies: names.map((name) => policyOf(name)) }),
    );
  });
  after(() => closing.disposeAsync());

  const container = (name: Name): Docker.Container =>
    containers.get(name) ?? assert.fail(`there is no container ${name}`);
  const restarts = (name: Name): number => events.count(container(name), 'restart');

  it('goes to the next rung when an action does not help, and asks a person once at its end', async () => {
    await breakHealth(container('stubborn'));

    const incident = await operator.untilIncident(
      stack.name('stubborn'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.deepEqual(
      incident.attempts.map(({ action, outcome, verification }) => [action, outcome, verification]),
      [
        ['first', 'Succeeded', 'Failed'],
        ['second', 'Succeeded', 'Failed'],
      ],
    );
    assert.deepEqual(
      incident.escalations.map(({ reason }) => reason),
      ['LadderExhausted'],
    );
    assert.equal(restarts('stubborn'), 2);
    // A person mends it: by another run that is well.
    await execIn(container('stubborn'), ['touch', '/ok']);
    const resolved = await operator.untilIncident(
      stack.name('stubborn'),
      ({ resolution }) => resolution !== undefined,
    );
    assert.equal(resolved.resolution, 'SelfRecovered');
    assert.equal(resolved.escalations.length, 1);
    assert.equal(restarts('stubborn'), 2);
  });

  it('stops at the limit, says so once, and quarantines the workload', async () => {
    await breakHealth(container('flaky'));
    await operator.untilIncident(
      stack.name('flaky'),
      ({ resolution }) => resolution === 'Remediated',
    );
    await breakHealth(container('flaky'));

    const incident = await operator.untilIncident(
      stack.name('flaky'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.equal(incident.reopens, 1);
    assert.deepEqual(
      incident.escalations.map(({ reason }) => reason),
      ['LimitReached'],
    );
    assert.equal(restarts('flaky'), 1);
    const key = `${HOST}/${stack.name('flaky')}`;
    assert.equal((await operator.state()).quarantined[key]?.incident, incident.name);
    const { body } = await operator.get('/api/v1/workloads?limit=500');
    const { items } = body as {
      items: { metadata: { name: string }; status: { conditions: { type: string }[] } }[];
    };
    const workload = items.find(({ metadata }) => metadata.name === key);
    assert.ok(workload?.status.conditions.some(({ type }) => type === 'Quarantined'));
  });

  it('sets limits back that did not help', async () => {
    await breakHealth(container('tight'));

    const incident = await operator.untilIncident(
      stack.name('tight'),
      ({ escalations }) => escalations.length > 0,
    );

    const { HostConfig } = await container('tight').inspect();
    assert.equal(HostConfig.Memory, 32 << 20);
    assert.equal(HostConfig.MemorySwap, 48 << 20);
    const [raised, setBack, ...others] = incident.attempts;
    assert.deepEqual(others, []);
    assert.equal(raised?.outcome, 'Succeeded');
    assert.equal(raised.verification, 'Failed');
    assert.equal(setBack?.rollbackOf, raised.intent);
    assert.equal(setBack.outcome, 'Succeeded');
    assert.equal(events.count(container('tight'), 'update'), 2);
    assert.equal(incident.escalations[0]?.reason, 'LadderExhausted');
  });

  it('asks a person at the first failure where the policy says so', async () => {
    await breakHealth(container('escalated'));

    const incident = await operator.untilIncident(
      stack.name('escalated'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.equal(incident.escalations[0]?.reason, 'VerificationFailed');
    assert.equal(incident.attempts.length, 1);
    assert.equal(restarts('escalated'), 1);
  });

  it('only says in Shadow what it would have done, and what became of it without', async () => {
    await breakHealth(container('shadowed'));
    await breakHealth(container('recovering'));
    const isOf = (name: Name) => (record: { readonly workload: string }) =>
      record.workload === `${HOST}/${stack.name(name)}`;
    const decided = await operator.untilRecord('shadow.decided', isOf('recovering'));
    await execIn(container('recovering'), ['touch', '/ok']);

    const [broken, well] = await Promise.all([
      operator.untilRecord('shadow.followed', isOf('shadowed')),
      operator.untilRecord('shadow.followed', isOf('recovering')),
    ]);

    assert.equal(decided.data.message, 'would have called docker/restart_container (restart)');
    assert.equal(broken.data.selfRecovered, 'no');
    assert.equal(well.data.selfRecovered, 'yes');
    assert.equal(restarts('shadowed') + restarts('recovering'), 0);
    const [incident] = await operator.incidentsOf(stack.name('recovering'));
    assert.equal(incident?.resolution, 'SelfRecovered');
  });

  it('waits for the end of a denied window, or for a policy without one', async () => {
    await breakHealth(container('denied'));
    const message = await operator.untilRefused(stack.name('denied'), 'DeniedWindow');
    assert.match(message, new RegExp(`denied by ${ALWAYS_DENIED.replaceAll('*', '\\*')}`));
    assert.equal(restarts('denied'), 0);

    await operator.writePolicy(policyOf('denied', {}));
    const incident = await operator.untilIncident(
      stack.name('denied'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(restarts('denied'), 1);
  });

  it('waits for a person in mode Approve, and acts on the word of an operator alone', async () => {
    await breakHealth(container('approved'));
    const waiting = await operator.untilIncident(
      stack.name('approved'),
      ({ approval }) => approval?.state === 'Requested',
    );
    const path = `/api/v1/incidents/${waiting.name}/approve`;
    const candidate = waiting.approval?.candidate ?? '';
    const target = container('approved').id;
    const anonymous = await fetch(`${operator.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ candidate, container: target }),
    });
    assert.equal(anonymous.status, 401);
    const other = await operator.post(path, { candidate: 'restart-0', container: target });
    assert.equal(other.status, 409);
    assert.equal(restarts('approved'), 0);

    const answer = await operator.post(path, { candidate, container: target });
    assert.equal(answer.status, 200);
    const incident = await operator.untilIncident(
      stack.name('approved'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(restarts('approved'), 1);
    const all = await operator.recordsOf('approval.granted');
    const granted = all.filter(({ incident: about }) => about === waiting.name);
    assert.deepEqual(
      granted.map(({ actor, data }) => [actor, data.container]),
      [['operator:local', target]],
    );
  });

  it('does what was approved, and not what the policy has made of it since', async () => {
    await breakHealth(container('edited'));
    const asked = (not?: string) =>
      operator.untilIncident(
        stack.name('edited'),
        ({ approval }) => approval?.state === 'Requested' && approval.candidate !== not,
      );
    const { name, approval: first } = await asked();
    const stop = {
      name: RESTART.name,
      tool: 'docker/stop_container',
      arguments: { timeoutSeconds: 1 },
    };
    await operator.writePolicy(policyOf('edited', { mode: 'Approve', allowed: [stop] }));
    const { approval: second } = await asked(first?.candidate);
    const approve = (candidate = '') =>
      operator.post(`/api/v1/incidents/${name}/approve`, {
        candidate,
        container: container('edited').id,
      });
    assert.equal((await approve(first?.candidate)).status, 409);
    assert.deepEqual([second?.asked?.tool, second?.asked?.arguments], [stop.tool, stop.arguments]);

    assert.equal((await approve(second?.candidate)).status, 200);
    const { attempts } = await operator.untilIncident(
      stack.name('edited'),
      ({ attempts: all }) => all[0]?.outcome !== undefined,
    );

    assert.deepEqual(
      attempts.map(({ tool, outcome }) => [tool, outcome]),
      [[stop.tool, 'Succeeded']],
    );
    assert.equal(restarts('edited'), 0);
  });

  it('goes on without what a person denied', async () => {
    await breakHealth(container('refused'));
    const asked: string[] = [];
    for (const action of ['first', 'second', 'third']) {
      const { name, approval } = await operator.untilIncident(
        stack.name('refused'),
        (incident) =>
          incident.approval?.state === 'Requested' &&
          incident.approval.candidate.startsWith(`${action}-`),
      );
      const candidate = approval?.candidate ?? '';
      asked.push(candidate);
      const path = `/api/v1/incidents/${name}/deny`;
      assert.equal((await operator.post(path, { candidate, reason: 'no' })).status, 200);
    }

    const { name } = await operator.untilIncident(
      stack.name('refused'),
      ({ escalations }) => escalations.length > 0,
    );
    const requested = await operator.recordsOf('approval.requested');
    assert.deepEqual(
      requested.filter(({ incident }) => incident === name).map(({ data }) => data.candidate),
      asked,
    );
    assert.equal(restarts('refused'), 0);
  });
});
