/**
 * What observing containers costs, for this process and for the engine (dockerd, containerd and
 * its shims): a stats stream for each, polling one-shot stats, reading cgroup files.
 *
 *     node bench/observe.ts [containers=50] [seconds=60]
 *
 * It makes idle containers on the engine of the default socket and removes them at the end. The
 * engine's CPU is all that it uses meanwhile, so nothing else should use it; what it uses while
 * nothing is observed is measured first and taken off.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createLineSplitter } from '#adapters/docker/lines.ts';
import { parseStats } from '#adapters/docker/stats-body.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { TestStack } from '../test/support/engine.ts';

const POLL_MS = 10_000;
const TICKS_PER_SECOND = 100;
const ENGINE_COMMANDS = /^(?:dockerd|containerd(?:-shim.*)?)$/;

const count = Number(process.argv[2] ?? 50);
const seconds = Number(process.argv[3] ?? 60);
const never = new AbortController().signal;
const clock = { bootMs: () => Math.round(performance.now()) };
using connection = createDockerConnection();
const byFiles = createDockerRuntime({ connection, clock });
const byApi = createDockerRuntime({ connection, clock, hostRoot: '/nonexistent' });

interface Cost {
  /** CPU seconds a minute. */
  readonly ours: number;
  readonly engine: number;
  readonly samples: number;
}

await using stack = await TestStack.open();
const containers = await makeContainers(count);
await sleep(5_000);

const phases = {
  nothing: () => Promise.resolve(0),
  'stats streams': (stop: AbortSignal) => readStreams(containers, stop),
  'one-shot stats': (stop: AbortSignal) => poll(containers, byApi, stop),
  'cgroup files': (stop: AbortSignal) => poll(containers, byFiles, stop),
};
// Compiling our own code is not what is measured.
for (const observe of Object.values(phases)) {
  const stop = new AbortController();
  const warm = observe(stop.signal);
  await sleep(3_000);
  stop.abort();
  await warm;
}
const costs = new Map<string, Cost>();
for (const [name, observe] of Object.entries(phases)) costs.set(name, await measure(observe));

report(costs);

async function makeContainers(wanted: number): Promise<readonly ObservedContainer[]> {
  const made: ObservedContainer[] = [];
  for (let index = 0; index < wanted; index += 1) {
    const { id } = await stack.container(`c${index}`, { Cmd: ['sleep', '100000'] });
    const observed = await byApi.inspect(id, never);
    if (observed !== undefined) made.push(observed);
  }
  return made;
}

async function measure(observe: (stop: AbortSignal) => Promise<number>): Promise<Cost> {
  const stop = new AbortController();
  const engineBefore = await engineSeconds();
  const before = process.cpuUsage();
  const observing = observe(stop.signal);
  await sleep(seconds * 1_000);
  const spent = process.cpuUsage(before);
  const engine = (await engineSeconds()) - engineBefore;
  stop.abort();

  const perMinute = 60 / seconds;
  const samples = await observing;
  await sleep(2_000);
  return {
    ours: ((spent.user + spent.system) / 1e6) * perMinute,
    engine: engine * perMinute,
    samples: samples * perMinute,
  };
}

async function readStreams(
  observed: readonly ObservedContainer[],
  stop: AbortSignal,
): Promise<number> {
  let samples = 0;
  await Promise.all(
    observed.map(async ({ id, startedAtMs = 0 }) => {
      const call = {
        method: 'GET',
        path: `/containers/${id}/stats`,
        query: { stream: 'true' },
      } as const;
      const opened = await connection.open(call, stop);
      if (!('chunks' in opened)) throw new Error(opened.message);
      const splitter = createLineSplitter(2 ** 20);
      for await (const chunk of opened.chunks) {
        for (const { bytes } of splitter.push(chunk)) {
          const at = { atMs: clock.bootMs(), startedAtMs };
          if (parseStats(JSON.parse(bytes.toString()), at) !== undefined) samples += 1;
        }
      }
    }),
  );
  return samples;
}

async function poll(
  observed: readonly ObservedContainer[],
  runtime: typeof byApi,
  stop: AbortSignal,
): Promise<number> {
  let samples = 0;
  while (!stop.aborted) {
    // All at once: each one-shot answer waits for the engine's next second.
    const read = await Promise.all(observed.map((one) => runtime.sample(one, never)));
    samples += read.filter((sample) => sample !== undefined).length;
    await sleep(POLL_MS, undefined, { signal: stop }).catch(() => undefined);
  }
  return samples;
}

/** CPU time of the engine's processes since they started. */
async function engineSeconds(): Promise<number> {
  let ticks = 0;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const [, command = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    if (!ENGINE_COMMANDS.test(command)) continue;
    const fields = rest.split(' ');
    // utime and stime, fields 14 and 15 of proc(5).
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / TICKS_PER_SECOND;
}

function report(measured: ReadonlyMap<string, Cost>): void {
  const idle = measured.get('nothing') ?? { ours: 0, engine: 0, samples: 0 };
  const netOf = ({ ours, engine }: Cost) =>
    Math.max(0, ours - idle.ours) + Math.max(0, engine - idle.engine);
  const files = measured.get('cgroup files') ?? idle;
  console.log(`${containers.length} containers, ${seconds} s each; CPU seconds a minute`);
  for (const [name, cost] of measured) {
    const ratio = netOf(cost) / netOf(files);
    console.log(
      [
        name.padEnd(15),
        `ours ${cost.ours.toFixed(2)}`,
        `engine ${cost.engine.toFixed(2)}`,
        `above idle ${netOf(cost).toFixed(2)}`,
        `x${Number.isFinite(ratio) ? ratio.toFixed(1) : '-'} of files`,
        `samples ${Math.round(cost.samples)}`,
      ].join('  '),
    );
  }
}
