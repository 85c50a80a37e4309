import type { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import type { SecretFiles } from '#core/redaction/secret-files.ts';

/** Docker's `State.Status`. */
export type ContainerState =
  | 'created'
  | 'running'
  | 'paused'
  | 'restarting'
  | 'removing'
  | 'exited'
  | 'dead';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** One run of a HEALTHCHECK. `exitCode` -1 means that Docker could not run or finish the probe. */
export interface ProbeRun {
  readonly exitCode: number;
  /** Epoch milliseconds on the daemon's clock. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Raw text of the container: hostile until redacted. */
  readonly output: string;
}

/** The HEALTHCHECK as Docker applies it; durations in milliseconds, Docker's defaults filled in. */
export interface HealthCheck {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly retries: number;
}

export interface ContainerHealth {
  readonly status: HealthStatus;
  readonly failingStreak: number;
  readonly check: HealthCheck;
  /** The newest run that Docker keeps; absent before the first. */
  readonly lastRun?: ProbeRun;
}

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** For `on-failure`; 0 means without end. */
  readonly maximumRetryCount: number;
}

/** Limits as Docker reports them. An absent field means: no limit. */
export interface ResourceLimits {
  readonly memoryBytes?: number;
  /** Memory and swap together; absent when it follows Docker's default, -1 when unlimited. */
  readonly memorySwapBytes?: number;
  /** Thousand-millionths of a CPU, from NanoCpus or from quota and period. */
  readonly nanoCpus?: number;
  readonly pids?: number;
}

/** A namespace that belongs to another container: `container:<id or name>` in Docker's modes. */
export interface SharedNamespace {
  readonly kind: 'network' | 'pid' | 'ipc';
  /** As Docker stores it: a 64-digit id, or the name that the client gave. */
  readonly owner: string;
}

/**
 * What one inspect says of one container, in our words. Instants are epoch milliseconds on the
 * daemon's clock; an absent instant means that Docker reported its zero time.
 */
export interface ObservedContainer {
  readonly id: string;
  /** Without Docker's leading slash. */
  readonly name: string;
  /** The reference that the container was created from. */
  readonly image: string;
  readonly imageId: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Docker's `State.Error`; empty when there is none. */
  readonly error: string;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  /** Process id on the daemon's host; 0 when not running. */
  readonly pid: number;
  /** Absent when the image and the container declare no HEALTHCHECK. */
  readonly health?: ContainerHealth;
  readonly restartPolicy: RestartPolicy;
  /** Restarts by the engine's policy since the last start by hand; it falls back to 0. */
  readonly engineRestartCount: number;
  readonly autoRemove: boolean;
  readonly tty: boolean;
  readonly logDriver: string;
  readonly limits: ResourceLimits;
  readonly shares: readonly SharedNamespace[];
  /** Names of the networks that it is attached to; its addresses (may be empty) and names on them. */
  readonly networks: Readonly<
    Record<string, { readonly address: string; readonly aliases?: readonly string[] }>
  >;
  /** TCP ports of the daemon's host that lead to it. */
  readonly publishedPorts: readonly number[];
  /** Names only: values are in `secrets` alone, where nothing but redaction reads them. */
  readonly envNames: readonly string[];
  readonly secrets?: ContainerSecrets;
  /** Where more of its secrets are, by its mounts and variables; absent when they tell of none. */
  readonly secretFiles?: SecretFiles;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly stopSignal: string;
  /** Absent: Docker's default of 10 s. */
  readonly stopTimeoutSeconds?: number;
  readonly readOnlyRootFilesystem: boolean;
}

/** What a listing tells without an inspect: enough to see which containers changed. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** Docker's status line; it changes with the health and, coarsely, with the age. */
  readonly healthInStatus?: HealthStatus;
}

const COMPOSE = 'com.docker.compose.';
export const LABEL = {
  composeProject: `${COMPOSE}project`,
  composeService: `${COMPOSE}service`,
  composeNumber: `${COMPOSE}container-number`,
  composeOneOff: `${COMPOSE}oneoff`,
  composeDependsOn: `${COMPOSE}depends_on`,
  composeConfigHash: `${COMPOSE}config-hash`,
  swarmTask: 'com.docker.swarm.task.id',
  policy: 'sre-sentinel.policy',
  pause: 'sre-sentinel.pause',
  /** On containers that Sentinel itself created or set aside: the intent id. */
  intent: 'sre-sentinel.intent',
} as const;
