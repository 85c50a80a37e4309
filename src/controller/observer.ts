import { RuntimeUnavailableError } from '#core/errors.ts';
import type { Draft } from '#core/journal/data.ts';
import type { OperatorState, WorkloadHistory } from '#core/journal/state.ts';
import { DEPLOYMENT_SETTLE_MS } from '#core/remediation/guards-people.ts';
import {
  attribute,
  type EventContext,
  missedStop,
  type OwnIntent,
} from '#core/workload/attribution.ts';
import { type ContainerSummary, LABEL, type ObservedContainer } from '#core/workload/container.ts';
import { isLaterNano, type RuntimeEvent } from '#core/workload/event.ts';
import { found } from '#core/workload/found.ts';
import { isOneOff, isSetAside, type WorkloadKey } from '#core/workload/key.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, EngineInfo } from '#ports/container-runtime.ts';
import type { Fleet, FleetTimes } from './fleet.ts';
import { controllerNowMs, type OperatorJournal } from './journal-state.ts';
import { ownIntentOn } from './own-intent.ts';
import type { SecretReader } from './secret-reader.ts';

export interface ObserverOptions {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly journal: OperatorJournal;
  readonly fleet: Fleet;
  /** Told of each container that was inspected; without it none of their files is read. */
  readonly secrets?: Pick<SecretReader, 'read'>;
  /** Whether events of a workload are worth keeping: a policy governs it or one of its project. */
  readonly isRelevant: (
    key: WorkloadKey,
    named: Pick<ContainerSummary, 'name' | 'labels'>,
  ) => boolean;
  /** Whether the tool of an intent of this run was called; true for one of an earlier run. */
  readonly wasCalled: (intent: string) => boolean;
  /** A workload that should be looked at. */
  readonly onChange: (key: WorkloadKey, why: 'Event' | 'Resync') => void;
  /** The whole fleet was listed: what was missed is known now. */
  readonly onSynced: () => void;
  readonly onConnection: (state: { readonly up: boolean; readonly error?: unknown }) => void;
  readonly onEvent?: (event: RuntimeEvent) => void;
  /** Told of an event that could not be recorded: it is looked at all the same. */
  readonly onWarning: (message: string, cause: unknown) => void;
}

/** Whether an event was heard as it happened, or asked for later. */
type Told = 'Live' | 'Replayed';

const SIGNALS: ReadonlySet<RuntimeEvent['action']> = new Set(['kill', 'stop']);
/** How long everything is left alone after the daemon came back. */
export const SETTLE_MS = 60_000;
/** How soon those who wait for the event stream look again. */
const DEAF_RECHECK_MS = 1_000;
const RECONNECT_MS = 200;
const RECONNECT_MAX_MS = 15_000;
/** More than a daemon repeats to a client that comes back. */
const TOLD_MAX = 1_000;
const UNCARED_FOR_MAX = 200;
/** Of these the first and the last may be of different containers, and of others of the project. */
const DEPLOYS: ReadonlySet<string> = new Set(['create', 'rename', 'destroy']);
/** A stream is resumed a little before its last event: the daemon's ring may be out of order. */
const OVERLAP_NANO = 2_000_000_000n;
/** Less than this is no delay, but the way of an event. */
const LATE_MS = 250;
/** Live events come in order, or are out of it by less than this. */
const DISORDER_NANO = 10_000_000_000n;
/** What an open stream has not told after this long it will not tell. */
const UNTOLD_MS = 2_000;
const INSPECTS_AT_ONCE = 8;
/** Hundreds of inspects take seconds; a connection that is half open takes for ever. */
const CATCH_UP_MS = 60_000;
/** The daemon's clock is known to a few milliseconds: the past reaches into the live stream. */
const UNTIL_MARGIN_MS = 50;
/** Files of secrets that take longer become known in the background. */
const SECRETS_WITHIN_MS = 5_000;
/** The same, where an action waits for the answer. */
const CONFIRM_MARGIN_MS = 10;

/**
 * Watches one container engine. Events say which workload to look at and tell what Docker tells
 * only once; every look is an inspect. Each (re)connection opens the event stream first and then
 * lists everything, so that nothing falls between.
 */
export class Observer {
  readonly #options: ObserverOptions;
  #skewMs = 0;
  /** Of each container that is being inspected: the order of the questions. */
  readonly #looks = new Map<string, { pending: number; asked: number; answered: number }>();
  #settlingUntilMs: number | undefined;
  /** The event stream is open, and what came before it is known. */
  #isHearing = false;
  #lastNano = '';
  /** The last events, each once, oldest first. */
  readonly #told = new Set<string>();
  /** Deployments of what no policy governed, oldest first: policies may change in the middle of one. */
  readonly #uncaredFor: {
    readonly event: RuntimeEvent;
    readonly key: WorkloadKey;
    /** Boot milliseconds. */
    readonly atMs: number;
  }[] = [];
  /** When this run began to listen, daemon nanoseconds. */
  #firstHeardNano = '';
  /** What came before this the daemon may have forgotten, daemon nanoseconds. */
  #keptSinceNano = '9'.repeat(19);
  #engine: EngineInfo | undefined;
  /** The engine did not answer at all, which a mere cut of the stream by a proxy is not. */
  #wasAway = false;
  /**
   * Files may be read. Each reading is an event to the daemon, which remembers a few hundred: before
   * the past was heard they would push it out.
   */
  #hasHeardPast = false;
  /** When the event stream was last lost, daemon milliseconds. */
  #lostAtMs: number | undefined;
  /** From the end of the engine's run before to its first answer in this one, daemon milliseconds. */
  #engineStart: { readonly fromMs: number; readonly toMs: number } | undefined;
  /** Gives the present event stream up, for this reason; another one is opened. */
  #endSession: (reason: Error) => void = () => undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  engine(): EngineInfo | undefined {
    return this.#engine;
  }

  /** The daemon's wall clock now, as far as it is known. */
  daemonNowMs(): number {
    return this.#options.clock.wallMs() + this.#skewMs;
  }

  /**
   * Controller milliseconds until which everything is left alone: after the engine's restart, and
   * while events are missed, since a person's stop looks like a crash to whoever did not hear it.
   */
  settlingUntilMs(): number | undefined {
    if (this.#isHearing) return this.#settlingUntilMs;
    return Math.max(this.#nowMs() + DEAF_RECHECK_MS, this.#settlingUntilMs ?? 0);
  }

  /** Whether what was replayed misses nothing that happened since, milliseconds on our wall clock. */
  knowsAllSince(wallMs: number): boolean {
    return Number(BigInt(this.#keptSinceNano) / 1_000_000n) - this.#skewMs <= wallMs;
  }

  /** Every event is heard as it comes, and none before was missed. */
  isHearing(): boolean {
    return this.#isHearing;
  }

  /** Runs until `signal` aborts; connects anew for as long as it takes. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#session(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#options.onConnection({ up: false, error });
      }
      const restMs = Math.min(RECONNECT_MS * 2 ** Math.max(0, failures - 1), RECONNECT_MAX_MS);
      await this.#options.clock.sleep(restMs * (0.5 + this.#options.clock.random() / 2), signal);
    }
  }

  /**
   * Lists everything again and inspects what changed or could have changed. A stream that has gone
   * silent (half open, or stuck in a proxy) looks like an engine where nothing happens: what it should
   * have told is asked for, and it is opened anew if there was anything.
   */
  async resync(signal: AbortSignal): Promise<void> {
    const summaries = await this.#options.runtime.list(signal);
    await this.#takeIn(summaries, signal, 'Resync');
    if (this.#isHearing && (await this.#hearUntold(signal))) {
      this.#endSession(new RuntimeUnavailableError('the event stream has gone silent'));
    }
  }

  /** Inspects the containers of one workload now. What is not there any more is dropped. */
  async refresh(key: WorkloadKey, signal: AbortSignal): Promise<void> {
    const { fleet } = this.#options;
    await Promise.all(fleet.members(key).map((id) => this.inspect(id, signal)));
  }

  /** @returns the container as it is now; `undefined` when it is gone */
  async inspect(id: string, signal: AbortSignal): Promise<ObservedContainer | undefined> {
    const { fleet, runtime } = this.#options;
    const look = this.#looks.get(id) ?? { pending: 0, asked: 0, answered: 0 };
    this.#looks.set(id, look);
    look.pending += 1;
    look.asked += 1;
    const asked = look.asked;
    try {
      const container = await runtime.inspect(id, signal);
      // Answers may overtake each other: what was asked later is newer.
      if (asked < look.answered) return fleet.container(id);
      look.answered = asked;
      if (container === undefined) fleet.drop(id);
      else fleet.put(container, this.#times());
      if (this.#hasHeardPast) void this.#readSecrets(id);
      return container;
    } finally {
      look.pending -= 1;
      if (look.pending === 0) this.#looks.delete(id);
    }
  }

  /**
   * Asks the daemon itself whether a signal came before an exit that looks like a crash: it skips
   * events for a reader that is slow, and a lost `kill` would turn a person's stop into a crash.
   */
  async confirmCrash(key: WorkloadKey, signal: AbortSignal): Promise<void> {
    const { fleet, journal, runtime } = this.#options;
    const { exit } = journal.state().workloads[key] ?? {};
    const container = fleet.views().get(key)?.container;
    if (exit?.cause !== 'Crash' || container === undefined || container.state === 'running') return;
    if (exit.container !== container.id) return;

    const sinceMs = container.startedAtMs ?? container.createdAtMs;
    const untilMs = this.daemonNowMs() + CONFIRM_MARGIN_MS;
    const past = await runtime.pastEvents(`${sinceMs}000000`, untilMs, signal);
    const foreign = past.filter((event) => this.#isForeign(event));
    const missed = missedStop(foreign, container);
    if (missed === undefined) return;
    const { id, name, state } = container;
    const note = `its ${missed.action} event had been missed`;
    this.#record({
      type: 'workload.observed',
      workload: key,
      data: { event: 'found', container: id, name, cause: 'Human', timeNano: '', state, note },
    });
  }

  async #session(signal: AbortSignal): Promise<void> {
    const { runtime, clock } = this.#options;
    const engine = await this.#askEngine(signal);
    this.#skewMs = engine.systemTimeMs - clock.wallMs();

    this.#hasHeardPast = false;
    const session = new AbortController();
    const ended = AbortSignal.any([signal, session.signal]);
    const buffered: RuntimeEvent[] = [];
    let isLive = false;
    let catchingUp: Promise<void> | undefined;
    let failure: Error | undefined;
    this.#endSession = (reason) => {
      failure ??= reason;
      session.abort();
    };
    const onOpen = () => {
      catchingUp = withDeadline(clock, CATCH_UP_MS, (timeout) =>
        this.#catchUp(AbortSignal.any([ended, timeout])),
      ).then(
        () => {
          // Told in order: what the past has told already is no news any more.
          for (const event of buffered.splice(0)) this.#take(event, ended, 'Live');
          isLive = true;
          // The stream may have broken meanwhile.
          this.#isHearing = !ended.aborted;
          this.#options.onSynced();
        },
        (error: unknown) => {
          this.#endSession(error instanceof Error ? error : new Error(String(error)));
        },
      );
    };
    try {
      for await (const event of runtime.events({ onOpen }, ended)) {
        if (isLive) this.#take(event, ended, 'Live');
        else buffered.push(event);
      }
    } catch (error) {
      // When catching up fails the stream is ended too; then that is the reason.
      await catchingUp;
      throw failure ?? error;
    } finally {
      if (this.#isHearing) this.#lostAtMs = this.daemonNowMs();
      this.#isHearing = false;
      session.abort();
    }
    await catchingUp;
    if (failure !== undefined) throw failure;
  }

  /** Lists everything, and hears what was missed since the last event that was witnessed. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    const { runtime, onConnection } = this.#options;
    await this.#takeIn(await runtime.list(signal), signal, 'Resync');
    await this.#noteEngineStart(signal);
    const sinceNano = this.#resumeFrom();
    if (sinceNano !== '') {
      const untilMs = this.daemonNowMs() + UNTIL_MARGIN_MS;
      for (const event of await runtime.pastEvents(sinceNano, untilMs, signal)) {
        this.#take(event, signal, 'Replayed');
      }
      this.#keptSinceNano = await runtime.eventsKeptSince(signal);
    }
    // Where nothing has happened yet, what is missed from now on begins here.
    if (this.#firstHeardNano === '') this.#firstHeardNano = `${this.#engine?.systemTimeMs}000000`;
    this.#hasHeardPast = true;
    await this.#readAllSecrets(signal);
    onConnection({ up: true });
  }

  /** Before anything is decided or told, as far as that takes no longer than a moment. */
  async #readAllSecrets(signal: AbortSignal): Promise<void> {
    const { clock, fleet } = this.#options;
    const all = Promise.all(fleet.containers().map(({ id }) => this.#readSecrets(id)));
    const wait = new AbortController();
    const tooLong = clock.sleep(SECRETS_WITHIN_MS, AbortSignal.any([signal, wait.signal]));
    await Promise.race([all, tooLong]);
    wait.abort();
  }

  async #readSecrets(id: string): Promise<void> {
    const container = this.#options.fleet.container(id);
    if (container !== undefined) await this.#options.secrets?.read(container);
  }

  async #askEngine(signal: AbortSignal): Promise<EngineInfo> {
    try {
      this.#engine = await this.#options.runtime.info(signal);
    } catch (error) {
      this.#wasAway = true;
      throw error;
    }
    if (this.#wasAway) this.#settlingUntilMs = this.#nowMs() + SETTLE_MS;
    this.#wasAway = false;
    return this.#engine;
  }

  /**
   * A restart of the engine need not show as an engine that is away: where its socket outlives it
   * (systemd's does), who asks meanwhile waits for the answer. But every run has ended with it, and it
   * remembers nothing of the time before.
   */
  async #noteEngineStart(signal: AbortSignal): Promise<void> {
    const lostAtMs = this.#lostAtMs;
    if (lostAtMs === undefined || this.#engine === undefined) return;
    const goesOn = ({ state, startedAtMs = 0 }: ObservedContainer) =>
      (state === 'running' || state === 'paused') && startedAtMs < lostAtMs;
    if (this.#options.fleet.containers().some(goesOn)) return;
    if ((await this.#options.runtime.pastEvents('1', lostAtMs - 1, signal)).length > 0) return;

    this.#engineStart = { fromMs: lostAtMs, toMs: this.#engine.systemTimeMs };
    this.#settlingUntilMs = this.#nowMs() + SETTLE_MS;
  }

  /** @returns whether there was anything that the open stream should have told by now */
  async #hearUntold(signal: AbortSignal): Promise<boolean> {
    const sinceNano = this.#resumeFrom();
    if (sinceNano === '') return false;
    const nowMs = this.daemonNowMs();
    const past = await this.#options.runtime.pastEvents(sinceNano, nowMs + UNTIL_MARGIN_MS, signal);
    const untold = past.filter((event) => !this.#told.has(toldId(event)));
    for (const event of untold) this.#take(event, signal, 'Replayed');
    const dueNano = String(BigInt(Math.floor(nowMs - UNTOLD_MS)) * 1_000_000n);
    return untold.some(({ timeNano }) => isLaterNano(dueNano, timeNano));
  }

  #resumeFrom(): string {
    if (this.#lastNano === '') {
      this.#lastNano = lastWitnessedNano(this.#options.journal.state(), this.#skewMs);
    }
    if (this.#lastNano === '') return this.#firstHeardNano;
    return String(BigInt(this.#lastNano) - OVERLAP_NANO);
  }

  async #takeIn(
    summaries: readonly ContainerSummary[],
    signal: AbortSignal,
    why: 'Resync',
  ): Promise<void> {
    const { fleet, onChange } = this.#options;
    const present = new Set(summaries.map(({ id }) => id));
    // What is not listed is not gone for that: it may have been created since. It is asked for too.
    const others = fleet.containers().filter(({ id }) => !present.has(id));
    const queue = [...summaries, ...others].map(({ id }) => id);
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const before = fleet.container(id);
        const container = (await this.inspect(id, signal)) ?? before;
        if (container !== undefined) onChange(fleet.keyOf(container), why);
      }
    };
    await Promise.all(Array.from({ length: INSPECTS_AT_ONCE }, worker));
  }

  /** Notes what is found in a state that no event told of. Called when missed events are in. */
  noteFound(): void {
    const { fleet, journal } = this.#options;
    this.#noteDeployments();
    for (const view of fleet.views().values()) {
      const { container, key } = view;
      if (container === undefined || !this.#options.isRelevant(key, container)) continue;
      const fact = found(container, journal.state().workloads[key], view.runningSinceMs);
      if (fact === undefined) continue;
      this.#record({ type: 'workload.observed', workload: key, data: fact });
      // Its look since the listing, if there was one, did not know this yet.
      this.#options.onChange(key, 'Resync');
    }
  }

  /** Deployments of a moment ago that nobody cared for when they were told, and somebody does now. */
  #noteDeployments(): void {
    const { clock, journal, isRelevant } = this.#options;
    for (const { event, key, atMs } of this.#uncaredFor.splice(0)) {
      const lateMs = Math.ceil(clock.bootMs() - atMs);
      if (lateMs > DEPLOYMENT_SETTLE_MS) continue;
      const history = journal.state().workloads[key];
      if (history !== undefined || isRelevant(key, event)) {
        this.#record(this.#observed(event, key, { history, told: 'Live', lateMs }));
      } else this.#uncaredFor.push({ event, key, atMs });
    }
  }

  #take(event: RuntimeEvent, signal: AbortSignal, told: Told): void {
    const { fleet, journal, onChange, onEvent } = this.#options;
    onEvent?.(event);
    if (this.#wasTold(event)) return;
    if (isLaterNano(event.timeNano, this.#lastNano)) this.#lastNano = event.timeNano;
    const key = fleet.workloadOf(event.containerId) ?? fleet.keyOf(event);
    const history = journal.state().workloads[key];
    if (history !== undefined && !isNews(event, history, told)) {
      if (told === 'Live' && SIGNALS.has(event.action)) {
        void this.#hearLateSignal(event.containerId, key, signal);
      }
      return;
    }

    this.#note(event, key, { history, told });
    if (event.action === 'destroy') this.#forget(event.containerId);
    if (isUnknownOrRenamed(event, fleet)) void this.#inspectAndTell(event.containerId, key, signal);
    else onChange(key, 'Event');
  }

  /** An exit that seemed to have no cause overtook the signal that was it. */
  async #hearLateSignal(id: string, key: WorkloadKey, signal: AbortSignal): Promise<void> {
    try {
      await this.inspect(id, signal);
      await this.confirmCrash(key, signal);
    } catch (error) {
      if (!(error instanceof RuntimeUnavailableError)) {
        this.#options.onWarning('a signal that was heard late could not be looked into', error);
      }
    }
    this.#options.onChange(key, 'Event');
  }

  /** In this run: where the daemon's clock has stepped back, an order tells nothing. */
  #wasTold(event: RuntimeEvent): boolean {
    const id = toldId(event);
    if (this.#told.has(id)) return true;
    this.#told.add(id);
    const [oldest] = this.#told;
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
    return false;
  }

  /** It is gone for good: a look that is under way does not bring it back. */
  #forget(id: string): void {
    const look = this.#looks.get(id);
    if (look !== undefined) look.answered = Number.POSITIVE_INFINITY;
    this.#options.fleet.drop(id);
  }

  /** Records what the event tells only once, where anybody cares for the workload. */
  #note(
    event: RuntimeEvent,
    key: WorkloadKey,
    { history, told }: { readonly history: WorkloadHistory | undefined; readonly told: Told },
  ): void {
    if (isForeignSetAside(event) && !isDeployment(event)) return;
    const lateMs = told === 'Replayed' ? this.#lateMsOf(event) : 0;
    if (history === undefined && !this.#options.isRelevant(key, event)) {
      if (DEPLOYS.has(event.action)) this.#remember(event, key, lateMs);
      return;
    }
    this.#record(this.#observed(event, key, { history, told, lateMs }));
  }

  #observed(
    event: RuntimeEvent,
    key: WorkloadKey,
    how: {
      readonly history: WorkloadHistory | undefined;
      readonly told: Told;
      readonly lateMs: number;
    },
  ): Draft | undefined {
    const { history, told, lateMs } = how;
    const context = this.#context(event, history, told);
    const fact = attribute(event, { ...context, nowMs: context.nowMs - lateMs });
    if (fact === undefined) return undefined;
    const data = lateMs === 0 ? fact : { ...fact, lateMs };
    return { type: 'workload.observed', workload: key, data };
  }

  #remember(event: RuntimeEvent, key: WorkloadKey, lateMs: number): void {
    this.#uncaredFor.push({ event, key, atMs: this.#options.clock.bootMs() - lateMs });
    if (this.#uncaredFor.length > UNCARED_FOR_MAX) this.#uncaredFor.shift();
  }

  async #inspectAndTell(id: string, key: WorkloadKey, signal: AbortSignal): Promise<void> {
    const { fleet, onChange, onWarning } = this.#options;
    try {
      const container = await this.inspect(id, signal);
      onChange(container === undefined ? key : fleet.keyOf(container), 'Event');
    } catch (error) {
      if (!(error instanceof RuntimeUnavailableError))
        onWarning('inspect after an event failed', error);
    }
    onChange(key, 'Event');
  }

  #context(event: RuntimeEvent, history: WorkloadHistory | undefined, told: Told): EventContext {
    const { fleet, journal } = this.#options;
    const container = fleet.container(event.containerId);
    const nowMs = this.#nowMs();
    const own: OwnIntent | undefined = ownIntentOn(journal.state(), {
      nowMs,
      containerId: event.containerId,
      label: event.labels[LABEL.intent],
      eventWallMs: this.#wallMsOf(event),
      isReplayed: told === 'Replayed',
      wasCalled: this.#options.wasCalled,
    });
    return {
      nowMs,
      history,
      own,
      stopSignal: container?.stopSignal ?? 'SIGTERM',
      stopTimeoutSeconds: container?.stopTimeoutSeconds,
      restartPolicy: container?.restartPolicy.name ?? 'no',
      autoRemove: container?.autoRemove ?? false,
      engineStarts: told === 'Replayed' && this.#isOfEngineStart(event),
    };
  }

  #isOfEngineStart({ timeNano }: RuntimeEvent): boolean {
    if (this.#engineStart === undefined) return false;
    const atMs = Number(BigInt(timeNano) / 1_000_000n);
    return atMs >= this.#engineStart.fromMs && atMs <= this.#engineStart.toMs;
  }

  /** What is told within a moment is told as it happens. */
  #lateMsOf(event: RuntimeEvent): number {
    const lateMs = Math.floor(this.#options.clock.wallMs() - this.#wallMsOf(event));
    return lateMs < LATE_MS ? 0 : lateMs;
  }

  #wallMsOf(event: RuntimeEvent): number {
    return Number(BigInt(event.timeNano) / 1_000_000n) - this.#skewMs;
  }

  /** No intent of ours, ended or not, was under way when it happened. Starts order the others. */
  #isForeign(event: RuntimeEvent): boolean {
    if (event.action === 'start' || event.action === 'die') return true;
    const own = ownIntentOn(this.#options.journal.state(), {
      nowMs: Number.POSITIVE_INFINITY,
      containerId: event.containerId,
      label: event.labels[LABEL.intent],
      eventWallMs: this.#wallMsOf(event),
      isReplayed: true,
      wasCalled: this.#options.wasCalled,
    });
    return own === undefined;
  }

  #record(draft: Draft | undefined): void {
    if (draft === undefined) return;
    try {
      this.#options.journal.append([draft], { durable: false }).durable.catch(() => undefined);
    } catch (error) {
      this.#options.onWarning('an observation could not be recorded', error);
    }
  }

  #nowMs(): number {
    return controllerNowMs(this.#options.journal.state(), this.#options.clock);
  }

  #times(): FleetTimes {
    return { nowMs: this.#nowMs(), daemonMs: this.daemonNowMs() };
  }
}

function toldId({ timeNano, action, containerId }: RuntimeEvent): string {
  return `${timeNano} ${action} ${containerId}`;
}

/** The newest event on record, or the end of the run before this one: nothing on a first start. */
function lastWitnessedNano(state: OperatorState, skewMs: number): string {
  const { previousRunWallMs } = state;
  let newest =
    previousRunWallMs === undefined
      ? ''
      : String(BigInt(Math.floor(previousRunWallMs + skewMs)) * 1_000_000n);
  for (const { lastEventNano } of Object.values(state.workloads)) {
    if (isLaterNano(lastEventNano, newest)) newest = lastEventNano;
  }
  return newest;
}

/**
 * What was replayed is no news when the journal already has a later event of the workload. What is
 * told as it happens is news also when it is dated long before: then the daemon's clock has stepped
 * back, and an order by date would pass over whatever people do until it has caught up. A step of a
 * deployment is one also when a later event of the new container overtook it.
 */
function isNews(event: RuntimeEvent, { lastEventNano }: WorkloadHistory, told: Told): boolean {
  const { timeNano } = event;
  if (isLaterNano(timeNano, lastEventNano)) return true;
  if (told === 'Replayed') return false;
  return isDeployment(event) || BigInt(timeNano) + DISORDER_NANO < BigInt(lastEventNano);
}

/** Its key is not known before it was inspected, or has just changed. */
function isUnknownOrRenamed({ action, containerId }: RuntimeEvent, fleet: Fleet): boolean {
  if (action === 'create' || action === 'rename') return true;
  return action !== 'destroy' && fleet.container(containerId) === undefined;
}

/** Compose sets the old container aside and removes it: the first and the last step of a recreation. */
function isDeployment({ action, labels }: RuntimeEvent): boolean {
  return (action === 'rename' || action === 'destroy') && !isOneOff(labels);
}

/** One-off runs and Compose's renamed leftovers are not the workload, whatever their labels say. */
function isForeignSetAside(event: RuntimeEvent): boolean {
  return isSetAside(event) && event.labels[LABEL.intent] === undefined;
}
