import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { TEST_IMAGE, TestStack } from '../support/engine.ts';
import { startEngineProxy } from '../support/engine-proxy.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  type EventRecorder,
  RESTART,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

/** Compose services that nobody's Compose would make. */
const HOSTILE = {
  control: 'a\u0000b\u0007\r\nc',
  ansi: '\u001b[2J\u001b[31mred',
  percent: '100%25/%2e%2e',
  slash: '../../etc/passwd',
  proto: '__proto__',
  surrogate: 'half \ud800 a pair',
  long: 'x'.repeat(4_000),
};
type Hostile = keyof typeof HOSTILE;

interface WorkloadItem {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly container: string };
  readonly status: {
    readonly governance: string;
    readonly policy?: string;
    readonly policies?: readonly string[];
    readonly state: string;
  };
}

/** One operator for all: each test has containers of its own. */
describe('selection', { concurrency: true }, () => {
  const closing = new AsyncDisposableStack();
  let stack: TestStack;
  let events: EventRecorder;
  let operator: SentinelProcess;
  const containers = new Map<string, Docker.Container>();

  before(async () => {
    stack = closing.use(await TestStack.open());
    events = closing.use(await recordEvents(stack));
    const add = async (suffix: string, labels: Record<string, string> = {}) => {
      const container = await aService(stack, suffix, { unchecked: true, Labels: labels });
      containers.set(suffix, container);
    };
    const compose = (service: string, more = {}) => ({
      ...stack.compose(stack.prefix, service),
      ...more,
    });
    await Promise.all([
      ...Object.entries(HOSTILE).map(([suffix, service]) => add(suffix, compose(service))),
      add('real', compose('web')),
      add('task', compose('web', { 'com.docker.compose.oneoff': 'True' })),
      add('twin-1', compose('twin')),
      add('twin-2', compose('twin')),
      add('tied'),
      add('chosen', { 'sre-sentinel.policy': 'right' }),
      add('canary'),
    ]);
    // What Compose leaves behind when it is interrupted in the middle of a recreation.
    const leftover = await stack.docker.createContainer({
      Image: TEST_IMAGE,
      name: `0123456789ab_${stack.name('real')}`,
      Cmd: ['sh', '-c', 'exit 3'],
      Labels: compose('web'),
    });
    await leftover.start();
    await leftover.wait();
    containers.set('leftover', leftover);
    const tied = {
      selector: { names: [stack.name('tied'), stack.name('chosen')] },
      priority: 10,
    };
    operator = closing.use(
      await SentinelProcess.start({
        policies: [
          aQuickPolicy(stack, {
            spec: { selector: { names: [`${stack.prefix}-*`, `*_${stack.prefix}-*`] } },
          }),
          aQuickPolicy(stack, { name: 'left', spec: tied }),
          aQuickPolicy(stack, { name: 'right', spec: tied }),
        ],
      }),
    );
  });
  after(() => closing.disposeAsync());

  const container = (name: string): Docker.Container =>
    containers.get(name) ?? assert.fail(`there is no container ${name}`);

  async function workloads(): Promise<WorkloadItem[]> {
    const { body } = await operator.get('/api/v1/workloads?limit=500');
    const { items } = body as { readonly items: readonly WorkloadItem[] };
    const names = new Set([...containers.keys()].map((suffix) => stack.name(suffix)));
    return items.filter(({ spec }) => names.has(spec.container));
  }

  it('mends containers whatever is in their labels, and keeps their keys apart', async () => {
    const names = Object.keys(HOSTILE) as Hostile[];
    await Promise.all(names.map((name) => crash(container(name), 3)));

    const incidents = await Promise.all(
      names.map((name) =>
        operator.untilIncident(stack.name(name), ({ resolution }) => resolution !== undefined),
      ),
    );

    assert.deepEqual(
      incidents.map(({ resolution }) => resolution),
      names.map(() => 'Remediated'),
    );
    assert.deepEqual(
      incidents.map(({ workload }) => workload.key.split('/').length),
      names.map(() => 4),
    );
    const keyOf = (name: Hostile) => incidents[names.indexOf(name)]?.workload.key;
    const prefix = `${HOST}/${stack.prefix}`;
    assert.equal(keyOf('slash'), `${prefix}/..%2F..%2Fetc%2Fpasswd/1`);
    assert.equal(keyOf('percent'), `${prefix}/100%2525%2F%252e%252e/1`);
    assert.equal(keyOf('proto'), `${prefix}/__proto__/1`);
    assert.equal(keyOf('ansi'), `${prefix}/%1B%5B2J%1B%5B31mred/1`);
    for (const { workload } of incidents) {
      assert.equal(
        (await operator.get(`/api/v1/workloads/${encodeURIComponent(workload.key)}`)).status,
        200,
        workload.key.slice(0, 100),
      );
    }
    const control = /[^\P{Cc}\t\n]/u;
    assert.ok(operator.logs.every((line) => !control.test(line.msg)));
    const verified = await operator.verifyJournal();
    assert.equal(verified.code, 0, verified.stdout);
    assert.doesNotMatch(verified.stdout, control);
  });

  it('takes neither a one-off run nor a leftover of Compose for the service', async () => {
    const real = (await workloads()).filter(
      ({ metadata }) => metadata.name === `${HOST}/${stack.prefix}/web/1`,
    );
    assert.deepEqual(
      real.map(({ spec, status }) => [spec.container, status.state]),
      [[stack.name('real'), 'running']],
    );
    await crash(container('task'), 4);
    await crash(container('real'), 3);

    const incident = await operator.untilIncident(
      stack.name('real'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(incident.workload.id, container('real').id);
    assert.equal(events.count(container('task'), 'start'), 1);
    assert.equal((await stateOf(container('task'))).Running, false);
    assert.equal((await stateOf(container('leftover'))).Running, false);
    assert.deepEqual(await operator.incidentsOf(stack.name('task')), []);
  });

  it('only observes what two containers claim to be', async () => {
    await crash(container('twin-1'), 3);
    await crash(container('canary'), 3);
    await operator.untilIncident(
      stack.name('canary'),
      ({ resolution }) => resolution === 'Remediated',
    );

    const twins = (await workloads()).filter(({ metadata }) =>
      metadata.name.startsWith(`${HOST}/${stack.prefix}/twin/`),
    );
    assert.deepEqual(
      twins.map(({ status }) => status.state),
      ['Ambiguous'],
    );
    assert.deepEqual(await operator.incidentsOf(stack.name('twin-1')), []);
    assert.equal((await stateOf(container('twin-1'))).Running, false);
    assert.equal((await stateOf(container('twin-2'))).Running, true);
  });

  it('leaves alone what two policies tie for, and lets a label choose between them', async () => {
    await crash(container('tied'), 3);
    await crash(container('chosen'), 3);

    const chosen = await operator.untilIncident(
      stack.name('chosen'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(chosen.policy.name, 'right');
    assert.equal(chosen.resolution, 'Remediated');
    assert.deepEqual(await operator.incidentsOf(stack.name('tied')), []);
    assert.equal((await stateOf(container('tied'))).Running, false);
    const tied = (await workloads()).find(({ spec }) => spec.container === stack.name('tied'));
    assert.equal(tied?.status.governance, 'PolicyConflict');
    assert.deepEqual(tied.status.policies, ['left', 'right']);
    const { body } = await operator.get('/api/v1/policies');
    const { items } = body as {
      items: {
        metadata: { name: string };
        status: { conditions: { type: string; status: string }[] };
      }[];
    };
    const inConflict = items
      .filter(({ status }) =>
        status.conditions.some((one) => one.type === 'Conflict' && one.status === 'True'),
      )
      .map(({ metadata }) => metadata.name);
    assert.deepEqual(inConflict, ['left', 'right']);
    // It is told once: at the next of the looks that are ten seconds apart.
    const told = () => operator.logs.filter(({ msg }) => msg.includes('the same priority tie'));
    for (let looks = 0; looks < 100 && told().length === 0; looks += 1) await sleep(250);
    assert.deepEqual(
      told().map(({ level, workload }) => [level, workload]),
      [['warn', tied.metadata.name]],
    );
  });
});

describe('a policy folder', () => {
  it('keeps its last good state while a file is broken, and does nothing without a policy', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    const other = await aService(stack, 'other', { unchecked: true });
    const only = (name: string) =>
      aQuickPolicy(stack, { name, spec: { selector: { names: [stack.name(name)] } } });
    await using operator = await SentinelProcess.start({ policies: [only('job')] });
    const untilMended = (name: string) =>
      operator.untilIncident(stack.name(name), ({ resolution }) => resolution !== undefined);

    await writeFile(operator.policyFile('job'), 'spec: { thresholds: [ { signal: helth');
    await operator.untilRecord('policy.loaded', ({ data }) => data.problems > 0);
    await crash(job, 3);
    const incident = await untilMended('job');
    assert.equal(incident.resolution, 'Remediated');
    const { body } = await operator.get('/api/v1/policies');
    assert.match(JSON.stringify(body), /"Stalled","status":"True"/);

    await rm(operator.policyFile('job'));
    await operator.untilRecord('policy.loaded', ({ data }) => data.policies.length === 0);
    await crash(job, 4);
    await job.wait();
    await operator.writePolicy(only('other'));
    await operator.untilRecord('policy.loaded', ({ data }) => data.policies[0]?.name === 'other');
    await crash(other, 5);
    await untilMended('other');

    assert.equal((await stateOf(job)).Running, false);
    assert.equal((await operator.incidentsOf(stack.name('job')))[0]?.attempts.length, 1);
  });

  it('that is switched to Shadow lets the action under way end, and begins no other', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web', { stubborn: true });
    await untilHealth(web, 'healthy');
    await using events = await recordEvents(stack);
    const remediation = {
      allowed: [RESTART, { ...RESTART, name: 'again' }],
      verify: { within: '3s', healthyFor: '1s' },
    };
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation })],
    });
    await breakHealth(web);
    await operator.untilRecord('remediation.intended');

    await operator.writePolicy(
      aQuickPolicy(stack, { remediation: { ...remediation, mode: 'Shadow' } }),
    );
    await operator.untilRecord('verification.failed');
    const decided = await operator.untilRecord('shadow.decided');

    assert.equal(decided.data.action, 'again');
    assert.equal(events.count(web, 'restart'), 1);
    const [incident] = await operator.incidentsOf(stack.name('web'));
    assert.equal(incident?.resolution, undefined);
  });
});

describe('an incident', () => {
  it('ends with the removal of its container, which is not a change of policy', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: { mode: 'Approve' } })],
    });
    await breakHealth(web);
    await operator.untilIncident(stack.name('web'));

    await web.remove({ force: true });
    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.equal(incident.resolution, 'HumanAction');
  });
});

describe('what the operator itself depends on', () => {
  it('is never acted on: a container that its Redis is reached through', async () => {
    await using stack = await TestStack.open();
    const redis = await aService(stack, 'redis', {
      ExposedPorts: { '6379/tcp': {} },
      HostConfig: { PortBindings: { '6379/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] } },
    });
    await untilHealth(redis, 'healthy');
    const { Ports } = (await redis.inspect()).NetworkSettings;
    const port = Ports['6379/tcp']?.[0]?.HostPort ?? assert.fail('no port is published');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { REDIS_URL: `redis://127.0.0.1:${port}` },
    });

    await breakHealth(redis);
    const message = await operator.untilRefused(stack.name('redis'), 'SelfProtection');

    assert.match(message, /is its Redis$/);
    assert.equal(events.count(redis, 'restart'), 0);
  });

  it('is never acted on: a container that it reaches the engine through', async () => {
    await using stack = await TestStack.open();
    await using proxy = await startEngineProxy();
    // It publishes the same port on another loopback address: to the operator, the way to Docker.
    const gate = await aService(stack, 'gate', {
      ExposedPorts: { '2375/tcp': {} },
      HostConfig: {
        PortBindings: { '2375/tcp': [{ HostIp: '127.0.0.2', HostPort: String(proxy.port) }] },
      },
    });
    await untilHealth(gate, 'healthy');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
    });

    await breakHealth(gate);
    const message = await operator.untilRefused(stack.name('gate'), 'SelfProtection');

    assert.match(message, /is its way to Docker$/);
    assert.equal(events.count(gate, 'restart'), 0);
  });
});
