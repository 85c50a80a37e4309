import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createFilesystemProbe } from '#adapters/system/filesystem-probe.ts';
import { createProber } from '#adapters/system/prober.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { Fleet } from '#controller/fleet.ts';
import { createSignalCollector } from '#controller/signals/signal-collector.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { policyWith } from '../support/signals.ts';

const NEVER = new AbortController().signal;
const MIB = 2 ** 20;
const clock = createSystemClock();
const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
/** No cgroup files are found there, so samples come from the stats API, as for most users. */
const runtime = createDockerRuntime({ connection, clock, hostRoot: '/nonexistent' });

let stack: TestStack;
let following: Following;
before(async () => {
  stack = await TestStack.open();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  connection[Symbol.dispose]();
});
afterEach(async () => following.stop());

/** The collector on the real engine, for the containers that it is told of. */
class Following {
  readonly fleet = new Fleet('box');
  readonly dropped: Record<string, number> = {};
  lines = 0;
  readonly warnings: string[] = [];
  readonly #ids = new Set<string>();
  readonly #collector;
  readonly #stop = new AbortController();
  #done: Promise<void> | undefined;
  #watching: Promise<void> | undefined;

  constructor(policy: CompiledPolicy) {
    this.#collector = createSignalCollector({
      runtime,
      clock,
      fleet: this.fleet,
      prober: createProber(),
      filesystem: createFilesystemProbe(),
      governing: () => ({ kind: 'governed', policy }),
      historyOf: () => emptyHistory(),
      cutMsOf: () => undefined,
      enqueue: () => undefined,
      nowMs: () => clock.wallMs(),
      daemonNowMs: () => clock.wallMs(),
      host: () => ({ cpus: 2, memoryBytes: 2 ** 32 }),
      listener: {
        onLogLines: (_, count) => {
          this.lines += count;
        },
        onLogLinesDropped: (_, reason, count) => {
          this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
        },
        onWarning: (message, cause) => this.warnings.push(`${message}: ${String(cause)}`),
      },
    });
  }

  /** Takes the containers in, and again after each of their events, as the controller does. */
  async start(...ids: string[]): Promise<void> {
    for (const id of ids) this.#ids.add(id);
    for (const id of this.#ids) await this.#look(id);
    this.#done = this.#collector.start(this.#stop.signal);
    const opened = Promise.withResolvers<void>();
    this.#watching = this.#watch(opened.resolve);
    await opened.promise;
  }

  view(suffix: string): WorkloadView {
    const view = this.fleet.views().get(`box/${stack.name(suffix)}`);
    assert.ok(view !== undefined);
    return view;
  }

  texts(suffix: string): string[] {
    const lines = this.#collector.recentLines(`box/${stack.name(suffix)}`);
    return lines.map(({ text }) => text);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#done, this.#watching]);
  }

  async #watch(onOpen: () => void): Promise<void> {
    for await (const event of runtime.events({ onOpen }, this.#stop.signal)) {
      if (this.#ids.has(event.containerId)) await this.#look(event.containerId);
    }
  }

  async #look(id: string): Promise<void> {
    const container = await runtime.inspect(id, NEVER);
    const nowMs = clock.wallMs();
    const key =
      container === undefined
        ? this.fleet.drop(id)
        : this.fleet.put(container, { nowMs, daemonMs: nowMs });
    this.#collector.reconcileWants(key);
  }
}

async function follow(thresholds: readonly Record<string, unknown>[], ...ids: string[]) {
  following = new Following(policyWith(thresholds));
  await following.start(...ids);
  return following;
}

const TICK = { name: 'tick', signal: 'log.matches', pattern: '^tick', above: 9, window: '10m' };

describe('signals on a real engine: logs', () => {
  for (const Tty of [false, true]) {
    it(`are followed across restarts, each line once and none from before (TTY ${Tty})`, async () => {
      const name = Tty ? 'tty' : 'plain';
      const container = await stack.container(name, {
        Tty,
        script:
          'n=0; trap "echo last words; exit 0" TERM; echo begin; ' +
          'while :; do n=$((n+1)); echo tick $n; sleep 0.1; done',
      });
      await eventually(async () => {
        const { State } = await container.inspect();
        return State.Running;
      });
      await new Promise((resolve) => setTimeout(resolve, 500));
      const followed = await follow([TICK], container.id);
      await eventually(() => followed.texts(name).length > 2);

      for (let round = 0; round < 3; round += 1) {
        await container.restart({ t: 5 });
        await eventually(() => count(followed.texts(name), 'begin') === round + 1);
        await eventually(() => (followed.texts(name).at(-1) ?? '').startsWith('tick'));
      }

      const texts = followed.texts(name);
      assert.notEqual(texts[0], 'begin');
      assert.equal(count(texts, 'last words'), 3);
      assertUnbroken(texts);
      const ticks = texts.filter((text) => text.startsWith('tick')).length;
      const counted = followed.view(name).logs?.matches('^tick', 0) ?? 0;
      assert.ok(Math.abs(counted - ticks) <= 1, `${counted} of ${ticks}`);
      await container.remove({ force: true });
    });
  }

  it('survive a flood: capped, counted, and its last words read', async () => {
    const container = await stack.container('flood', {
      script: 'while [ ! -e /tmp/go ]; do sleep 0.1; done; seq 1 200000; echo the end',
    });
    const followed = await follow([TICK], container.id);

    await touch(container, '/tmp/go');
    await eventually(() => followed.texts('flood').at(-1) === 'the end', { timeoutMs: 60_000 });
    const { dropped } = followed;
    await eventually(() => Number(dropped['ContainerRate']) > 0 && Number(dropped['Skipped']) > 0);

    assert.ok(followed.lines < 200_000, String(followed.lines));
    assert.deepEqual(followed.warnings, []);
    await container.remove({ force: true });
  });

  it('that the engine cannot read are unknown', async () => {
    const container = await stack.container('unread', {
      HostConfig: { LogConfig: { Type: 'none', Config: {} } },
    });

    const followed = await follow([TICK], container.id);
    await eventually(() => followed.warnings.length > 0);

    assert.equal(followed.view('unread').logs, undefined);
    await container.remove({ force: true });
  });
});

describe('signals on a real engine: gauges, probes, disks', () => {
  it('measures CPU and memory through the stats API', async () => {
    const container = await stack.container('busy', {
      script: 'while :; do :; done',
      HostConfig: { Memory: 64 * MIB, NanoCpus: 200_000_000 },
    });
    const thresholds = [
      { name: 'cpu', signal: 'cpu.utilization', above: 0.5 },
      { name: 'memory', signal: 'memory.utilization', above: 0.9 },
    ];

    const followed = await follow(thresholds, container.id);
    const cpu = await eventually(() => {
      const reading = followed.view('busy').gauges['cpu.utilization'];
      return reading?.kind === 'Value' && reading;
    });

    assert.ok(cpu.value > 0.5 && cpu.value < 1.3, String(cpu.value));
    assert.ok(Math.abs(clock.wallMs() - cpu.atMs) < 5_000);
    const memory = followed.view('busy').gauges['memory.utilization'];
    assert.ok(memory?.kind === 'Value' && memory.value > 0 && memory.value < 0.5);
    await container.remove({ force: true });
  });

  it('probes a service, and counts when it goes away', async () => {
    const container = await stack.container('httpd', {
      script:
        'mkdir -p /tmp/www; echo ok > /tmp/www/index.html; httpd -f -p 8080 -h /tmp/www & ' +
        'while [ ! -e /tmp/stop ]; do sleep 0.1; done; kill $!; while :; do sleep 0.1; done',
    });
    const probe = { port: 8080, interval: '300ms' };
    const thresholds = [
      { name: 'web', signal: 'probe.http', probe },
      { name: 'absent', signal: 'probe.http', probe: { ...probe, path: '/nothing' } },
      { name: 'port', signal: 'probe.tcp', probe },
    ];

    const followed = await follow(thresholds, container.id);
    const probes = () => followed.view('httpd').probes;
    await eventually(() => probes()['web']?.failures === 0 && probes()['port']?.failures === 0);
    await eventually(() => (probes()['absent']?.failures ?? 0) > 1);
    const absent = probes()['absent'];
    await touch(container, '/tmp/stop');
    await eventually(() => (probes()['web']?.failures ?? 0) > 2);

    assert.equal(absent?.message, 'answered with status 404');
    assert.match(probes()['web']?.message ?? '', /:8080 refused the connection$/);
    assert.match(probes()['port']?.message ?? '', /:8080 refused the connection$/);
    await container.remove({ force: true });
  });

  it('sees a disk that is full, one that is not, and one that is read-only', async () => {
    const container = await stack.container('disk', {
      HostConfig: { Tmpfs: { '/data': 'size=1m', '/spare': 'size=1m', '/fixed': 'ro,size=1m' } },
      script: 'dd if=/dev/zero of=/data/fill bs=64k 2>/dev/null; while :; do sleep 0.1; done',
    });
    await eventually(async () => {
      const { pid } = (await runtime.inspect(container.id, NEVER)) ?? {};
      return (pid ?? 0) > 0;
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const on = (name: string) => ({ name, signal: 'disk.writable', path: `/${name}` });

    const followed = await follow([on('data'), on('spare'), on('fixed')], container.id);
    const disks = await eventually(() => {
      const seen = followed.view('disk').disks;
      return Object.keys(seen).length === 3 && seen;
    });

    const values = Object.entries(disks).map(([path, reading]) => [
      path,
      reading.kind === 'Value' ? reading.value : reading.reason,
    ]);
    assert.deepEqual(Object.fromEntries(values), { '/data': 0, '/spare': 1, '/fixed': 0 });
    await container.remove({ force: true });
  });
});

/** Lets a script go on that waits for a file. */
async function touch(container: Docker.Container, path: string): Promise<void> {
  const exec = await container.exec({ Cmd: ['touch', path], AttachStdout: true });
  const output = await exec.start({});
  output.resume();
  await once(output, 'end');
}

function count(texts: readonly string[], wanted: string): number {
  return texts.filter((text) => text === wanted).length;
}

/** Within a run each tick is the one after the line before: none is lost and none comes twice. */
function assertUnbroken(texts: readonly string[]): void {
  let last: number | undefined;
  for (const text of texts) {
    if (text === 'begin') last = 0;
    if (!text.startsWith('tick')) continue;
    const number = Number(text.slice('tick '.length));
    if (last !== undefined) assert.equal(number, last + 1, texts.join(', '));
    last = number;
  }
}
