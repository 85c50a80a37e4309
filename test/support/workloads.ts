import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { eventually, type TestStack } from './engine.ts';

const SECOND_NS = 1_000_000_000;

/** Runs until TERM; well while /ok is there, and each start makes it; exits with what /crash says. */
const SERVICE = `
touch /ok; trap "exit 0" TERM
while :; do [ -f /crash ] && { code=$(cat /crash); rm /crash; exit $code; }; sleep 0.1; done`;

/** The same, but once broken it stays broken: a restart does not bring /ok back. */
const STUBBORN = SERVICE.replace('touch /ok;', '[ -f /been ] || touch /ok; touch /been;');

type CreateOptions = Parameters<TestStack['container']>[1];

export interface ServiceOptions extends NonNullable<CreateOptions> {
  /** A restart does not help. */
  readonly stubborn?: boolean;
  /** Without a HEALTHCHECK. */
  readonly unchecked?: boolean;
}

/** A service with a HEALTHCHECK that fails after `breakHealth`, until its next start. */
export async function aService(
  stack: TestStack,
  suffix: string,
  { stubborn = false, unchecked = false, ...options }: ServiceOptions = {},
): Promise<Docker.Container> {
  const check = {
    Test: ['CMD-SHELL', '[ -f /ok ]'],
    Interval: SECOND_NS,
    Timeout: 3 * SECOND_NS,
    Retries: 1,
    StartPeriod: 0,
  };
  return stack.container(suffix, {
    script: stubborn ? STUBBORN : SERVICE,
    ...(unchecked ? {} : { Healthcheck: check }),
    ...options,
  });
}

/** Its next health check fails. */
export async function breakHealth(container: Docker.Container): Promise<void> {
  await execIn(container, ['rm', '-f', '/ok']);
}

/** Ends the service from inside, as a bug in it does. */
export async function crash(container: Docker.Container, exitCode: number): Promise<void> {
  await execIn(container, ['sh', '-c', `echo ${exitCode} > /crash.new; mv /crash.new /crash`]);
}

/** Runs a command in a container to its end. */
export async function execIn(
  container: Docker.Container,
  command: string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true, Tty: true });
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) output += chunk.toString('utf8');
  return { code: (await exec.inspect()).ExitCode, output };
}

export async function stateOf(
  container: Docker.Container,
): Promise<Docker.ContainerInspectInfo['State']> {
  return (await container.inspect()).State;
}

export async function untilHealth(
  container: Docker.Container,
  wanted: 'healthy' | 'unhealthy',
): Promise<void> {
  await eventually(async () => (await stateOf(container)).Health?.Status === wanted, {
    what: `a container that is ${wanted}`,
  });
}

export interface PolicyParts {
  readonly name?: string;
  /** Replaces fields of `spec`; `remediation` is merged. */
  readonly spec?: object;
  readonly remediation?: object;
}

/** Governs the whole stack, restarts what is unhealthy or has crashed, and hurries. */
export function aQuickPolicy(stack: TestStack, { name, spec, remediation }: PolicyParts = {}) {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name: name ?? 'quick' },
    spec: {
      selector: { names: [`${stack.prefix}-*`] },
      startPeriod: '1s',
      thresholds: [
        { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
        { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
      ],
      ...spec,
      remediation: {
        mode: 'Auto',
        allowed: [RESTART],
        backoff: { initial: '1s', factor: 1, max: '1s' },
        budget: { maxConcurrent: 10 },
        storm: { above: 100 },
        verify: { within: '20s', healthyFor: '2s' },
        ...remediation,
      },
    },
  };
}

/** The commonest rung, without a rest. */
export const RESTART = {
  name: 'restart',
  tool: 'docker/restart_container',
  arguments: { timeoutSeconds: 2 },
  cooldown: '1s',
  limit: { max: 50, per: '1h' },
};

export interface SeenEvent {
  readonly action: string;
  readonly id: string;
  readonly name: string;
}

export interface EventRecorder extends AsyncDisposable {
  readonly seen: readonly SeenEvent[];
  /** How many events of the action the container has had since the recorder was started. */
  count(container: { readonly id: string }, action: string): number;
}

/**
 * Hears the engine's own account of what happened to the stack. A stream of its own: the engine
 * replays only its last 256 events, which the probes of a few containers fill within seconds.
 *
 * @param since `start`: with what this run of the engine remembers
 */
export async function recordEvents(
  stack: TestStack,
  since: 'now' | 'start' = 'now',
): Promise<EventRecorder> {
  const seen: SeenEvent[] = [];
  const filters = { type: ['container'], label: [`sre-sentinel-test=${stack.prefix}`] };
  const stream = (await stack.docker.getEvents({
    filters: JSON.stringify(filters),
    ...(since === 'start' ? { since: 1 } : {}),
  })) as unknown as Readable;
  let rest = '';
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((text) => text !== '')) {
      const { Action, Actor } = JSON.parse(line) as {
        readonly Action: string;
        readonly Actor: { readonly ID: string; readonly Attributes: { readonly name: string } };
      };
      if (Action.startsWith('exec_')) continue;
      seen.push({ action: Action, id: Actor.ID, name: Actor.Attributes.name });
    }
  });
  return {
    seen,
    count: ({ id }, action) => seen.filter((one) => one.id === id && one.action === action).length,
    async [Symbol.asyncDispose]() {
      stream.destroy();
    },
  };
}
