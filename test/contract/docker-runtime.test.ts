import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { LogsUnavailableError, RuntimeUnavailableError } from '#core/errors.ts';
import { gaugesOf } from '#core/health/metrics.ts';
import type { RawSample } from '#core/health/sample.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import { eventually, TestStack } from '../support/engine.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const clock = { bootMs: () => Math.round(performance.now()) };
const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
const runtime = createDockerRuntime({ connection, clock });
/** No cgroup files are found there, so every sample comes from the stats API. */
const runtimeByApi = createDockerRuntime({ connection, clock, hostRoot: '/nonexistent' });

let stack: TestStack;
before(async () => {
  stack = await TestStack.open();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  connection[Symbol.dispose]();
});

async function inspected(id: string): Promise<ObservedContainer> {
  const container = await runtime.inspect(id, never);
  assert.ok(container !== undefined);
  return container;
}

describe('docker runtime: state', () => {
  it('tells what engine answers, by the negotiated version', async () => {
    const info = await runtime.info(never);

    const { stdout } = await run('docker', ['version', '--format', '{{.Server.APIVersion}}']);
    assert.equal(info.apiVersion, stdout.trim() < '1.44' ? stdout.trim() : '1.44');
    assert.ok(info.engineId.length > 8);
    assert.ok(info.cpus >= 1 && info.memoryBytes > 2 ** 26);
    assert.ok(Math.abs(info.systemTimeMs - Date.now()) < 60_000);
  });

  it('lists containers that run and that do not, with the health in the status line', async () => {
    const Healthcheck = { Test: ['CMD', 'true'], Interval: 200_000_000, Timeout: 2_000_000_000 };
    const running = await stack.container('listed', { Healthcheck, Labels: { tier: 'web' } });
    const created = await stack.container('listed-created', { start: false });

    const mine = await eventually(async () => {
      const all = await runtime.list(never);
      const found = all.filter(({ id }) => id === running.id || id === created.id);
      return found.some(({ healthInStatus }) => healthInStatus === 'healthy') && found;
    });

    const [web, idle] = mine.toSorted((a, b) => a.name.length - b.name.length);
    assert.equal(web?.name, stack.name('listed'));
    assert.equal(web?.state, 'running');
    assert.equal(web?.labels['tier'], 'web');
    assert.equal(idle?.state, 'created');
    assert.equal(idle?.healthInStatus, undefined);
    await running.remove({ force: true });
  });

  it('inspects a container by id and by name, and calls an unknown one gone', async () => {
    const container = await stack.container('inspected', {
      Env: ['TOKEN=secret', 'A=b=c'],
      Healthcheck: { Test: ['CMD', 'false'], Interval: 100_000_000, Timeout: 2e9, Retries: 2 },
      HostConfig: {
        Memory: 64 * 2 ** 20,
        NanoCpus: 500_000_000,
        PidsLimit: 20,
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
        ReadonlyRootfs: true,
      },
      StopTimeout: 3,
    });

    const byId = await eventually(async () => {
      const seen = await inspected(container.id);
      return seen.health?.status === 'unhealthy' && seen;
    });
    const byName = await inspected(stack.name('inspected'));

    assert.equal(byName.id, container.id);
    assert.equal(byId.state, 'running');
    assert.deepEqual(byId.envNames, ['TOKEN', 'A']);
    assert.equal(JSON.stringify(byId).includes('secret'), false);
    assert.deepEqual(byId.limits, {
      memoryBytes: 64 * 2 ** 20,
      memorySwapBytes: 128 * 2 ** 20,
      nanoCpus: 500_000_000,
      pids: 20,
    });
    assert.deepEqual(byId.restartPolicy, { name: 'on-failure', maximumRetryCount: 3 });
    assert.equal(byId.stopTimeoutSeconds, 3);
    assert.equal(byId.readOnlyRootFilesystem, true);
    assert.equal(byId.health?.check.intervalMs, 100);
    assert.equal(byId.health?.lastRun?.exitCode, 1);
    assert.ok((byId.startedAtMs ?? 0) > Date.now() - 60_000);
    assert.equal(byId.finishedAtMs, undefined);
    assert.equal(await runtime.inspect(stack.name('unknown'), never), undefined);
    await container.remove({ force: true });
  });

  it('cannot be led to another path by a name', async () => {
    for (const ref of ['../info?', '..', '', 'a/b', '.']) {
      assert.equal(await runtime.inspect(ref, never), undefined);
    }
  });
});

describe('docker runtime: events', () => {
  it('delivers the lifecycle of a container, health included and probes left out', async () => {
    const stop = new AbortController();
    const opened = Promise.withResolvers<void>();
    const events: RuntimeEvent[] = [];
    const reading = (async () => {
      for await (const event of runtime.events({ onOpen: opened.resolve }, stop.signal)) {
        if (event.name.startsWith(stack.prefix)) events.push(event);
      }
    })();
    await opened.promise;
    const container = await stack.container('eventful', {
      Healthcheck: { Test: ['CMD', 'false'], Interval: 100_000_000, Timeout: 2e9, Retries: 1 },
      Labels: { tier: 'web' },
      script: 'trap "exit 7" TERM; while :; do sleep 0.1; done',
    });
    await eventually(() => events.some(({ action }) => action === 'health_status'));
    await container.rename({ name: stack.name('renamed') });

    await container.restart({ t: 5 });
    await container.remove({ force: true });
    await eventually(() => events.some(({ action }) => action === 'destroy'));
    stop.abort();
    await reading;

    const actions = events.map(({ action }) => action).filter((name) => name !== 'health_status');
    const lifecycle = ['create', 'start', 'rename', 'kill', 'die', 'stop', 'start', 'restart'];
    assert.deepEqual(actions.slice(0, 8), lifecycle);
    const die = events.find(({ action }) => action === 'die');
    assert.equal(die?.exitCode, 7);
    assert.equal(die?.labels['tier'], 'web');
    assert.equal(die?.labels['image'], undefined);
    assert.equal(events.find(({ action }) => action === 'kill')?.signal, '15');
    const rename = events.find(({ action }) => action === 'rename');
    assert.equal(rename?.oldName, stack.name('eventful'));
    for (const { timeNano, containerId } of events) {
      assert.match(timeNano, /^\d{19}$/);
      assert.equal(containerId, container.id);
    }

    // The replay is inclusive, by the exact nanosecond.
    const past = await runtime.pastEvents(die?.timeNano ?? '', Date.now(), never);
    const replayed = past.filter(({ containerId }) => containerId === container.id);
    assert.deepEqual(replayed[0], die);
    assert.equal(replayed.at(-1)?.action, 'destroy');
  });

  it('tells since when the daemon has forgotten nothing', async () => {
    const container = await stack.container('forgotten', { start: false });
    const { State, Created } = await container.inspect();
    // Each renaming is an event; the daemon keeps 256 of all kinds.
    for (let times = 0; times < 260; times += 1) {
      await container.rename({ name: stack.name(`forgotten-${times}`) });
    }

    const kept = Number(BigInt(await runtime.eventsKeptSince(never)) / 1_000_000n);

    assert.equal(State.Status, 'created');
    assert.ok(kept > Date.parse(Created) && kept <= Date.now() + 1_000, String(kept));
  });
});

describe('docker runtime: logs', () => {
  async function read(id: string, query: Partial<Parameters<typeof runtime.logs>[1]> = {}) {
    const lines: LogLine[] = [];
    const options = { tty: false, follow: false, ...query };
    for await (const line of runtime.logs(id, options, never)) lines.push(line);
    return lines;
  }

  for (const tty of [false, true]) {
    const kind = tty ? 'a terminal' : 'pipes';
    it(`follows ${kind} across a restart, without a line lost or doubled`, async () => {
      const container = await stack.container(`logs-${tty}`, {
        Tty: tty,
        // Each run numbers its lines, and ends without a line break.
        script:
          'n=$(cat /tmp/n 2>/dev/null || echo 0); for i in 1 2 3 4 5; do n=$((n+1)); ' +
          'echo "line $n"; done; echo $n > /tmp/n; printf "last %s" $n; exit 0',
        start: false,
      });

      const seen: LogLine[] = [];
      for (let runs = 0; runs < 3; runs += 1) {
        await container.start();
        const after = seen.at(-1)?.timestamp;
        const query = { tty, follow: true, ...(after !== undefined && { after }) };
        seen.push(...(await read(container.id, query)));
        await container.wait();
      }

      const texts = seen.map(({ text }) => text);
      const expected = [0, 5, 10].flatMap((first) => [
        ...[1, 2, 3, 4, 5].map((step) => `line ${first + step}`),
        `last ${first + 5}`,
      ]);
      assert.deepEqual(texts, expected);
    });

    it(`joins a long line of ${kind} up to the cap, and cuts one beyond it`, async () => {
      const runtimeOfLongLines = createDockerRuntime({
        connection,
        clock,
        logLineBytesMax: 50_000,
      });
      const container = await stack.container(`long-${tty}`, {
        Tty: tty,
        script:
          "head -c 50000 /dev/zero | tr '\\0' a; echo; head -c 60000 /dev/zero | tr '\\0' b; echo; echo end",
      });
      await container.wait();

      const lines: LogLine[] = [];
      const query = { tty, follow: false };
      for await (const line of runtimeOfLongLines.logs(container.id, query, never)) {
        lines.push(line);
      }

      const facts = lines.map(({ text, truncated }) => [text[0], text.length, truncated]);
      assert.deepEqual(facts, [
        ['a', 50_000, false],
        ['b', 50_000, true],
        ['e', 3, false],
      ]);
      assert.equal(new Set(lines[0]?.text).size, 1);
    });
  }

  it('keeps the streams apart and takes the newest lines only', async () => {
    const container = await stack.container('streams', {
      script: 'for i in 1 2 3; do echo out$i; sleep 0.05; echo err$i >&2; sleep 0.05; done',
    });
    await container.wait();

    const lines = await read(container.id, { tail: 3 });

    const facts = lines.map(({ stream, text }) => `${stream} ${text}`);
    assert.deepEqual(facts, ['stderr err2', 'stdout out3', 'stderr err3']);
  });

  it('ends a follow quietly when the signal fires', async () => {
    const container = await stack.container('follow', { script: 'echo up; exec sleep 1000' });
    const stop = new AbortController();

    const lines: string[] = [];
    const query = { tty: false, follow: true };
    for await (const { text } of runtime.logs(container.id, query, stop.signal)) {
      lines.push(text);
      stop.abort();
    }

    assert.deepEqual(lines, ['up']);
    await container.remove({ force: true });
  });

  it('says when a log driver cannot be read', async () => {
    const container = await stack.container('mute', {
      HostConfig: { LogConfig: { Type: 'none', Config: {} } },
    });

    await assert.rejects(read(container.id), LogsUnavailableError);
    await container.remove({ force: true });
  });
});

describe('docker runtime: samples', () => {
  /** Anonymous memory, active and inactive page cache, some CPU, three processes. */
  const BUSY =
    'head -c 30000000 /dev/zero > /tmp/f; cat /tmp/f /tmp/f > /dev/null; ' +
    'head -c 20000000 /dev/zero > /tmp/g; sleep 1000 & sleep 1000 & ' +
    'while :; do i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.1; done';

  it('agrees with docker stats, from cgroup files as from the stats API', async () => {
    const container = await stack.container('busy', {
      script: BUSY,
      HostConfig: { Memory: 100 * 2 ** 20, NanoCpus: 500_000_000, PidsLimit: 50 },
    });
    await eventually(async () => {
      const { memory } = (await runtime.sample(await inspected(container.id), never)) ?? {};
      return (memory?.usageBytes ?? 0) > 50_000_000;
    });
    const observed = await inspected(container.id);
    const info = await runtime.info(never);

    const sources = { files: runtime, api: runtimeByApi };
    const shown = await Promise.all(
      Object.entries(sources).map(async ([name, source]) => {
        const first = await source.sample(observed, never);
        const { stdout } = await run('docker', [
          'stats',
          '--no-stream',
          '--format',
          '{{.MemUsage}}|{{.PIDs}}|{{.CPUPerc}}',
          container.id,
        ]);
        const second = await source.sample(observed, never);
        assert.ok(first !== undefined && second !== undefined, name);
        const gauges = gaugesOf(first, second, observed.limits, info);
        return { name, gauges, stdout, second };
      }),
    );

    for (const { name, gauges, stdout, second } of shown) {
      const [memory = '', pids = '', cpu = ''] = stdout.trim().split('|');
      const workingSetMiB = numberOf(gauges['memory.workingSet']) / 2 ** 20;
      const shownMiB = Number.parseFloat(memory);
      assert.ok(Math.abs(workingSetMiB - shownMiB) < 3, `${name} ${workingSetMiB} ${memory}`);
      // The script's own `sleep` comes and goes.
      const processes = second.pids?.current ?? 0;
      assert.ok(Math.abs(processes - Number(pids)) <= 1, `${name} ${processes} ${pids}`);
      // docker stats: per cent of one processor; the gauge: share of a limit of half a processor.
      const cores = numberOf(gauges['cpu.utilization']) * 0.5;
      assert.ok(
        cores > 0 && Math.abs(cores - Number.parseFloat(cpu) / 100) < 0.25,
        `${cores} ${cpu}`,
      );
      // Active cache is reclaimable: it counts in the working set, not here.
      const hard = numberOf(gauges['memory.utilization']) * 100;
      assert.ok(hard < workingSetMiB - 20, `${name}: ${hard} of 100 MiB, ${workingSetMiB} MiB`);
      assert.equal(numberOf(gauges['pids.utilization']), processes / 50);
      assert.equal(gauges['cpu.throttled'].kind, 'Value');
      assert.equal(gauges['network.rx'].kind, 'Value');
    }
    await container.remove({ force: true });
  });

  it('reads the same counters from files and from the API', async () => {
    const container = await stack.container('idle', {
      script: 'head -c 5000000 /dev/zero > /tmp/f; exec sleep 1000',
    });
    const observed = await eventually(async () => {
      const seen = await inspected(container.id);
      const { pids, memory } = (await runtime.sample(seen, never)) ?? {};
      return pids?.current === 1 && (memory?.usageBytes ?? 0) > 5_000_000 && seen;
    });

    const files = await runtime.sample(observed, never);
    const api = await runtimeByApi.sample(observed, never);

    assert.ok(files !== undefined && api !== undefined);
    assert.deepEqual(Object.keys(files).toSorted(), Object.keys(api).toSorted());
    assert.equal(files.cpu?.onlineCpus, api.cpu?.onlineCpus);
    assert.deepEqual(files.pids, api.pids);
    assert.equal(files.startedAtMs, api.startedAtMs);
    assertNear(files, api, ({ cpu }) => cpu?.totalNs, 20_000_000);
    assertNear(files, api, ({ memory }) => memory?.usageBytes, 2 ** 20);
    assertNear(files, api, ({ memory }) => memory?.inactiveFileBytes, 2 ** 20);
    assertNear(files, api, ({ memory }) => memory?.activeFileBytes, 2 ** 20);
    assertNear(files, api, ({ network }) => network?.rxBytes, 2_000);
    assertNear(files, api, ({ blkio }) => blkio?.writeBytes, 2 ** 23);
    await container.remove({ force: true });
  });

  it('has no sample of a container that is gone, stopped, or never ran', async () => {
    const container = await stack.container('short', { script: 'exec sleep 1000' });
    const whileItRan = await inspected(container.id);
    await container.stop({ t: 0 });
    const stopped = await inspected(container.id);
    const created = await stack.container('unborn', { start: false });

    assert.equal(await runtime.sample(whileItRan, never), undefined);
    assert.equal(await runtime.sample(stopped, never), undefined);
    assert.equal(await runtime.sample(await inspected(created.id), never), undefined);
    await container.remove({ force: true });
    assert.equal(await runtime.sample(whileItRan, never), undefined);
  });

  it('has no network figures for the host network', async () => {
    const container = await stack.container('hostnet', { HostConfig: { NetworkMode: 'host' } });
    const observed = await inspected(container.id);

    for (const source of [runtime, runtimeByApi]) {
      const sample = await source.sample(observed, never);

      assert.ok(sample?.cpu !== undefined);
      assert.equal(sample.network, undefined);
    }
    await container.remove({ force: true });
  });
});

it('an engine that is not there is unavailable, with the cause kept', async () => {
  const nowhere = createDockerConnection({ DOCKER_HOST: 'unix:///nonexistent/docker.sock' });
  const absent = createDockerRuntime({ connection: nowhere, clock });

  await assert.rejects(absent.info(never), (error) => {
    assert.ok(error instanceof RuntimeUnavailableError);
    assert.equal((error.cause as { code?: string }).code, 'ENOENT');
    return true;
  });
});

function numberOf(reading: ReturnType<typeof gaugesOf>['cpu.utilization']): number {
  assert.ok(reading.kind === 'Value', JSON.stringify(reading));
  return reading.value;
}

function assertNear(
  left: RawSample,
  right: RawSample,
  read: (sample: RawSample) => number | undefined,
  tolerance: number,
): void {
  const [a, b] = [read(left), read(right)];
  assert.ok(a !== undefined && b !== undefined, String(read));
  assert.ok(Math.abs(a - b) <= tolerance, `${String(read)}: ${a} and ${b}`);
}
