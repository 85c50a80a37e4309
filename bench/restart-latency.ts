/**
 * From `health_status: unhealthy` to the kill signal, both as the engine's own event stream dates
 * them: the operator beside the least that any listener can take (an event, then POST restart).
 *
 *   node bench/restart-latency.ts [trials=20]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, TestStack } from '../test/support/engine.ts';

const TRIALS = Number(process.argv[2] ?? 20);
/** docker-autoheal polls: at its default of 5 s the median of its answer was 1,772 ms (p95 4,956). */
const AUTOHEAL_MEDIAN_MS = 1_772;

await using stack = await TestStack.open();
const listener = await measure('bare listener', startBareListener);
const operator = await measure('sentinel', startOperator);
const ratio = median(operator) / median(listener);
console.log(`sentinel / bare listener: ${ratio.toFixed(2)}`);
console.log(
  `docker-autoheal's recorded median / sentinel: ${(AUTOHEAL_MEDIAN_MS / median(operator)).toFixed(0)}`,
);

async function measure(
  name: string,
  start: (target: string) => Promise<() => Promise<void>>,
): Promise<number[]> {
  const container = await stack.container(name.replace(' ', '-'), {
    script: 'touch /tmp/ok; trap "exit 0" TERM; while :; do sleep 0.1; done',
    Healthcheck: {
      Test: ['CMD', 'test', '-f', '/tmp/ok'],
      Interval: 1e9,
      Timeout: 1e9,
      Retries: 1,
    },
  });
  const stop = await start(stack.name(name.replace(' ', '-')));
  const times: number[] = [];
  const events = await watch(container.id);
  for (let trial = 0; trial < TRIALS; trial += 1) {
    await eventually(async () => (await container.inspect()).State.Health?.Status === 'healthy');
    events.seen.length = 0;
    const exec = await container.exec({ Cmd: ['rm', '/tmp/ok'] });
    await exec.start({ Detach: true });
    const kill = await eventually(() => events.seen.find(({ action }) => action === 'kill'), {
      timeoutMs: 30_000,
      what: 'a kill signal',
    });
    const sick = events.seen.findLast(
      ({ action, nano }) => action === 'health_status: unhealthy' && nano < kill.nano,
    );
    if (sick !== undefined) times.push(Number(kill.nano - sick.nano) / 1e6);
  }
  events.stop();
  await stop();
  await container.remove({ force: true });
  console.log(
    `${name.padEnd(14)} n=${times.length} median ${median(times).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms`,
  );
  return times;
}

async function watch(id: string) {
  const stream = await stack.docker.getEvents({ filters: { container: [id] } });
  const seen: { readonly action: string; readonly nano: bigint }[] = [];
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      const nano = BigInt(/"timeNano":(\d+)/.exec(line)?.[1] ?? 0);
      seen.push({ action: (JSON.parse(line) as { Action: string }).Action, nano });
    }
  });
  return { seen, stop: () => (stream as unknown as { destroy(): void }).destroy() };
}

async function startBareListener(target: string): Promise<() => Promise<void>> {
  const stream = await stack.docker.getEvents({
    filters: { container: [target], event: ['health_status'] },
  });
  stream.on('data', (chunk: Buffer) => {
    if (chunk.toString().includes('unhealthy')) {
      stack.docker.getContainer(target).restart({ t: 1 }, () => undefined);
    }
  });
  return async () => (stream as unknown as { destroy(): void }).destroy();
}

async function startOperator(target: string): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-bench-'));
  const policies = join(folder, 'policy.yaml');
  await writeFile(
    policies,
    `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: bench }
spec:
  selector: { names: [${target}] }
  startPeriod: 0s
  thresholds: [{ name: unhealthy, signal: health, severity: critical }]
  remediation:
    mode: Auto
    allowed:
      - { name: restart, tool: docker/restart_container, arguments: { timeoutSeconds: 1 }, cooldown: 0s, limit: { max: 1000, per: 1h } }
    backoff: { initial: 1ms, max: 1ms }
    storm: { above: 500 }
    verify: { within: 30s, healthyFor: 1ms }
`,
  );
  const config = join(folder, 'sentinel.yaml');
  await writeFile(
    config,
    `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelConfig
spec: { maxActions: { max: 1000, per: 1m } }
`,
  );
  const child = spawn(
    process.execPath,
    [
      'bin/sentinel.mjs',
      'run',
      '--policies',
      policies,
      '--data',
      join(folder, 'data'),
      '--config',
      config,
    ],
    { env: { ...process.env, API_PORT: '0', REDIS_URL: '' }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  await eventually(() => log.includes('watching the Docker Engine'), { what: `a start (${log})` });
  return async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
