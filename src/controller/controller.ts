import { isOpen, pendingAttempt } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import type { PolicyEntry } from '#core/journal/state.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { situationOf } from '#core/remediation/decide.ts';
import { cutMsOf } from '#core/remediation/judge-all.ts';
import { recoverIntent } from '#core/remediation/recover-intent.ts';
import type { ResolvedArguments } from '#core/remediation/secrets.ts';
import { fateOfSetAside } from '#core/remediation/set-aside.ts';
import { about, type WorkloadMemory } from '#core/remediation/step.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import { intentOfSetAside, type WorkloadKey } from '#core/workload/key.ts';
import type { ActionRunner, JsonObject } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine } from '#ports/container-runtime.ts';
import type { EvidenceStore } from '#ports/evidence-store.ts';
import type { FilesystemProbe } from '#ports/filesystem-probe.ts';
import type { ModelClient } from '#ports/model-client.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';
import type { Prober } from '#ports/prober.ts';
import { createEvidenceKeeper, type KeepEvidence } from './evidence-keeper.ts';
import { Executor } from './executor.ts';
import { Fleet } from './fleet.ts';
import { IncidentLogs } from './incident-logs.ts';
import { controllerNowMs, type OperatorJournal } from './journal-state.ts';
import { ModelDesk } from './model-desk.ts';
import { Observer } from './observer.ts';
import { createReconciler } from './reconciler.ts';
import { SecretReader } from './secret-reader.ts';
import {
  createSignalCollector,
  type SignalCollector,
  type SignalListener,
} from './signals/signal-collector.ts';
import { TriageDesk } from './signals/triage.ts';
import { startWorkers, type WorkersObserver } from './workers.ts';
import { Workqueue, type WorkqueueObserver } from './workqueue.ts';
import { missingOf, WorldBuilder } from './world-builder.ts';

/** Told of what the controller does; telemetry and the API listen here. */
export interface ControllerListener {
  readonly queue?: WorkqueueObserver;
  readonly workers?: WorkersObserver;
  readonly onEvent?: (event: RuntimeEvent) => void;
  readonly onConnection?: (state: { readonly up: boolean; readonly error?: unknown }) => void;
  readonly onReconciled?: (key: WorkloadKey, policy: string) => void;
  readonly onPolicies?: (set: PolicySet) => void;
  readonly onWarning?: (message: string, cause: unknown) => void;
  readonly signals?: Omit<SignalListener, 'onWarning'>;
}

export interface ControllerOptions {
  readonly runtime: ContainerRuntime;
  readonly actions: ActionRunner;
  /** What signals are collected with beside the runtime; without it none are. */
  readonly signals?: { readonly prober: Prober; readonly filesystem: FilesystemProbe };
  readonly policies: PolicySource;
  readonly journal: OperatorJournal;
  /** Where evidence from before an action is kept; without it none is. */
  readonly evidence?: EvidenceStore;
  /** Language models, for policies that name routes to them; without it rules alone diagnose. */
  readonly models?: ModelClient;
  /** Raw text of the Compose file that a policy names; `undefined` where there is none to read. */
  readonly composeFileOf?: (policy: CompiledPolicy) => Promise<string | undefined>;
  readonly clock: Clock;
  /** The name that this host's workloads have in their keys. */
  readonly host: string;
  readonly protectedContainers: (fleet: Fleet) => ReadonlyMap<string, string>;
  readonly shadowAll: boolean;
  readonly maxActions: { readonly max: number; readonly perMs: number };
  readonly mac: (text: string) => string;
  readonly resolveSecrets: (args: JsonObject) => ResolvedArguments;
  /** Whether files of secrets are read, so that redaction knows them; default true. */
  readonly readSecretFiles?: boolean;
  readonly listener?: ControllerListener;
  readonly workers?: number;
  readonly resyncMs?: number;
  readonly reconcileTimeoutMs?: number;
}

const DEFAULTS = { workers: 4, resyncMs: 300_000, reconcileTimeoutMs: 60_000 };
/** How long a stop waits for what is under way. */
const GRACE_MS = 30_000;
/** Between something that happened and the look of those who may have waited for it. */
const SWEEP_MS = 500;
const IDLE_POLL_MS = 50;
/** Records after which another workload's candidate may pass the gate. */
const FREES: ReadonlySet<string> = new Set([
  'remediation.completed',
  'rollback.completed',
  'verification.passed',
  'verification.failed',
  'incident.resolved',
  'pause.cleared',
  'approval.granted',
]);

/**
 * The control loop: an observer that names keys, a queue that orders them, workers that reconcile,
 * an executor beside them, and start-up and shutdown around it.
 */
export class Controller implements AsyncDisposable {
  readonly fleet: Fleet;
  readonly #options: ControllerOptions;
  readonly #queue: Workqueue;
  readonly #observer: Observer;
  readonly #secrets: SecretReader | undefined;
  readonly #executor: Executor;
  readonly #worlds: WorldBuilder;
  readonly #signals: SignalCollector | undefined;
  readonly #logs: IncidentLogs;
  readonly #desk: ModelDesk | undefined;
  readonly #memories = new Map<WorkloadKey, WorkloadMemory>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  /** Set-aside containers that this run has spoken of. */
  readonly #keptTold = new Set<string>();
  #lastPolicies: PolicySet | undefined;
  #isSynced = false;
  #isConnected = false;
  #sweeping = false;
  #lastReconcileMs: number | undefined;

  constructor(options: ControllerOptions) {
    const { clock, journal, listener = {} } = options;
    this.#options = options;
    this.fleet = new Fleet(options.host);
    this.#queue = new Workqueue({ clock, ...(listener.queue && { observer: listener.queue }) });
    const warn = (message: string, cause: unknown) => listener.onWarning?.(message, cause);
    const secrets = { runtime: options.runtime, clock, signal: this.#stopping.signal };
    if (options.readSecretFiles !== false) {
      this.#secrets = new SecretReader({ ...secrets, onWarning: warn });
    }
    this.#observer = new Observer({
      runtime: options.runtime,
      ...(this.#secrets && { secrets: this.#secrets }),
      clock,
      journal,
      fleet: this.fleet,
      isRelevant: (key, named) => this.#worlds.isRelevant(key, named),
      wasCalled: (intent) => this.#executor.wasCalled(intent),
      onChange: (key, why) => this.#changed(key, why),
      onSynced: () => this.#synced(),
      onConnection: (state) => {
        this.#isConnected = state.up;
        listener.onConnection?.(state);
      },
      onWarning: warn,
      ...(listener.onEvent && { onEvent: listener.onEvent }),
    });
    this.#logs = this.#incidentLogs();
    this.#worlds = new WorldBuilder({
      clock,
      journal,
      fleet: this.fleet,
      actions: options.actions,
      policies: () => options.policies.current(),
      settlingUntilMs: () => this.#observer.settlingUntilMs(),
      protectedContainers: () => options.protectedContainers(this.fleet),
      shadowAll: options.shadowAll,
      maxActions: options.maxActions,
      mac: options.mac,
      missingSecret: (args) => {
        const resolved = options.resolveSecrets(args);
        return resolved.ok ? undefined : resolved.missing;
      },
      logOf: (incident) => this.#logs.linesOf(incident),
    });
    const refresh = (key: WorkloadKey, signal: AbortSignal) => this.#observer.refresh(key, signal);
    this.#executor = new Executor({
      clock,
      journal,
      actions: options.actions,
      world: () => this.#worlds.build(),
      memoryOf: (key) => this.#memories.get(key),
      refresh,
      confirmCrash: (key, signal) => this.#observer.confirmCrash(key, signal),
      onEnded: (key) => this.#queue.add(key),
      resolveSecrets: options.resolveSecrets,
      ...this.#evidenceKeeper(),
      onWarning: warn,
    });
    this.#signals = this.#createSignals();
    this.#desk = this.#modelDesk();
    this.#reconcile = createReconciler({
      journal,
      world: () => this.#worlds.build(),
      refresh,
      memories: this.#memories,
      startEffect: (key, incident, effect, durable) =>
        this.#executor.start(key, incident, effect, durable),
    });
  }

  readonly #reconcile: ReturnType<typeof createReconciler>;

  /** Starts watching; workers begin once everything was listed and open intents are ended. */
  start(): void {
    const { policies } = this.#options;
    this.#options.journal.subscribe((records) => {
      if (records.some(({ type }) => FREES.has(type))) this.#sweepSoon();
    });
    this.#logs.start();
    this.#policiesChanged(policies.current());
    policies.onChange((set) => this.#policiesChanged(set));
    this.#running.push(this.#observer.run(this.#stopping.signal));
    this.#running.push(this.#resyncLoop());
  }

  /** Whether the engine's event stream is open. */
  isConnected(): boolean {
    return this.#isConnected;
  }

  isSynced(): boolean {
    return this.#isSynced;
  }

  /** Boot milliseconds since a reconcile last ended well; `undefined` before the first. */
  sinceLastReconcileMs(): number | undefined {
    return this.#lastReconcileMs === undefined
      ? undefined
      : this.#options.clock.bootMs() - this.#lastReconcileMs;
  }

  worlds(): Pick<WorldBuilder, 'build' | 'governing'> {
    return this.#worlds;
  }

  engine() {
    return this.#observer.engine();
  }

  queue(): Pick<Workqueue, 'depth' | 'workingMs'> {
    return this.#queue;
  }

  /** The last lines of a workload's log, raw, oldest first; none where it is not followed. */
  recentLines(key: WorkloadKey): LogLine[] {
    return this.#signals?.recentLines(key) ?? [];
  }

  /** A workload should be looked at, for a reason that is no event: a sample, a probe, a request. */
  enqueue(key: WorkloadKey): void {
    this.#changed(key, 'Event');
  }

  /** Resolves when everything was looked at once and nothing is under way. */
  async untilIdle(): Promise<void> {
    const isBusy = () =>
      !this.#isSynced ||
      this.#queue.depth() > 0 ||
      this.#queue.workingMs().length > 0 ||
      this.#executor.isBusy() ||
      this.#desk?.isBusy() === true;
    while (isBusy()) await this.#options.clock.sleep(IDLE_POLL_MS, this.#stopping.signal);
  }

  /** Stops taking work, lets what is under way end within 30 s, and records the stop. */
  async stop(reason: string): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#logs.stop();
    this.#desk?.stop();
    this.#queue.shutDown();
    const grace = new AbortController();
    const wait = this.#options.clock.sleep(GRACE_MS, grace.signal);
    await this.#executor.stop(wait);
    await Promise.race([Promise.allSettled(this.#running), wait]);
    grace.abort();
    // Waited for: the outbox, which is closed after this, publishes only what is durable.
    await this.#record([{ type: 'stopped', data: { reason } }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('closed');
  }

  #changed(key: WorkloadKey, why: 'Event' | 'Resync'): void {
    this.#queue.add(key, why);
    if (!this.#isSynced) return;
    this.#refreshAbsent();
    this.#sweepSoon();
  }

  /**
   * Whoever waits for another workload (a dependent, a budget, a place in a queue of actions) looks
   * again shortly after something happened anywhere.
   */
  #sweepSoon(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.#options.clock.after(SWEEP_MS, () => {
      this.#sweeping = false;
      const { openByWorkload } = this.#options.journal.state();
      for (const key of Object.keys(openByWorkload)) this.#queue.add(key, 'Resync');
    });
  }

  #synced(): void {
    this.#observer.noteFound();
    this.#refreshAbsent();
    if (!this.#isSynced) this.#endOpenIntents();
    this.#settleLeftovers();
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.#desk?.start();
    if (this.#signals !== undefined) {
      this.#running.push(this.#signals.start(this.#stopping.signal));
    }
    this.#startWorkers();
    for (const key of this.fleet.views().keys()) this.#queue.add(key, 'Resync');
  }

  #createSignals(): SignalCollector | undefined {
    const { runtime, clock, journal, signals, models, mac, listener = {} } = this.#options;
    if (signals === undefined) return undefined;
    return createSignalCollector({
      ...signals,
      runtime,
      clock,
      fleet: this.fleet,
      governing: (key) => this.#worlds.governing(key),
      historyOf: (key) => journal.state().workloads[key] ?? emptyHistory(),
      cutMsOf: (key) => cutMsOf(journal.state(), key),
      enqueue: (key) => this.enqueue(key),
      nowMs: () => controllerNowMs(journal.state(), clock),
      daemonNowMs: () => this.#observer.daemonNowMs(),
      host: () => this.#observer.engine(),
      ...(models === undefined ? {} : { triage: new TriageDesk({ clock, models, mac }) }),
      untilSecretsKnown: async (container) => this.#secrets?.read(container),
      listener: {
        ...listener.signals,
        onWarning: (message, cause) => listener.onWarning?.(message, cause),
      },
    });
  }

  #incidentLogs(): IncidentLogs {
    const { clock, journal, runtime } = this.#options;
    return new IncidentLogs({
      clock,
      journal,
      runtime,
      views: () => this.fleet.views(),
      recentLines: (key) => this.recentLines(key),
      logLinesMax: (key) => this.#logLinesMax(key),
      untilSecretsKnown: async (container) => this.#secrets?.read(container),
      onLog: ({ name, workload }, lines) => {
        this.#queue.add(workload.key);
        this.#desk?.offerLog(name, lines);
      },
    });
  }

  #modelDesk(): ModelDesk | undefined {
    const { clock, journal, models, actions, composeFileOf, listener } = this.#options;
    if (models === undefined) return undefined;
    return new ModelDesk({
      clock,
      journal,
      models,
      actions,
      ...(composeFileOf === undefined ? {} : { composeFileOf }),
      untilSecretsKnown: async (container) => this.#secrets?.read(container),
      asksAbout: (name) => {
        const policy = this.#options.policies.current().policies.find((one) => one.name === name);
        const { rootCause = [], explain = [] } = policy?.spec.modelRouting ?? {};
        return rootCause.length > 0 || explain.length > 0;
      },
      situationOf: (key) => situationOf(this.#worlds.build(), key, this.#memories.get(key)),
      onAnswered: (key) => this.#queue.add(key),
      onWarning: (message, cause) => listener?.onWarning?.(message, cause),
    });
  }

  #evidenceKeeper(): { readonly keepEvidence?: KeepEvidence } {
    const { runtime, clock, journal, evidence, listener } = this.#options;
    if (evidence === undefined) return {};
    const keepEvidence = createEvidenceKeeper({
      clock,
      journal,
      runtime,
      store: evidence,
      views: () => this.fleet.views(),
      recentLines: (key) => this.recentLines(key),
      logLinesMax: (key) => this.#logLinesMax(key),
      untilSecretsKnown: async (container) => this.#secrets?.read(container),
      onLog: (incident, lines) => this.#logs.offer(incident, lines),
      onWarning: (message, cause) => listener?.onWarning?.(message, cause),
    });
    return { keepEvidence };
  }

  #logLinesMax(key: WorkloadKey): number {
    const governing = this.#worlds.governing(key);
    return governing.kind === 'governed' ? governing.policy.spec.diagnosis.logLines : 0;
  }

  #startWorkers(): void {
    const { clock, listener = {} } = this.#options;
    const { done } = startWorkers({
      queue: this.#queue,
      clock,
      count: this.#options.workers ?? DEFAULTS.workers,
      timeoutMs: this.#options.reconcileTimeoutMs ?? DEFAULTS.reconcileTimeoutMs,
      reconcile: async (key, signal) => {
        // Whatever comes of it, its containers were inspected: what is collected follows them.
        const result = await this.#reconcile(key, signal).finally(() =>
          this.#signals?.reconcileWants(key),
        );
        this.#logs.lookedAt(key);
        this.#lastReconcileMs = clock.bootMs();
        // Only now is it known how the owner of a namespace is, and what that means to the others.
        for (const sharer of this.fleet.sharersOf(key)) this.#queue.add(sharer, 'Resync');
        const governing = this.#worlds.governing(key);
        if (governing.kind === 'governed') listener.onReconciled?.(key, governing.policy.name);
        return result;
      },
      observer: listener.workers ?? { started() {}, ended() {}, failed() {} },
    });
    this.#running.push(done);
  }

  /** An intent that a crash left open is ended by what can be observed, never by doing it again. */
  #endOpenIntents(): void {
    const state = this.#options.journal.state();
    const drafts: Draft[] = [];
    for (const incident of Object.values(state.incidents)) {
      const attempt = isOpen(incident) ? pendingAttempt(incident) : undefined;
      if (attempt === undefined || attempt.outcome !== undefined) continue;
      const key = incident.workload.key;
      const view = this.fleet.views().get(key);
      const history = state.workloads[key] ?? emptyHistory();
      const tool = builtinTool(attempt.tool);
      const knowsAll = this.#observer.knowsAllSince(Date.parse(attempt.startedAt));
      const recovered = recoverIntent(attempt, tool, { view, history, knowsAll });
      if (tool?.multiStep === true) {
        const { intent, rollbackOf } = attempt;
        const effect =
          rollbackOf === undefined
            ? ({ kind: 'Recover', intent, message: recovered.message } as const)
            : ({ kind: 'Rollback', intent, rollbackOf } as const);
        this.#executor.start(key, incident.name, effect, Promise.resolve());
        continue;
      }
      const data = { intent: attempt.intent, ...recovered };
      drafts.push(
        attempt.rollbackOf === undefined
          ? { type: 'remediation.completed', ...about(incident), data }
          : { type: 'rollback.completed', ...about(incident), data },
      );
    }
    this.#append(drafts);
  }

  /**
   * Containers that a multi-step action set aside go when its verification is over: at its end, and
   * here, where a crash or a failure has left them.
   */
  #settleLeftovers(): void {
    const world = this.#worlds.build();
    for (const name of this.fleet.containers().map((container) => container.name)) {
      const intent = intentOfSetAside(name);
      if (intent === undefined) continue;
      const fate = fateOfSetAside(world, intent);
      if (fate.kind === 'Kept') this.#tellKept(name, fate.why);
      if (fate.kind !== 'Removable') continue;
      const effect = { kind: 'Settle', intent } as const;
      this.#executor.start(fate.workload, fate.incident, effect, Promise.resolve());
    }
  }

  /** Once per run: it takes up room, and nobody else would ever speak of it. */
  #tellKept(name: string, why: string): void {
    if (this.#keptTold.has(name)) return;
    this.#keptTold.add(name);
    const message = 'a container that was set aside is kept until a person removes it';
    this.#options.listener?.onWarning?.(message, `${name}: ${why}`);
  }

  async #resyncLoop(): Promise<void> {
    const { clock, listener } = this.#options;
    const { signal } = this.#stopping;
    const everyMs = this.#options.resyncMs ?? DEFAULTS.resyncMs;
    while (!signal.aborted) {
      await clock.sleep(everyMs * (0.9 + clock.random() * 0.2), signal);
      if (signal.aborted) return;
      try {
        await this.#observer.resync(signal);
        // While events are missed, what is found has no witness that could still speak.
        if (this.#observer.isHearing()) this.#synced();
        for (const key of this.fleet.views().keys()) this.#queue.add(key, 'Resync');
      } catch (error) {
        listener?.onWarning?.('a resync failed; the next event or resync makes up for it', error);
      }
    }
  }

  #policiesChanged(set: PolicySet): void {
    const { listener } = this.#options;
    if (set !== this.#lastPolicies) {
      this.#lastPolicies = set;
      this.#recordPolicies(set);
      listener?.onPolicies?.(set);
    }
    this.#refreshAbsent();
    this.#signals?.reconcileWants();
    // What no policy cared for was not kept: it is found now.
    if (this.#isSynced && this.#observer.isHearing()) this.#observer.noteFound();
    if (this.#isSynced) for (const key of this.fleet.views().keys()) this.#queue.add(key, 'Resync');
  }

  #recordPolicies(set: PolicySet): void {
    const before = this.#options.journal.state().policies;
    const policies = set.policies.map(({ name, digest, commit }) => {
      const known: PolicyEntry | undefined = before[name];
      const generation =
        known === undefined ? 1 : known.generation + (known.digest === digest ? 0 : 1);
      return { name, digest, commit, generation };
    });
    const data = { policies, problems: set.problems.length, revision: set.lastAppliedRevision };
    this.#append([{ type: 'policy.loaded', data }]);
  }

  #refreshAbsent(): void {
    const { policies } = this.#options.policies.current();
    const missing = missingOf(this.fleet.host, policies, this.fleet.views().values());
    for (const key of this.fleet.setAbsent(missing)) this.#queue.add(key);
  }

  #append(drafts: readonly Draft[]): void {
    void this.#record(drafts);
  }

  /** Appends at once; resolves when the records are durable, or it was told why they are not. */
  async #record(drafts: readonly Draft[]): Promise<void> {
    if (drafts.length === 0) return;
    try {
      await this.#options.journal.append(drafts, { durable: true }).durable;
    } catch (error) {
      this.#options.listener?.onWarning?.('a record is not on disk', error);
    }
  }
}
