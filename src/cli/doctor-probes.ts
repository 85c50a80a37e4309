import type { DockerPath } from '#core/remediation/tools.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { EngineInfo } from '#ports/container-runtime.ts';
import type { RouteReadiness } from '#ports/model-client.ts';
import type { LoadedPolicies } from './wiring.ts';

/** What the configuration of this environment comes to. */
export interface DoctorSetting {
  readonly policies: string;
  readonly data: string;
  readonly configFile?: string;
  /** The name of this host in workload keys, where one was given; else the daemon's hostname. */
  readonly host?: string;
  readonly dockerLabel: string;
  /** Path of the engine's socket, where it is one. */
  readonly socketPath?: string;
  readonly hasRedis: boolean;
  readonly apiHost: string;
  readonly apiPort: number;
  readonly enabledTools: readonly string[];
}

export interface SocketFacts {
  readonly uid: number;
  readonly gid: number;
  /** Whether this process may read and write it. */
  readonly usable: boolean;
}

export interface DataFacts {
  readonly exists: boolean;
  readonly writable: boolean;
  readonly ownerUid?: number;
  readonly ownUid: number;
  /** Another process holds the lock. */
  readonly locked: boolean;
  readonly freeBytes?: number;
}

/** The looks that `doctor` takes. They change nothing. Each throws what the adapters throw. */
export interface DoctorProbes extends AsyncDisposable {
  setting(): Promise<DoctorSetting>;
  /** @returns `undefined` when there is no such file */
  socket(path: string): Promise<SocketFacts | undefined>;
  engine(): Promise<EngineInfo>;
  /** Every container, running or not. */
  containers(): Promise<readonly ObservedContainer[]>;
  /** A few of those that run. */
  someRunning(): Promise<readonly ObservedContainer[]>;
  /**
   * Whether the engine (or a proxy before it) lets a call through: each that the expression
   * stands for is sent for a container that does not exist, so nothing can happen.
   */
  allows(path: DockerPath): Promise<boolean>;
  cgroupFiles(container: ObservedContainer): boolean;
  pingRedis(): Promise<void>;
  data(): Promise<DataFacts>;
  policies(): Promise<LoadedPolicies>;
  /** Asks a provider whether it would take a request; costs at most one token. */
  route(name: string): Promise<RouteReadiness>;
  /** Who listens on the API's address. */
  port(): Promise<'free' | 'sentinel' | 'other'>;
  nodeVersion(): string;
  wallMs(): number;
}
