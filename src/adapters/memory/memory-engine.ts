import { createHash } from 'node:crypto';
import { ContainerGoneError, LogsUnavailableError, OperationRefusedError } from '#core/errors.ts';
import type { RawSample } from '#core/health/sample.ts';
import type {
  ContainerState,
  ContainerSummary,
  HealthStatus,
  ObservedContainer,
  ResourceLimits,
  RestartPolicy,
} from '#core/workload/container.ts';
import type { EventAction, RuntimeEvent } from '#core/workload/event.ts';
import type { Clock } from '#ports/clock.ts';
import type {
  ContainerBlueprint,
  ContainerOperations,
  CreateOptions,
  ExecResult,
} from '#ports/container-operations.ts';
import type {
  ContainerRuntime,
  EngineInfo,
  LogLine,
  LogQuery,
  SecretFilesRead,
} from '#ports/container-runtime.ts';
import { EventHub } from './event-hub.ts';
import {
  type ContainerSpec,
  isUp,
  type MemoryContainer,
  newContainer,
  observe,
  type ProcessPlan,
} from './memory-container.ts';
import { Faults } from './memory-faults.ts';

/** Docker waits this long before the first restart by policy, twice as long each time after. */
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 60_000;
/** A run longer than this takes the backoff back to its beginning. */
const BACKOFF_RESET_MS = 10_000;
const STOP_SECONDS_DEFAULT = 10;
const PAUSED_RECHECK_MS = 1_000;
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  TERM: 15,
};
const DEADLY: ReadonlySet<number> = new Set([2, 3, 9, 15]);

export interface MemoryImage {
  readonly id: string;
  readonly references: readonly string[];
  readonly createdAtMs: number;
}

interface RawBlueprint {
  readonly spec: ContainerSpec;
}

/**
 * A container engine in memory that behaves like Docker where it matters: states, the order of
 * events, restart policies, health checks, shared namespaces, and who holds a name, a port or an
 * address. It tells time and waits through the Clock port alone. For tests, simulation and dry
 * runs; `faults` makes calls fail, hang or act without an answer.
 */
export class MemoryEngine implements ContainerRuntime, ContainerOperations {
  readonly faults: Faults;
  /** Every write that reached the engine, oldest first. */
  readonly writes: { readonly operation: string; readonly id: string }[] = [];
  /** Told of each event as it happens, before any listener is. */
  onEvent: (event: RuntimeEvent) => void = () => undefined;
  readonly #clock: Clock;
  readonly #info: EngineInfo;
  readonly #containers = new Map<string, MemoryContainer>();
  readonly #images: MemoryImage[] = [];
  readonly #hub = new EventHub();
  #idCount = 0;
  #lastNano = 0n;

  constructor(clock: Clock, info: Partial<Omit<EngineInfo, 'systemTimeMs'>> = {}) {
    this.#clock = clock;
    this.faults = new Faults(clock);
    this.#info = {
      engineId: 'memory',
      hostname: 'memory',
      serverVersion: '0.0.0',
      apiVersion: '1.41',
      cpus: 4,
      memoryBytes: 16 * 2 ** 30,
      cgroupVersion: 2,
      systemTimeMs: 0,
      ...info,
    };
  }

  // What a person or the world does to the engine.

  /** Creates a container and, unless told otherwise, starts it. Nothing can go wrong on the way. */
  async add(spec: ContainerSpec, { start = true } = {}): Promise<string> {
    const container = this.#create(spec, spec.image ?? 'app:1', undefined);
    if (start) this.#begin(container);
    return container.id;
  }

  /** Makes an image known; of one reference the newest is what it stands for. */
  addImage(image: MemoryImage): void {
    this.#images.push(image);
    this.#images.sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** The process ends by itself. */
  crash(ref: string, exitCode = 1, { oom = false } = {}): void {
    this.#end(this.#get(ref), exitCode, { oom });
  }

  /** What the HEALTHCHECK finds from now on: `unhealthy` after its retries, `healthy` at once. */
  setHealth(ref: string, status: 'healthy' | 'unhealthy'): void {
    const it = this.#get(ref);
    it.plan = { ...it.plan, health: status };
    if (it.state === 'running') this.#changeHealth(it, status);
  }

  /** Changes how the running process behaves, until it ends. */
  setPlan(ref: string, plan: ProcessPlan): void {
    const it = this.#get(ref);
    it.plan = { ...it.plan, ...plan };
  }

  writeLog(ref: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
    const it = this.#get(ref);
    it.log.push({ timestamp: rfc3339(this.#nextNano()), stream, text, truncated: false });
    for (const wake of it.followers) wake();
  }

  /** Listeners are not told of these; the ring has them. */
  loseEvents(which: (event: RuntimeEvent) => boolean): void {
    this.#hub.skips = which;
  }

  /** Ends every event stream, as a restart of the daemon does. */
  breakEvents(): void {
    this.#hub.close();
  }

  /**
   * The daemon stops, and everything with it, without a word to anybody; it comes back at once, knows
   * no event of before, and starts what its restart policies say.
   */
  restartDaemon(): void {
    this.#hub.close();
    this.#hub.forget();
    const wereUp = new Set(
      [...this.#containers.values()].filter((it) => isUp(it) || it.state === 'restarting'),
    );
    for (const it of wereUp) this.#endUntold(it);
    for (const it of this.#containers.values()) {
      const { name } = it.restartPolicy;
      if (name !== 'always' && !(name === 'unless-stopped' && wereUp.has(it))) continue;
      try {
        this.#begin(it);
      } catch {
        // The reason stands in `State.Error`; Docker leaves it exited.
      }
    }
  }

  #endUntold(it: MemoryContainer): void {
    clearTimers(it);
    it.state = 'exited';
    it.exitCode = 137;
    it.finishedAtMs = Math.max(this.#clock.wallMs(), it.startedAtMs ?? 0);
    if (it.health !== undefined)
      it.health = { ...it.health, status: 'unhealthy', failingStreak: 0 };
    for (const wake of it.followers) wake();
    if (it.spec.autoRemove === true) this.#containers.delete(it.id);
  }

  /** What an inspect would say, at once and without a call. */
  peek(ref: string): ObservedContainer | undefined {
    const it = this.#find(ref);
    return it === undefined ? undefined : observe(it);
  }

  /** Running, and healthy where it has a HEALTHCHECK. */
  isWell(ref: string): boolean {
    const it = this.#find(ref);
    return it?.state === 'running' && (it.health === undefined || it.health.status === 'healthy');
  }

  stateOf(ref: string): ContainerState | undefined {
    return this.#find(ref)?.state;
  }

  /** Whose namespaces it shares, as its configuration names them. */
  ownersOf(ref: string): string[] {
    return (this.#find(ref)?.spec.shares ?? []).map(({ owner }) => owner);
  }

  /** Ids of all containers, oldest first. */
  ids(): string[] {
    return [...this.#containers.keys()];
  }

  /** Whether it can reach the network: false for one whose namespace's owner has restarted since. */
  hasNetwork(ref: string): boolean {
    const it = this.#get(ref);
    if (!isUp(it) || !it.attached) return false;
    return [...it.joined].every(([owner, run]) => this.#containers.get(owner)?.run === run);
  }

  /** Its configuration as it stands, its present name included. */
  specOf(ref: string): ContainerSpec {
    const { spec, name } = this.#get(ref);
    return { ...spec, name };
  }

  // ContainerRuntime

  async info(signal: AbortSignal): Promise<EngineInfo> {
    return this.#read('info', '', signal, () => ({
      ...this.#info,
      systemTimeMs: this.#clock.wallMs(),
    }));
  }

  async list(signal: AbortSignal): Promise<readonly ContainerSummary[]> {
    return this.#read('list', '', signal, () =>
      [...this.#containers.values()].map((it) => ({
        id: it.id,
        name: it.name,
        labels: it.spec.labels ?? {},
        state: it.state,
        ...(it.health === undefined || !isUp(it) ? {} : { healthInStatus: it.health.status }),
      })),
    );
  }

  async inspect(ref: string, signal: AbortSignal): Promise<ObservedContainer | undefined> {
    return this.#read('inspect', ref, signal, () => {
      const it = this.#find(ref);
      return it === undefined ? undefined : observe(it);
    });
  }

  async readSecretFiles({ id }: ObservedContainer, signal: AbortSignal): Promise<SecretFilesRead> {
    return this.#read('readSecretFiles', id, signal, () => {
      const files = Object.entries(this.#find(id)?.spec.secretFiles ?? {});
      return { files: files.map(([path, text]) => ({ path, text })), problems: [] };
    });
  }

  async *events(
    options: { readonly onOpen: () => void },
    signal: AbortSignal,
  ): AsyncGenerator<RuntimeEvent> {
    await this.#read('events', '', signal, () => undefined);
    yield* this.#hub.open(options, signal);
  }

  async pastEvents(
    sinceNano: string,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<readonly RuntimeEvent[]> {
    return this.#read('pastEvents', '', signal, () => this.#hub.past(sinceNano, untilMs));
  }

  async eventsKeptSince(signal: AbortSignal): Promise<string> {
    return this.#read('pastEvents', '', signal, () => this.#hub.keptSince());
  }

  async sample(container: ObservedContainer, signal: AbortSignal): Promise<RawSample | undefined> {
    return this.#read('sample', container.id, signal, () => {
      const it = this.#find(container.id);
      if (it?.startedAtMs === undefined || !isUp(it)) return undefined;
      const usage = it.plan.usage?.(this.#clock.wallMs() - it.startedAtMs);
      if (usage === undefined) return undefined;
      return { ...usage, atMs: this.#clock.bootMs(), startedAtMs: it.startedAtMs };
    });
  }

  async *logs(id: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    const it = await this.#read('logs', id, signal, () => this.#get(id));
    if (it.spec.logDriver === 'none') throw new LogsUnavailableError('the log driver is none');
    const { after = '' } = query;
    const first = it.log.findIndex(({ timestamp }) => timestamp > after);
    const oldest = first < 0 ? it.log.length : first;
    let next = query.tail === undefined ? oldest : Math.max(oldest, it.log.length - query.tail);
    for (;;) {
      while (next < it.log.length) {
        const line = it.log[next++];
        if (line !== undefined) yield line;
      }
      if (!query.follow || !isUp(it) || signal.aborted) return;
      await moreLog(it, signal);
    }
  }

  // ContainerOperations

  async start(id: string, signal: AbortSignal): Promise<void> {
    await this.#write('start', id, signal, (it) => {
      if (it.state === 'paused') {
        throw new OperationRefusedError('cannot start a paused container, try unpause instead');
      }
      if (it.state !== 'running') this.#begin(it);
    });
  }

  async stop(id: string, timeoutSeconds: number | undefined, signal: AbortSignal): Promise<void> {
    await this.#write('stop', id, signal, async (it) => {
      if (!isUp(it) && it.state !== 'restarting') return;
      await this.#halt(it, timeoutSeconds);
      if (it.spec.autoRemove === true) this.#destroy(it);
    });
  }

  async restart(
    id: string,
    timeoutSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#write('restart', id, signal, async (it) => {
      // A container with AutoRemove outlives a restart, though not a stop.
      if (isUp(it) || it.state === 'restarting') await this.#halt(it, timeoutSeconds);
      this.#begin(it);
      it.engineRestartCount = 0;
      this.#emit('restart', it);
    });
  }

  async kill(id: string, signalName: string, signal: AbortSignal): Promise<void> {
    await this.#write('kill', id, signal, (it) => {
      if (!isUp(it)) throw new OperationRefusedError(`Container ${it.id} is not running`);
      const number = signalNumber(signalName);
      this.#emit('kill', it, { signal: String(number) });
      it.stoppedByHand = true;
      if (!DEADLY.has(number) || (number !== 9 && it.plan.ignoresTerm === true)) return;
      this.#end(it, 128 + number);
    });
  }

  async pause(id: string, signal: AbortSignal): Promise<void> {
    await this.#write('pause', id, signal, (it) => {
      if (it.state === 'paused')
        throw new OperationRefusedError(`Container ${it.id} is already paused`);
      if (it.state !== 'running')
        throw new OperationRefusedError(`Container ${it.id} is not running`);
      it.state = 'paused';
      // Docker says unhealthy as soon as its monitor stops, without an event and without a failure.
      if (it.health !== undefined)
        it.health = { ...it.health, status: 'unhealthy', failingStreak: 0 };
      this.#emit('pause', it);
    });
  }

  async unpause(id: string, signal: AbortSignal): Promise<void> {
    await this.#write('unpause', id, signal, (it) => {
      if (it.state !== 'paused')
        throw new OperationRefusedError(`Container ${it.id} is not paused`);
      it.state = 'running';
      this.#emit('unpause', it);
      this.#probeAfter(it, it.spec.health?.intervalMs ?? 0);
    });
  }

  async updateResources(id: string, limits: ResourceLimits, signal: AbortSignal): Promise<void> {
    await this.#write('updateResources', id, signal, (it) => {
      refuseMemory(limits, it.limits);
      it.limits = withoutUnlimited({ ...it.limits, ...limits });
      this.#emit('update', it);
    });
  }

  async updateRestartPolicy(
    id: string,
    policy: { name: string; maximumRetryCount: number },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#write('updateRestartPolicy', id, signal, (it) => {
      if (it.spec.autoRemove === true) {
        throw new OperationRefusedError(
          'Restart policy cannot be updated because AutoRemove is enabled for the container',
        );
      }
      const name = RESTART_POLICIES.find((known) => known === policy.name);
      if (name === undefined)
        throw new OperationRefusedError(`invalid restart policy ${policy.name}`);
      it.restartPolicy = { name, maximumRetryCount: policy.maximumRetryCount };
      this.#emit('update', it);
    });
  }

  async exec(
    id: string,
    command: readonly string[],
    options: { readonly timeoutMs: number; readonly outputBytesMax: number },
    signal: AbortSignal,
  ): Promise<ExecResult> {
    return this.#write('exec', id, signal, (it) => {
      if (it.state === 'paused') throw new OperationRefusedError(`Container ${it.id} is paused`);
      if (it.state !== 'running')
        throw new OperationRefusedError(`Container ${it.id} is not running`);
      const { exitCode, output } = it.plan.exec?.(command) ?? { exitCode: 0, output: '' };
      const truncated = output.length > options.outputBytesMax;
      return { exitCode, output: output.slice(0, options.outputBytesMax), truncated };
    });
  }

  async blueprint(ref: string, signal: AbortSignal): Promise<ContainerBlueprint | undefined> {
    return this.#read('blueprint', ref, signal, () => {
      const it = this.#find(ref);
      if (it === undefined) return undefined;
      const { id, name, image, imageId, limits, restartPolicy } = it;
      const raw: RawBlueprint = { spec: { ...it.spec, limits, restartPolicy } };
      return { id, name, image, imageId, running: isUp(it), raw };
    });
  }

  async createFrom(
    blueprint: ContainerBlueprint,
    options: CreateOptions,
    signal: AbortSignal,
  ): Promise<string> {
    const { spec } = blueprint.raw as RawBlueprint;
    const act = () => {
      const image = options.image ?? blueprint.image;
      const owners = options.replacedOwners ?? {};
      const made = this.#create(
        {
          ...spec,
          name: options.name,
          env: { ...spec.env, ...options.env },
          labels: { ...spec.labels, ...options.labels },
          shares: (spec.shares ?? []).map((share) => ({
            ...share,
            owner: owners[share.owner] ?? share.owner,
          })),
        },
        image,
        options.image === undefined ? blueprint.imageId : undefined,
      );
      this.writes.push({ operation: 'createFrom', id: made.id });
      return made.id;
    };
    const call = { operation: 'createFrom', writes: true, matches: this.#matcher(blueprint.id) };
    return this.faults.run(call, act, signal);
  }

  async rename(id: string, name: string, signal: AbortSignal): Promise<void> {
    await this.#write('rename', id, signal, (it) => {
      this.#refuseTakenName(name);
      const oldName = it.name;
      it.name = name;
      this.#emit('rename', it, { oldName });
    });
  }

  async remove(
    id: string,
    options: { readonly force: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#write('remove', id, signal, (it) => {
      if (isUp(it) && !options.force) {
        throw new OperationRefusedError('You cannot remove a running container');
      }
      if (isUp(it)) {
        this.#emit('kill', it, { signal: '9' });
        it.stoppedByHand = true;
        this.#end(it, 137);
      }
      if (this.#containers.has(it.id)) this.#destroy(it);
    });
  }

  async disconnectNetworks(id: string, signal: AbortSignal): Promise<void> {
    await this.#write('disconnectNetworks', id, signal, (it) => {
      it.attached = false;
    });
  }

  async connectNetworks(
    _blueprint: ContainerBlueprint,
    id: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#write('connectNetworks', id, signal, (it) => {
      it.attached = true;
    });
  }

  async imageHistory(reference: string, signal: AbortSignal): Promise<readonly MemoryImage[]> {
    return this.#read('imageHistory', '', signal, () => {
      const repository = repositoryOf(reference);
      return this.#images.filter(({ references }) =>
        references.some((known) => repositoryOf(known) === repository),
      );
    });
  }

  // How the engine works inside.

  async #read<Value>(
    operation: string,
    ref: string,
    signal: AbortSignal,
    act: () => Value,
  ): Promise<Value> {
    const call = { operation, writes: false, matches: this.#matcher(ref) };
    return this.faults.run(call, act, signal);
  }

  async #write<Value>(
    operation: string,
    ref: string,
    signal: AbortSignal,
    act: (it: MemoryContainer) => Promise<Value> | Value,
  ): Promise<Value> {
    const call = { operation, writes: true, matches: this.#matcher(ref) };
    const recorded = () => {
      const it = this.#get(ref);
      this.writes.push({ operation, id: it.id });
      return act(it);
    };
    return this.faults.run(call, recorded, signal);
  }

  #matcher(ref: string): (container: string) => boolean {
    const it = this.#find(ref);
    return (container) => container === ref || it?.id === container || it?.name === container;
  }

  #find(ref: string): MemoryContainer | undefined {
    const byId = this.#containers.get(ref);
    return byId ?? [...this.#containers.values()].find(({ name }) => name === ref);
  }

  #get(ref: string): MemoryContainer {
    const it = this.#find(ref);
    if (it === undefined) throw new ContainerGoneError(`No such container: ${ref}`);
    return it;
  }

  #refuseTakenName(name: string): void {
    const holder = this.#find(name);
    if (holder === undefined) return;
    throw new OperationRefusedError(
      `Conflict. The container name "/${name}" is already in use by container "${holder.id}"`,
    );
  }

  #create(spec: ContainerSpec, image: string, imageId: string | undefined): MemoryContainer {
    this.#refuseTakenName(spec.name);
    this.#idCount += 1;
    const id = digest(`${this.#info.engineId}/${this.#idCount}`);
    const it = newContainer(spec, {
      id,
      image,
      imageId: imageId ?? this.#resolveImage(image),
      nowMs: this.#clock.wallMs(),
    });
    this.#containers.set(id, it);
    this.#emit('create', it);
    return it;
  }

  #resolveImage(reference: string): string {
    const known = this.#images.find(
      ({ id, references }) => id === reference || references.includes(reference),
    );
    if (known !== undefined) return known.id;
    if (this.#images.length > 0) throw new OperationRefusedError(`No such image: ${reference}`);
    return `sha256:${digest(reference)}`;
  }

  /** Starts a stopped container, or says why not, as Docker does: exited, with `State.Error`. */
  #begin(it: MemoryContainer): void {
    clearTimers(it);
    const { spec } = it;
    const facts = {
      name: it.name,
      imageId: it.imageId,
      env: spec.env ?? {},
      limits: it.limits,
      run: it.run + 1,
    };
    it.plan = typeof spec.plan === 'function' ? spec.plan(facts) : (spec.plan ?? {});
    const refusal = this.#startRefusal(it);
    if (refusal !== undefined) {
      it.error = refusal.message;
      if (it.state !== 'created') it.state = 'exited';
      it.exitCode = 128;
      throw refusal;
    }
    this.#join(it);
    it.run += 1;
    it.state = 'running';
    it.error = '';
    it.exitCode = 0;
    it.oomKilled = false;
    it.stoppedByHand = false;
    // Docker's instants have nanoseconds: two starts are never at one instant.
    const nowMs = this.#clock.wallMs();
    it.startedAtMs = nowMs === it.startedAtMs ? nowMs + 1 : nowMs;
    if (spec.health === undefined) delete it.health;
    else it.health = { status: 'starting', failingStreak: 0 };
    this.#emit('start', it);
    this.#planRun(it);
  }

  #startRefusal(it: MemoryContainer): Error | undefined {
    if (it.plan.startError !== undefined) return new OperationRefusedError(it.plan.startError);
    for (const { owner } of it.spec.shares ?? []) {
      const found = this.#find(owner);
      if (found === undefined) return new ContainerGoneError(`No such container: ${owner}`);
      if (!isUp(found)) {
        return new OperationRefusedError(
          `cannot join network of a non running container: ${found.id}`,
        );
      }
    }
    return this.#conflict(it);
  }

  #conflict(it: MemoryContainer): Error | undefined {
    const addresses = addressesOf(it);
    for (const other of this.#containers.values()) {
      if (other === it || !isUp(other)) continue;
      const port = it.spec.ports?.find((wanted) => other.spec.ports?.includes(wanted));
      if (port !== undefined) {
        return new OperationRefusedError(
          `driver failed programming external connectivity: Bind for 0.0.0.0:${port} failed: port is already allocated`,
        );
      }
      if (addresses.some((wanted) => addressesOf(other).includes(wanted))) {
        return new OperationRefusedError('Address already in use');
      }
    }
    return undefined;
  }

  #join(it: MemoryContainer): void {
    it.joined = new Map();
    for (const { owner } of it.spec.shares ?? []) {
      const found = this.#find(owner);
      if (found !== undefined) it.joined.set(found.id, found.run);
    }
  }

  #planRun(it: MemoryContainer): void {
    const { exit } = it.plan;
    if (exit !== undefined) {
      const end = () => {
        // What is paused does not end by itself.
        if (it.state === 'paused') this.#during(it, PAUSED_RECHECK_MS, end);
        else this.#end(it, exit.code, { oom: exit.oom ?? false });
      };
      this.#during(it, exit.afterMs, end);
    }
    const check = it.spec.health;
    if (check === undefined) return;
    const failsAfterMs = check.startPeriodMs + check.retries * check.intervalMs;
    this.#probeAfter(it, it.plan.health === 'unhealthy' ? failsAfterMs : check.intervalMs);
  }

  #probeAfter(it: MemoryContainer, delayMs: number): void {
    if (it.spec.health === undefined) return;
    this.#during(it, delayMs, () => {
      if (it.state === 'running') this.#changeHealth(it, it.plan.health ?? 'healthy');
    });
  }

  #changeHealth(it: MemoryContainer, status: HealthStatus): void {
    const check = it.spec.health;
    if (check === undefined) return;
    const before = it.health?.status;
    const nowMs = this.#clock.wallMs();
    const isWell = status === 'healthy';
    it.health = {
      status,
      failingStreak: isWell ? 0 : check.retries,
      lastRun: {
        exitCode: isWell ? 0 : 1,
        startedAtMs: nowMs,
        // Docker's instants are finer: a probe never ends at the instant of the start.
        endedAtMs: Math.max(nowMs, (it.startedAtMs ?? 0) + 1),
        output: '',
      },
    };
    if (before !== status) this.#emit('health_status', it);
  }

  /** Calls back while this run lasts. */
  #during(it: MemoryContainer, delayMs: number, callback: () => void): void {
    const { run } = it;
    const cancel = this.#clock.after(delayMs, () => {
      it.timers.delete(cancel);
      if (it.run === run) callback();
    });
    it.timers.add(cancel);
  }

  /** Stops by hand: the stop signal, the grace, SIGKILL. */
  async #halt(it: MemoryContainer, timeoutSeconds: number | undefined): Promise<void> {
    const { run } = it;
    it.stoppedByHand = true;
    if (it.state === 'restarting') {
      clearTimers(it);
      it.state = 'exited';
      return;
    }
    const number = signalNumber(it.spec.stopSignal ?? 'TERM');
    this.#emit('kill', it, { signal: String(number) });
    if (it.plan.ignoresTerm === true) {
      const graceSeconds = timeoutSeconds ?? it.spec.stopTimeoutSeconds ?? STOP_SECONDS_DEFAULT;
      await this.#clock.sleep(graceSeconds * 1_000);
      if (it.run === run && isUp(it)) this.#emit('kill', it, { signal: '9' });
    }
    const exitCode = it.plan.ignoresTerm === true ? 137 : 0;
    if (it.run === run && isUp(it)) this.#end(it, exitCode, { keep: true });
    this.#emit('stop', it);
  }

  /** The process is gone: by itself, by a signal or by a stop. */
  #end(it: MemoryContainer, exitCode: number, { oom = false, keep = false } = {}): void {
    if (!isUp(it)) return;
    clearTimers(it);
    it.state = 'exited';
    it.exitCode = exitCode;
    it.oomKilled = oom;
    const nowMs = this.#clock.wallMs();
    it.finishedAtMs = Math.max(nowMs, it.startedAtMs ?? 0);
    // Docker leaves `unhealthy` on what has ended, whatever it was.
    if (it.health !== undefined)
      it.health = { ...it.health, status: 'unhealthy', failingStreak: 0 };
    if (oom) this.#emit('oom', it);
    this.#emit('die', it, { exitCode });
    for (const wake of it.followers) wake();
    this.#endPidSharers(it);
    if (it.spec.autoRemove === true && !keep) this.#destroy(it);
    else if (!it.stoppedByHand) this.#restartByPolicy(it, exitCode);
  }

  /** The first process of a pid namespace takes all others in it along. */
  #endPidSharers(owner: MemoryContainer): void {
    for (const it of this.#containers.values()) {
      const shares = it.spec.shares?.some(
        ({ kind, owner: ref }) => kind === 'pid' && this.#find(ref) === owner,
      );
      if (shares === true) this.#end(it, 137);
    }
  }

  #restartByPolicy(it: MemoryContainer, exitCode: number): void {
    const { name, maximumRetryCount } = it.restartPolicy;
    if (name === 'no' || (name === 'on-failure' && exitCode === 0)) return;
    if (
      name === 'on-failure' &&
      maximumRetryCount > 0 &&
      it.engineRestartCount >= maximumRetryCount
    ) {
      return;
    }
    const ranMs = (it.finishedAtMs ?? 0) - (it.startedAtMs ?? 0);
    const doublings = ranMs > BACKOFF_RESET_MS ? 0 : it.engineRestartCount;
    it.state = 'restarting';
    this.#during(it, Math.min(BACKOFF_FIRST_MS * 2 ** doublings, BACKOFF_MAX_MS), () => {
      if (it.state !== 'restarting') return;
      it.engineRestartCount += 1;
      try {
        this.#begin(it);
      } catch {
        // The reason stands in `State.Error`; Docker leaves it exited.
        it.state = 'exited';
      }
    });
  }

  #destroy(it: MemoryContainer): void {
    clearTimers(it);
    this.#containers.delete(it.id);
    this.#emit('destroy', it);
  }

  #emit(
    action: EventAction,
    it: MemoryContainer,
    more: Pick<RuntimeEvent, 'exitCode' | 'signal' | 'oldName'> = {},
  ): void {
    const { id: containerId, name, spec } = it;
    const timeNano = this.#nextNano().toString();
    const event = { action, containerId, name, labels: spec.labels ?? {}, timeNano, ...more };
    this.onEvent(event);
    this.#hub.emit(event);
  }

  /** Docker dates events by the wall clock, which may step back; no two are of one instant. */
  #nextNano(): bigint {
    const now = BigInt(this.#clock.wallMs()) * 1_000_000n;
    const isSameMs = this.#lastNano / 1_000_000n === now / 1_000_000n;
    this.#lastNano = isSameMs ? this.#lastNano + 1n : now;
    return this.#lastNano;
  }
}

const RESTART_POLICIES: readonly RestartPolicy['name'][] = [
  'no',
  'always',
  'unless-stopped',
  'on-failure',
];

const MEMORY_BYTES_MIN = 6 * 2 ** 20;

function refuseMemory(
  { memoryBytes, memorySwapBytes }: ResourceLimits,
  before: ResourceLimits,
): void {
  if (memoryBytes === undefined) return;
  if (memoryBytes < MEMORY_BYTES_MIN) {
    throw new OperationRefusedError('Minimum memory limit allowed is 6MB');
  }
  const swap = memorySwapBytes ?? before.memorySwapBytes ?? -1;
  if (swap >= 0 && swap < memoryBytes) {
    throw new OperationRefusedError(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
  }
}

/** -1 takes the pids limit away; there is no way to do so with the others. */
function withoutUnlimited({ pids = -1, ...limits }: ResourceLimits): ResourceLimits {
  return { ...limits, ...(pids < 0 ? {} : { pids }) };
}

function clearTimers(it: MemoryContainer): void {
  for (const cancel of it.timers) cancel();
  it.timers.clear();
}

function addressesOf(it: MemoryContainer): string[] {
  if (!it.attached) return [];
  return Object.values(it.spec.networks ?? {}).flatMap(({ address }) => address ?? []);
}

function moreLog(it: MemoryContainer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      it.followers.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    it.followers.add(wake);
    signal.addEventListener('abort', wake);
  });
}

/** `name:tag` and `name@digest` without tag and digest; a port in the registry's name is no tag. */
function repositoryOf(reference: string): string {
  const name = reference.split('@', 1)[0] ?? '';
  return name.replace(/:[^/:]*$/, '');
}

function signalNumber(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  return SIGNAL_NUMBERS[name.replace(/^SIG/, '')] ?? 10;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function rfc3339(nano: bigint): string {
  const seconds = new Date(Number(nano / 1_000_000_000n) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${(nano % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
