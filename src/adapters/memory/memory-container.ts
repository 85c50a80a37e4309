import type { RawSample } from '#core/health/sample.ts';
import { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import { secretFilesOf } from '#core/redaction/secret-files.ts';
import type {
  ContainerHealth,
  ContainerState,
  HealthCheck,
  HealthStatus,
  ObservedContainer,
  ProbeRun,
  ResourceLimits,
  RestartPolicy,
  SharedNamespace,
} from '#core/workload/container.ts';
import type { ExecResult } from '#ports/container-operations.ts';
import type { LogLine } from '#ports/container-runtime.ts';

/** What the process of one run does, decided when it starts. An empty plan runs for ever, well. */
export interface ProcessPlan {
  /** Takes the whole stop grace and dies of SIGKILL. */
  readonly ignoresTerm?: boolean;
  /** Docker cannot start it, and says this. */
  readonly startError?: string;
  /** The process ends by itself. */
  readonly exit?: { readonly afterMs: number; readonly code: number; readonly oom?: boolean };
  /** What its HEALTHCHECK will find, if it has one; `healthy` unless given. */
  readonly health?: 'healthy' | 'unhealthy';
  /** What an exec in it does; exits 0 with no output unless given. */
  readonly exec?: (command: readonly string[]) => ExecResult;
  /** Counters at `runMs` after the start; none unless given. */
  readonly usage?: (runMs: number) => Omit<RawSample, 'atMs' | 'startedAtMs'>;
}

/** What a plan may depend on. */
export interface RunFacts {
  readonly name: string;
  readonly imageId: string;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: ResourceLimits;
  /** 1 for the first start. */
  readonly run: number;
}

export interface MemoryNetwork {
  readonly aliases?: readonly string[];
  /** A static address: two running containers cannot hold one. */
  readonly address?: string;
}

/** The configuration of a container: what a recreation keeps. */
export interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly health?: HealthCheck;
  readonly networks?: Readonly<Record<string, MemoryNetwork>>;
  /** Host ports: two running containers cannot hold one. */
  readonly ports?: readonly number[];
  readonly mounts?: readonly string[];
  /** Path → content: its files of secrets. */
  readonly secretFiles?: Readonly<Record<string, string>>;
  readonly shares?: readonly SharedNamespace[];
  readonly limits?: ResourceLimits;
  readonly restartPolicy?: RestartPolicy;
  readonly autoRemove?: boolean;
  readonly tty?: boolean;
  readonly logDriver?: string;
  readonly stopSignal?: string;
  readonly stopTimeoutSeconds?: number;
  readonly readOnlyRootFilesystem?: boolean;
  readonly plan?: ProcessPlan | ((facts: RunFacts) => ProcessPlan);
}

export const NO_RESTART: RestartPolicy = { name: 'no', maximumRetryCount: 0 };

/** One container as the engine keeps it. */
export interface MemoryContainer {
  readonly id: string;
  spec: ContainerSpec;
  name: string;
  readonly image: string;
  readonly imageId: string;
  readonly createdAtMs: number;
  state: ContainerState;
  exitCode: number;
  oomKilled: boolean;
  error: string;
  startedAtMs?: number;
  finishedAtMs?: number;
  /** Counts starts; also tells a timer of an earlier run that it is too late. */
  run: number;
  plan: ProcessPlan;
  health?: { status: HealthStatus; failingStreak: number; lastRun?: ProbeRun };
  limits: ResourceLimits;
  restartPolicy: RestartPolicy;
  engineRestartCount: number;
  stoppedByHand: boolean;
  /** Run of each namespace owner that this one joined when it started: owner id → run. */
  joined: Map<string, number>;
  /** False after `disconnectNetworks`. */
  attached: boolean;
  readonly log: LogLine[];
  readonly followers: Set<() => void>;
  readonly timers: Set<() => void>;
}

export function newContainer(
  spec: ContainerSpec,
  given: {
    readonly id: string;
    readonly image: string;
    readonly imageId: string;
    readonly nowMs: number;
  },
): MemoryContainer {
  return {
    id: given.id,
    spec,
    name: spec.name,
    image: given.image,
    imageId: given.imageId,
    createdAtMs: given.nowMs,
    state: 'created',
    exitCode: 0,
    oomKilled: false,
    error: '',
    run: 0,
    plan: {},
    limits: spec.limits ?? {},
    restartPolicy: spec.restartPolicy ?? NO_RESTART,
    engineRestartCount: 0,
    stoppedByHand: false,
    joined: new Map(),
    attached: true,
    log: [],
    followers: new Set(),
    timers: new Set(),
  };
}

/** What an inspect says of it. */
export function observe(it: MemoryContainer): ObservedContainer {
  const health = observeHealth(it);
  return {
    ...observeSpec(it.spec),
    id: it.id,
    name: it.name,
    image: it.image,
    imageId: it.imageId,
    createdAtMs: it.createdAtMs,
    state: it.state,
    exitCode: it.exitCode,
    oomKilled: it.oomKilled,
    error: it.error,
    ...(it.startedAtMs === undefined ? {} : { startedAtMs: it.startedAtMs }),
    ...(it.finishedAtMs === undefined ? {} : { finishedAtMs: it.finishedAtMs }),
    pid: isUp(it) ? 1000 + it.run : 0,
    ...(health === undefined ? {} : { health }),
    restartPolicy: it.restartPolicy,
    engineRestartCount: it.engineRestartCount,
    limits: it.limits,
    networks: observeNetworks(it),
    publishedPorts: [],
  };
}

function observeSpec({
  labels = {},
  autoRemove = false,
  tty = false,
  logDriver = 'json-file',
  shares = [],
  env = {},
  secretFiles,
  entrypoint = [],
  command = [],
  stopSignal = '',
  stopTimeoutSeconds,
  readOnlyRootFilesystem = false,
}: ContainerSpec) {
  return {
    labels,
    autoRemove,
    tty,
    logDriver,
    shares,
    envNames: Object.keys(env),
    ...observeSecrets(env, secretFiles),
    entrypoint,
    command,
    stopSignal,
    ...(stopTimeoutSeconds === undefined ? {} : { stopTimeoutSeconds }),
    readOnlyRootFilesystem,
  };
}

function observeSecrets(
  env: Readonly<Record<string, string>>,
  secretFiles: ContainerSpec['secretFiles'] = {},
): Pick<ObservedContainer, 'secrets' | 'secretFiles'> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const files = secretFilesOf(Object.keys(secretFiles), variables);
  const secrets = new ContainerSecrets(variables);
  return { secrets, ...(files === undefined ? {} : { secretFiles: files }) };
}

/** Running, whether paused or not. */
export function isUp({ state }: MemoryContainer): boolean {
  return state === 'running' || state === 'paused';
}

function observeHealth({ spec, health }: MemoryContainer): ContainerHealth | undefined {
  if (spec.health === undefined || health === undefined) return undefined;
  return { ...health, check: spec.health };
}

function observeNetworks(it: MemoryContainer): ObservedContainer['networks'] {
  if (!it.attached) return {};
  const named = Object.entries(it.spec.networks ?? {});
  return Object.fromEntries(
    named.map(([name, { address = '' }]) => [name, { address: isUp(it) ? address : '' }]),
  );
}
