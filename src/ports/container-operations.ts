import type { ResourceLimits } from '#core/workload/container.ts';

/** Everything of one container that a faithful recreation needs, opaque to all but the adapter. */
export interface ContainerBlueprint {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly running: boolean;
  /** The engine's own description, as it gave it. */
  readonly raw: unknown;
}

export interface CreateOptions {
  readonly name: string;
  /** Replaces the image reference of the blueprint. */
  readonly image?: string;
  /** NAME → value; replaces or adds. */
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Namespace owners that were recreated too: old container id → new one. */
  readonly replacedOwners?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  readonly exitCode: number;
  /** stdout and stderr in order, capped. Raw text of the container: hostile. */
  readonly output: string;
  readonly truncated: boolean;
}

/**
 * Writing side of one container engine, one call to the engine each (unless the method says
 * otherwise). Containers are addressed by id. "Already so" (HTTP 304) counts as success.
 *
 * All methods throw {@link RuntimeUnavailableError} (no usable answer: the outcome is unknown),
 * {@link RuntimeForbiddenError} (403), {@link ContainerGoneError} (404) or
 * {@link OperationRefusedError} (any other answer of the engine that says no, with its words).
 */
export interface ContainerOperations {
  start(id: string, signal: AbortSignal): Promise<void>;
  /** `timeoutSeconds` absent: the container's own StopTimeout is honoured. */
  stop(id: string, timeoutSeconds: number | undefined, signal: AbortSignal): Promise<void>;
  restart(id: string, timeoutSeconds: number | undefined, signal: AbortSignal): Promise<void>;
  kill(id: string, signalName: string, signal: AbortSignal): Promise<void>;
  pause(id: string, signal: AbortSignal): Promise<void>;
  unpause(id: string, signal: AbortSignal): Promise<void>;
  /** Fields that are absent stay as they are. Docker wants memory and its swap together. */
  updateResources(id: string, limits: ResourceLimits, signal: AbortSignal): Promise<void>;
  updateRestartPolicy(
    id: string,
    policy: { name: string; maximumRetryCount: number },
    signal: AbortSignal,
  ): Promise<void>;
  /** Runs an argv inside the container, no shell added. */
  exec(
    id: string,
    command: readonly string[],
    options: { readonly timeoutMs: number; readonly outputBytesMax: number },
    signal: AbortSignal,
  ): Promise<ExecResult>;
  /** @returns `undefined` when it is gone */
  blueprint(ref: string, signal: AbortSignal): Promise<ContainerBlueprint | undefined>;
  /**
   * Creates (does not start) a container from a blueprint: command, env, labels, mounts, networks
   * with aliases and addresses, limits, restart policy, log configuration, all kept. Attaches every
   * network before it returns (several calls to the engine).
   *
   * @returns the new container's id
   */
  createFrom(
    blueprint: ContainerBlueprint,
    options: CreateOptions,
    signal: AbortSignal,
  ): Promise<string>;
  rename(id: string, name: string, signal: AbortSignal): Promise<void>;
  /** Removes a stopped container with its anonymous volumes kept; `force` kills a running one. */
  remove(id: string, options: { readonly force: boolean }, signal: AbortSignal): Promise<void>;
  /** Static addresses are held by attached containers: detach the old one before the new starts. */
  disconnectNetworks(id: string, signal: AbortSignal): Promise<void>;
  connectNetworks(blueprint: ContainerBlueprint, id: string, signal: AbortSignal): Promise<void>;
  /** @returns image ids of this reference's repository on the host, newest first */
  imageHistory(
    reference: string,
    signal: AbortSignal,
  ): Promise<readonly { id: string; references: readonly string[]; createdAtMs: number }[]>;
}
