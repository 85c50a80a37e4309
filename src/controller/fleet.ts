import type { ContainerSummary, ObservedContainer } from '#core/workload/container.ts';
import {
  identityOf,
  isSetAside,
  keyOf,
  type WorkloadIdentity,
  type WorkloadKey,
} from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';

/** Workloads whose newest container is remembered for the one that replaces it. */
const REMEMBERED_MAX = 2_000;

/** What is collected about a workload besides its inspect. */
export type Signals = Pick<WorkloadView, 'gauges' | 'samples' | 'probes' | 'disks' | 'logs'>;

const NO_SIGNALS: Signals = { gauges: {}, probes: {}, disks: {} };

interface Entry {
  readonly container: ObservedContainer;
  readonly key: WorkloadKey;
  /** Controller milliseconds from which the present run is reckoned; absent while not running. */
  readonly runningSinceMs?: number;
}

export interface FleetTimes {
  /** Controller time now. */
  readonly nowMs: number;
  /** The daemon's wall clock now: what its timestamps are compared with. */
  readonly daemonMs: number;
}

/**
 * The cache of live state: every container that was inspected, and the workloads that they make up.
 * One view per workload, replaced whenever something in it changes.
 */
export class Fleet {
  readonly host: string;
  readonly #entries = new Map<string, Entry>();
  readonly #byName = new Map<string, string>();
  readonly #members = new Map<WorkloadKey, Set<string>>();
  readonly #signals = new Map<WorkloadKey, Signals>();
  readonly #views = new Map<WorkloadKey, WorkloadView>();
  /** The newest container of each workload and the one that it replaced, also when they are gone. */
  readonly #newest = new Map<
    WorkloadKey,
    { readonly container: ObservedContainer; readonly before?: ObservedContainer }
  >();
  /** Workloads that a policy expects and that do not exist. */
  readonly #absent = new Map<WorkloadKey, WorkloadIdentity>();

  constructor(host: string) {
    this.host = host;
  }

  views(): ReadonlyMap<WorkloadKey, WorkloadView> {
    return this.#views;
  }

  container(id: string): ObservedContainer | undefined {
    return this.#entries.get(id)?.container;
  }

  containers(): ObservedContainer[] {
    return [...this.#entries.values()].map(({ container }) => container);
  }

  /** Ids of the containers that make up a workload. */
  members(key: WorkloadKey): readonly string[] {
    return [...(this.#members.get(key) ?? [])];
  }

  keyOf(summary: Pick<ContainerSummary, 'name' | 'labels'>): WorkloadKey {
    return keyOf(identityOf(this.host, summary));
  }

  /** @param ref id, or the name that a namespace owner was given by */
  workloadOf(ref: string): WorkloadKey | undefined {
    return (this.#entries.get(ref) ?? this.#entries.get(this.#byName.get(ref) ?? ''))?.key;
  }

  /** Workloads that live in a namespace of this one: what happens to it may cut them off. */
  sharersOf(key: WorkloadKey): WorkloadKey[] {
    const sharers: WorkloadKey[] = [];
    for (const entry of this.#entries.values()) {
      const isSharer = entry.container.shares.some(({ owner }) => this.workloadOf(owner) === key);
      if (isSharer && entry.key !== key) sharers.push(entry.key);
    }
    return sharers;
  }

  /** Takes a fresh inspect in. @returns the key whose view changed */
  put(inspected: ObservedContainer, times: FleetTimes): WorkloadKey {
    const key = this.keyOf(inspected);
    const before = this.#entries.get(inspected.id);
    const container = withKnownSecrets(inspected, before?.container);
    if (before !== undefined && before.key !== key) this.#leave(before.key, container.id);
    if (before !== undefined) this.#forgetName(before.container.name, container.id);

    const runningSinceMs = runningSince(container, before, times);
    this.#entries.set(container.id, {
      container,
      key,
      ...(runningSinceMs === undefined ? {} : { runningSinceMs }),
    });
    this.#byName.set(container.name, container.id);
    const members = this.#members.get(key) ?? new Set();
    members.add(container.id);
    this.#members.set(key, members);
    this.#remember(key, container);
    this.#refresh(key);
    return key;
  }

  /** The container is gone. @returns the key that it belonged to */
  drop(id: string): WorkloadKey | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    this.#forgetName(entry.container.name, id);
    this.#leave(entry.key, id);
    return entry.key;
  }

  /** Replaces everything that is collected about the workload. */
  setSignals(key: WorkloadKey, signals: Signals): void {
    this.#signals.set(key, signals);
    if (this.#views.has(key)) this.#refresh(key);
  }

  clearSignals(key: WorkloadKey): void {
    if (this.#signals.delete(key) && this.#views.has(key)) this.#refresh(key);
  }

  /** Replaces the set of workloads that are expected and missing. @returns keys that changed */
  setAbsent(identities: readonly WorkloadIdentity[]): WorkloadKey[] {
    const wanted = new Map(identities.map((identity) => [keyOf(identity), identity]));
    const gone = [...this.#absent.keys()].filter((key) => !wanted.has(key));
    const added = [...wanted.keys()].filter((key) => !this.#absent.has(key));
    this.#absent.clear();
    for (const [key, identity] of wanted) this.#absent.set(key, identity);
    for (const key of [...gone, ...added]) this.#refresh(key);
    return [...gone, ...added];
  }

  #remember(key: WorkloadKey, container: ObservedContainer): void {
    if (isSetAside(container)) return;
    const known = this.#newest.get(key);
    if (known !== undefined && container.createdAtMs < known.container.createdAtMs) return;
    const before = known?.container.id === container.id ? known.before : known?.container;
    this.#newest.delete(key);
    this.#newest.set(key, { container, ...(before === undefined ? {} : { before }) });
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > REMEMBERED_MAX && oldest !== undefined) this.#newest.delete(oldest);
  }

  /** Its name may be another container's by now. */
  #forgetName(name: string, id: string): void {
    if (this.#byName.get(name) === id) this.#byName.delete(name);
  }

  #leave(key: WorkloadKey, id: string): void {
    const members = this.#members.get(key);
    members?.delete(id);
    if (members?.size === 0) {
      this.#members.delete(key);
      this.#signals.delete(key);
    }
    this.#refresh(key);
  }

  #refresh(key: WorkloadKey): void {
    const view = this.#viewOf(key);
    if (view === undefined) this.#views.delete(key);
    else this.#views.set(key, view);
  }

  #viewOf(key: WorkloadKey): WorkloadView | undefined {
    const claiming = this.members(key).flatMap((id) => this.#entries.get(id) ?? []);
    const entries = claiming.filter(({ container }) => !isSetAside(container));
    const signals = this.#signals.get(key) ?? NO_SIGNALS;
    const [first, second] = entries;
    if (first !== undefined && second === undefined) {
      const { container, runningSinceMs } = first;
      const running = runningSinceMs === undefined ? {} : { runningSinceMs };
      const identity = identityOf(this.host, container);
      const { before } = this.#newest.get(key) ?? {};
      const replaced = before === undefined ? {} : { before };
      return { key, identity, container, ambiguous: [], ...replaced, ...running, ...signals };
    }
    if (first !== undefined) {
      const ambiguous = entries.map(({ container }) => container.id).sort();
      return { key, identity: identityOf(this.host, first.container), ambiguous, ...NO_SIGNALS };
    }
    const identity = this.#absent.get(key) ?? identityFrom(this.host, claiming);
    return identity && { key, identity, ambiguous: [], ...NO_SIGNALS };
  }
}

function identityFrom(host: string, claiming: readonly Entry[]): WorkloadIdentity | undefined {
  const [first] = claiming;
  return first && identityOf(host, first.container);
}

/** What was learned of its secrets stays known, and each keeps its number. */
function withKnownSecrets(
  inspected: ObservedContainer,
  before: ObservedContainer | undefined,
): ObservedContainer {
  const { secrets } = before ?? {};
  if (secrets === undefined || inspected.secrets?.isSameAs(secrets) !== true) return inspected;
  return { ...inspected, secrets };
}

/**
 * Reckoned from the daemon's timestamp the first time that a run is seen, and on the controller's
 * own axis from then on: a step of a wall clock never makes a container older or younger.
 */
function runningSince(
  container: ObservedContainer,
  before: Entry | undefined,
  { nowMs, daemonMs }: FleetTimes,
): number | undefined {
  const { state, startedAtMs } = container;
  if (state !== 'running' || startedAtMs === undefined) return undefined;
  if (before?.runningSinceMs !== undefined && before.container.startedAtMs === startedAtMs) {
    return before.runningSinceMs;
  }
  return nowMs - Math.max(0, daemonMs - startedAtMs);
}
