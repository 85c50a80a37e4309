import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import type Docker from 'dockerode';
import { eventually, TestStack, testDocker } from '../support/engine.ts';
import { metricOf } from '../support/metrics.ts';
import { peakMemoryOf } from '../support/process-memory.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, execIn, recordEvents, stateOf } from '../support/workloads.ts';

/** About 25 s to make and 8 s to remove on two busy cores. */
const CONTAINERS = 150;
/** So many requests to the engine at a time: more gain nothing. */
const AT_ONCE = 8;
/** Incidents that are no storm yet. */
const ABOVE = 5;
/** So many are still broken when the storm is over. */
const LEFT = 3;
/** Three times what it takes. */
const MEMORY_BYTES_MAX = 512 * 2 ** 20;

async function inBatches<Value>(
  values: Iterable<Value>,
  work: (value: Value) => Promise<unknown>,
): Promise<void> {
  // One iterator for all lanes: each takes the next that nobody has.
  const rest = Iterator.from(values);
  const lane = async () => {
    for (const value of rest) await work(value);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

interface Gate extends AsyncDisposable {
  readonly binds: string[];
}

/** A volume with a pipe: whoever reads of it blocks, at no cost, until somebody writes. */
async function aGate(docker: Docker): Promise<Gate> {
  const name = `sst-gate-${randomBytes(4).toString('hex')}`;
  await docker.createVolume({ Name: name });
  return {
    binds: [`${name}:/gate`],
    async [Symbol.asyncDispose]() {
      await docker.getVolume(name).remove();
    },
  };
}

interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: { readonly kind: string }[];
}

async function aReceiver(): Promise<Receiver> {
  const received: { kind: string }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      received.push(JSON.parse(text) as { kind: string });
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function stormActive(operator: SentinelProcess): Promise<string | undefined> {
  const { body } = await operator.get('/api/v1/policies');
  const { items } = body as {
    items: { status: { conditions: { type: string; status: string }[] } }[];
  };
  return items[0]?.status.conditions.find(({ type }) => type === 'StormActive')?.status;
}

describe('a storm', () => {
  it('of many containers that fail at once is told once, and braked until it is over', async (t) => {
    await using gate = await aGate(testDocker());
    await using stack = await TestStack.open();
    await using events = await recordEvents(stack);
    await using onCall = await aReceiver();
    await using channel = await aReceiver();
    // Its name is none that the policy selects: it is the one who opens the gate.
    const porter = await stack.container('gate', {
      script: 'mkfifo /gate/pipe; trap "exit 0" TERM; while :; do sleep 1; done',
      HostConfig: { NetworkMode: 'none', Binds: gate.binds },
    });
    const containers = new Map<string, Docker.Container>();
    const beganMs = performance.now();
    await inBatches(Array(CONTAINERS).keys(), async (index) => {
      const script = 'read line < /gate/pipe; exit 3';
      const HostConfig = { NetworkMode: 'none', Binds: gate.binds };
      const container = await stack.container(`many-${index}`, { script, HostConfig });
      containers.set(stack.name(`many-${index}`), container);
    });
    t.diagnostic(`${CONTAINERS} containers in ${(performance.now() - beganMs).toFixed(0)} ms`);
    await using operator = await SentinelProcess.start({
      policies: [
        aQuickPolicy(stack, {
          spec: { selector: { names: [`${stack.prefix}-many-*`] }, notify: ['on-call', 'channel'] },
          remediation: {
            storm: { above: ABOVE, within: '1m', coolFor: '20s' },
            verify: { within: '20s', healthyFor: '1s' },
          },
        }),
      ],
      config: {
        notifiers: {
          'on-call': { webhook: { url: onCall.url }, level: 'escalated' },
          channel: { webhook: { url: channel.url }, level: 'warning' },
        },
      },
    });

    const before = events.seen.length;
    await execIn(porter, ['sh', '-c', ': > /gate/pipe']);
    const opened = () => metricOf(operator, 'sentinel_incidents_total');
    await eventually(async () => (await opened()) === CONTAINERS, {
      what: 'an incident for each',
      timeoutMs: 60_000,
      everyMs: 250,
    });

    // Few actions, and nothing more while the storm lasts.
    assert.equal(await stormActive(operator), 'True');
    const seen = events.seen.slice(before);
    const started = seen.filter(({ action }) => action === 'start').length;
    assert.ok(started <= ABOVE, `${started} containers were started in the storm`);
    const failed = await operator.recordsOf('workload.observed');
    const crashed = failed.filter(({ data }) => data.cause === 'Crash' && data.exitCode === 3);
    assert.ok(new Set(crashed.map(({ workload }) => workload)).size === CONTAINERS);
    const incidents = await operator.recordsOf('incident.opened');
    assert.equal(new Set(incidents.map(({ workload }) => workload)).size, CONTAINERS);
    assert.equal(incidents.length, CONTAINERS);
    const escalated = await operator.recordsOf('incident.escalated');
    assert.deepEqual(
      escalated.map(({ data }) => data.reason),
      ['StormActive'],
    );
    assert.ok((await metricOf(operator, 'sentinel_remediations_blocked_total', 'StormActive')) > 0);
    // One notice for those who are on call; for whoever wants all of it, digests.
    await eventually(() => onCall.received.length > 0, { what: 'a notice' });
    assert.deepEqual(
      onCall.received.map(({ kind }) => kind),
      ['storm'],
    );
    assert.ok(channel.received.length <= 30, `${channel.received.length} messages`);

    // All but a few failures are over: somebody takes the containers away.
    const intended = await operator.recordsOf('remediation.intended');
    const acted = new Set(intended.map(({ workload }) => workload));
    assert.ok(acted.size <= ABOVE);
    const untouched = [...containers].filter(([name]) => !acted.has(`${HOST}/${name}`));
    const [left, gone] = [untouched.slice(0, LEFT), untouched.slice(LEFT)];
    await inBatches(gone, ([, container]) => container.remove({ force: true }));
    const untilHealed = ([name]: readonly [string, Docker.Container]) =>
      operator.untilIncident(name, ({ resolution }) => resolution !== undefined, 60_000);
    const healed = await Promise.all(left.map(untilHealed));

    assert.deepEqual(
      healed.map(({ resolution, attempts }) => [resolution, attempts.length]),
      left.map(() => ['Remediated', 1]),
    );
    for (const [, container] of left) {
      assert.equal((await stateOf(container)).Running, true);
      assert.equal(events.count(container, 'start'), 2);
    }
    assert.equal(await stormActive(operator), 'False');
    await eventually(async () => (await metricOf(operator, 'sentinel_incidents_open')) === 0, {
      what: 'no open incident',
    });
    assert.equal((await operator.recordsOf('incident.escalated')).length, 1);
    const peakBytes = await peakMemoryOf(operator.pid);
    t.diagnostic(`at most ${Math.round(peakBytes / 2 ** 20)} MiB resident`);
    assert.ok(peakBytes < MEMORY_BYTES_MAX);
    assert.equal(await operator.stop(), 0);
    assert.equal((await operator.verifyJournal()).code, 0);
  });
});
