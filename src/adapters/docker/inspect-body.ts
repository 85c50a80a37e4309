import { z } from 'zod';
import { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import { secretFilesOf } from '#core/redaction/secret-files.ts';
import type {
  ContainerHealth,
  ContainerState,
  HealthCheck,
  ObservedContainer,
  ProbeRun,
  ResourceLimits,
  RestartPolicy,
  SharedNamespace,
} from '#core/workload/container.ts';
import { parseInstant } from './rfc3339.ts';

const Text = z.string().nullish();
/** A whole number of 64 bits, which may be more than a number holds exactly. */
const Count = z
  .number()
  .min(-(2 ** 63))
  .max(2 ** 63)
  .refine(Number.isInteger)
  .nullish();
/** Older Podman gives a command as one string. */
const Words = z.union([z.array(z.string()), z.string().transform((text) => [text])]).nullish();

const ProbeBody = z.object({ Start: Text, End: Text, ExitCode: Count, Output: Text });
const HealthBody = z.object({
  Status: Text,
  FailingStreak: Count,
  Log: z.array(ProbeBody).nullish(),
});

/** What is read of an inspect body: only what is needed is required, unknown fields are dropped. */
const InspectBody = z.object({
  Id: z.string().min(1),
  Name: z.string(),
  Created: Text,
  Image: z.string().default(''),
  RestartCount: Count,
  State: z.object({
    Status: z.string(),
    ExitCode: Count,
    OOMKilled: z.boolean().nullish(),
    Error: Text,
    StartedAt: Text,
    FinishedAt: Text,
    Pid: Count,
    Health: HealthBody.nullish(),
  }),
  Config: z.object({
    Image: Text,
    Labels: z.record(z.string(), z.string()).nullish(),
    Env: z.array(z.string()).nullish(),
    Cmd: Words,
    Entrypoint: Words,
    Tty: z.boolean().nullish(),
    StopSignal: z.union([z.string(), z.number().transform(String)]).nullish(),
    StopTimeout: Count,
    Healthcheck: z
      .object({
        Test: z.array(z.string()).nullish(),
        Interval: Count,
        Timeout: Count,
        StartPeriod: Count,
        Retries: Count,
      })
      .nullish(),
  }),
  HostConfig: z.object({
    NetworkMode: Text,
    PidMode: Text,
    IpcMode: Text,
    AutoRemove: z.boolean().nullish(),
    ReadonlyRootfs: z.boolean().nullish(),
    LogConfig: z.object({ Type: Text }).nullish(),
    RestartPolicy: z.object({ Name: Text, MaximumRetryCount: Count }).nullish(),
    Memory: Count,
    MemorySwap: Count,
    NanoCpus: Count,
    CpuQuota: Count,
    CpuPeriod: Count,
    PidsLimit: Count,
  }),
  // Nothing but redaction asks for them: whatever they are, the container is looked at.
  Mounts: z
    .array(z.object({ Destination: Text }))
    .nullish()
    .catch(undefined),
  NetworkSettings: z
    .object({
      Networks: z
        .record(
          z.string(),
          z.object({ IPAddress: Text, Aliases: z.array(z.string()).nullish() }).nullable(),
        )
        .nullish(),
      Ports: z.record(z.string(), z.array(z.object({ HostPort: Text })).nullable()).nullish(),
    })
    .nullish(),
});
type InspectBody = z.infer<typeof InspectBody>;

const NS_PER_MS = 1_000_000;
const NANO_CPUS_PER_CPU = 1_000_000_000;
/** The kernel's default scheduler period, which an absent CpuPeriod means. */
const CPU_PERIOD_US = 100_000;
/** Docker's defaults for what a HEALTHCHECK leaves open (container/health.go in moby). */
const CHECK_DEFAULTS: HealthCheck = {
  intervalMs: 30_000,
  timeoutMs: 30_000,
  startPeriodMs: 0,
  retries: 3,
};

/** Podman's own words for states that Docker knows by another name. */
const STATES: Readonly<Record<string, ContainerState>> = {
  created: 'created',
  configured: 'created',
  initialized: 'created',
  running: 'running',
  stopping: 'running',
  paused: 'paused',
  restarting: 'restarting',
  removing: 'removing',
  exited: 'exited',
  stopped: 'exited',
  dead: 'dead',
  unknown: 'dead',
};

/**
 * Translates what Docker (or Podman) says of one container.
 *
 * @throws {Error} the body lacks what no engine leaves out, or a state has an unknown name
 */
export function parseInspect(value: unknown): ObservedContainer {
  const body = InspectBody.parse(value);
  const { State: state, Config: config, HostConfig: host } = body;
  const health = toHealth(body);
  return {
    id: body.Id,
    name: body.Name.replace(/^\//, ''),
    image: config.Image ?? '',
    imageId: body.Image,
    createdAtMs: parseInstant(body.Created) ?? 0,
    labels: config.Labels ?? {},
    ...toRun(state),
    ...(health !== undefined && { health }),
    restartPolicy: toRestartPolicy(host.RestartPolicy),
    engineRestartCount: body.RestartCount ?? 0,
    autoRemove: host.AutoRemove ?? false,
    tty: config.Tty ?? false,
    logDriver: host.LogConfig?.Type ?? '',
    limits: toLimits(host),
    shares: toShares(host),
    networks: toNetworks(body),
    publishedPorts: toPublishedPorts(body),
    ...toVariables(config.Env ?? []),
    ...toSecretFiles(body),
    ...toCommand(config),
    readOnlyRootFilesystem: host.ReadonlyRootfs ?? false,
  };
}

function toVariables(env: readonly string[]): Pick<ObservedContainer, 'envNames' | 'secrets'> {
  return {
    envNames: env.map((entry) => entry.split('=', 1)[0] ?? ''),
    secrets: new ContainerSecrets(env),
  };
}

function toSecretFiles({ Mounts, Config }: InspectBody): Pick<ObservedContainer, 'secretFiles'> {
  const mounts = (Mounts ?? []).map(({ Destination }) => Destination ?? '');
  const secretFiles = secretFilesOf(mounts, Config.Env ?? []);
  return secretFiles === undefined ? {} : { secretFiles };
}

/** @throws {Error} a state that no engine is known to have */
export function toContainerState(text: string): ContainerState {
  const word = text.toLowerCase();
  const state = Object.hasOwn(STATES, word) ? STATES[word] : undefined;
  if (state === undefined) throw new Error(`unknown container state ${JSON.stringify(text)}`);
  return state;
}

function toRun(state: InspectBody['State']) {
  const startedAtMs = parseInstant(state.StartedAt);
  const finishedAtMs = parseInstant(state.FinishedAt);
  return {
    state: toContainerState(state.Status),
    exitCode: state.ExitCode ?? 0,
    oomKilled: state.OOMKilled ?? false,
    error: state.Error ?? '',
    ...(startedAtMs !== undefined && { startedAtMs }),
    ...(finishedAtMs !== undefined && { finishedAtMs }),
    pid: state.Pid ?? 0,
  };
}

function toCommand(config: InspectBody['Config']) {
  return {
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    stopSignal: config.StopSignal || 'SIGTERM',
    ...(typeof config.StopTimeout === 'number' && { stopTimeoutSeconds: config.StopTimeout }),
  };
}

function toHealth({ State: state, Config: config }: InspectBody): ContainerHealth | undefined {
  const declared = config.Healthcheck ?? {};
  const seen = state.Health ?? {};
  const test = declared.Test?.[0];
  const known = toHealthStatus(seen.Status);
  // Docker keeps no health before the first start; Podman writes an empty status for no check.
  const isDeclared = test !== undefined && seen.Status !== 'none';
  if (test === 'NONE' || (known === undefined && !isDeclared)) return undefined;

  const lastRun = toProbeRun(seen.Log?.at(-1));
  return {
    status: known ?? 'starting',
    failingStreak: seen.FailingStreak ?? 0,
    check: toHealthCheck(declared),
    ...(lastRun !== undefined && { lastRun }),
  };
}

function toHealthCheck(declared: NonNullable<InspectBody['Config']['Healthcheck']>): HealthCheck {
  return {
    intervalMs: toMs(declared.Interval) || CHECK_DEFAULTS.intervalMs,
    timeoutMs: toMs(declared.Timeout) || CHECK_DEFAULTS.timeoutMs,
    startPeriodMs: toMs(declared.StartPeriod) || CHECK_DEFAULTS.startPeriodMs,
    retries: declared.Retries || CHECK_DEFAULTS.retries,
  };
}

function toHealthStatus(text: string | null | undefined): ContainerHealth['status'] | undefined {
  return text === 'starting' || text === 'healthy' || text === 'unhealthy' ? text : undefined;
}

function toProbeRun(run: z.infer<typeof ProbeBody> | undefined): ProbeRun | undefined {
  const startedAtMs = parseInstant(run?.Start);
  if (run === undefined || startedAtMs === undefined) return undefined;
  return {
    exitCode: run.ExitCode ?? 0,
    startedAtMs,
    endedAtMs: parseInstant(run.End) ?? startedAtMs,
    output: run.Output ?? '',
  };
}

function toRestartPolicy(policy: InspectBody['HostConfig']['RestartPolicy']): RestartPolicy {
  const name = policy?.Name;
  const maximumRetryCount = policy?.MaximumRetryCount ?? 0;
  if (name === 'always' || name === 'unless-stopped' || name === 'on-failure') {
    return { name, maximumRetryCount };
  }
  return { name: 'no', maximumRetryCount: 0 };
}

/** Zero, and for pids anything below one, means no limit. */
function toLimits(host: InspectBody['HostConfig']): ResourceLimits {
  const memoryBytes = host.Memory ?? 0;
  const memorySwapBytes = host.MemorySwap ?? 0;
  const quota = host.CpuQuota ?? 0;
  const fromQuota = (quota / (host.CpuPeriod || CPU_PERIOD_US)) * NANO_CPUS_PER_CPU;
  const nanoCpus = host.NanoCpus || Math.round(fromQuota);
  const pids = host.PidsLimit ?? 0;
  return {
    ...(memoryBytes > 0 && { memoryBytes }),
    ...(memorySwapBytes !== 0 && { memorySwapBytes }),
    ...(nanoCpus > 0 && { nanoCpus }),
    ...(pids > 0 && { pids }),
  };
}

function toShares(host: InspectBody['HostConfig']): readonly SharedNamespace[] {
  const modes = { network: host.NetworkMode, pid: host.PidMode, ipc: host.IpcMode };
  return (['network', 'pid', 'ipc'] as const).flatMap((kind) => {
    const owner = /^container:(.+)$/.exec(modes[kind] ?? '')?.[1];
    return owner === undefined ? [] : [{ kind, owner }];
  });
}

/** Docker lists the same port once per address family. */
function toPublishedPorts(body: InspectBody): readonly number[] {
  const bindings = Object.entries(body.NetworkSettings?.Ports ?? {})
    .filter(([port]) => port.endsWith('/tcp'))
    .flatMap(([, hosts]) => hosts ?? []);
  return [...new Set(bindings.map(({ HostPort }) => Number(HostPort)))].filter(
    (port) => port > 0 && port <= 65_535,
  );
}

function toNetworks(body: InspectBody): ObservedContainer['networks'] {
  const networks = Object.entries(body.NetworkSettings?.Networks ?? {});
  return Object.fromEntries(
    networks.map(([name, endpoint]) => [
      name,
      { address: endpoint?.IPAddress ?? '', aliases: endpoint?.Aliases ?? [] },
    ]),
  );
}

function toMs(ns: number | null | undefined): number {
  return Math.round((ns ?? 0) / NS_PER_MS);
}
