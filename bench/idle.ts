/**
 * What it costs to watch containers in which nothing happens: CPU seconds a minute of the watcher and
 * of the engine (dockerd, containerd and its shims, as /proc counts them), and the watcher's memory.
 * The peer asks what docker-autoheal asks at its default: every 5 s, which containers are unhealthy.
 *
 *   node bench/idle.ts [containers=100] [seconds=60]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, TestStack } from '../test/support/engine.ts';

const CONTAINERS = Number(process.argv[2] ?? 100);
const SECONDS = Number(process.argv[3] ?? 60);
const TICKS_PER_SECOND = 100;
/** What is loaded and compiled at a start is not the cost of being idle. */
const WARM_UP_SECONDS = 30;
const PEER = `while :; do
  curl -s --unix-socket /var/run/docker.sock 'http://localhost/containers/json?filters=%7B%22health%22%3A%5B%22unhealthy%22%5D%7D' >/dev/null
  sleep 5
done`;

const HEALTH = `
    - { name: unhealthy, signal: health, severity: critical }
    - { name: crash, signal: exit, nonZero: true, severity: critical }`;
const GAUGES = `${HEALTH}
    - { name: cpu, signal: cpu.utilization, above: 0.95, for: 5m, severity: warning }
    - { name: memory, signal: memory.workingSet, above: 1g, severity: warning }`;

interface Cost {
  readonly watcher: number;
  readonly engine: number;
  readonly rssMiB: number;
}

await using stack = await TestStack.open();
for (let index = 0; index < CONTAINERS; index += 1) {
  await stack.container(String(index), { script: 'exec sleep 1000000' });
}
const folder = await mkdtemp(join(tmpdir(), 'sentinel-idle-'));
try {
  const idle = await measure('nothing', undefined);
  const peer = await measure('poll every 5 s', () => Promise.resolve(spawn('sh', ['-c', PEER])));
  const health = await measure('sentinel: health, exit', () => operator('health', HEALTH));
  const gauges = await measure('sentinel: and gauges', () => operator('gauges', GAUGES));
  const ours = (cost: Cost) => cost.watcher + cost.engine - idle.engine;
  console.log(`health and exit / poll: ${(ours(health) / ours(peer)).toFixed(2)}`);
  console.log(`with gauges / poll: ${(ours(gauges) / ours(peer)).toFixed(2)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(
  name: string,
  start: (() => Promise<ChildProcess>) | undefined,
): Promise<Cost> {
  const child = await start?.();
  await pause(WARM_UP_SECONDS);
  const before = { watcher: await treeTicks(child?.pid), engine: await engineTicks() };
  await pause(SECONDS);
  const perMinute = (ticks: number) => (ticks / TICKS_PER_SECOND) * (60 / SECONDS);
  const cost = {
    watcher: perMinute((await treeTicks(child?.pid)) - before.watcher),
    engine: perMinute((await engineTicks()) - before.engine),
    rssMiB: await residentMiB(child?.pid),
  };
  if (child !== undefined) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  console.log(
    `${name.padEnd(24)} watcher ${cost.watcher.toFixed(2)} + engine ${cost.engine.toFixed(2)} CPU s/min, ${cost.rssMiB.toFixed(0)} MiB`,
  );
  return cost;
}

async function operator(name: string, thresholds: string): Promise<ChildProcess> {
  const policy = join(folder, `${name}.yaml`);
  await writeFile(
    policy,
    `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: idle }
spec:
  selector: { names: ["${stack.prefix}-*"] }
  thresholds:${thresholds}
  remediation: { allowed: [{ name: restart, tool: docker/restart_container }] }
`,
  );
  const child = spawn(
    process.execPath,
    ['bin/sentinel.mjs', 'run', '--policies', policy, '--data', join(folder, name)],
    { env: { ...process.env, API_PORT: '0', REDIS_URL: '' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await eventually(() => log.includes('watching the Docker Engine'), { what: `a start (${log})` });
  return child;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly ticks: number;
}

async function processes(): Promise<Process[]> {
  const found: Process[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const name = /\((.*)\)/s.exec(stat)?.[1] ?? '';
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // The children that it has waited for are counted too: the peer's work is all in those.
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0);
    found.push({ pid: Number(entry), parent: fields[1] ?? 0, name, ticks });
  }
  return found;
}

async function engineTicks(): Promise<number> {
  const all = await processes();
  return all
    .filter(({ name }) => /^(?:dockerd|containerd)/.test(name))
    .reduce((sum, { ticks }) => sum + ticks, 0);
}

async function treeTicks(root: number | undefined): Promise<number> {
  if (root === undefined) return 0;
  const all = await processes();
  const inTree = (one: Process | undefined): boolean =>
    one !== undefined &&
    (one.pid === root || inTree(all.find(({ pid }) => pid === one.parent && pid !== one.pid)));
  return all.filter(inTree).reduce((sum, { ticks }) => sum + ticks, 0);
}

async function residentMiB(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}
