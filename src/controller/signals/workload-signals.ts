import type { Signals } from '#controller/fleet.ts';
import { GaugeHistory } from '#core/detection/gauge-history.ts';
import { SentinelError } from '#core/errors.ts';
import type { JudgeInput } from '#core/health/judge-input.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { ownerOf } from '#core/remediation/judge-all.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import type { JudgedWindow } from './anomaly-watch.ts';
import { collectDisks } from './collect-disks.ts';
import { LogCollection } from './collect-logs.ts';
import { collectProbe } from './collect-probes.ts';
import { type Collection, collectStats } from './collect-stats.ts';
import type { SignalContext } from './context.ts';
import { ThresholdWatch } from './threshold-watch.ts';
import { isJudgedOn, type Wants, wantsOf } from './wants.ts';

type Source = Parameters<typeof isJudgedOn>[1];

/** Everything that is collected for one workload, while a policy governs it. */
export class WorkloadSignals {
  readonly #context: SignalContext;
  readonly #key: WorkloadKey;
  readonly #closed = new AbortController();
  readonly #watch = new ThresholdWatch();
  readonly #stats = new Slot();
  readonly #probes = new Slot();
  readonly #disks = new Slot();
  readonly #warned = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #logs: LogCollection | undefined;
  #logsClosed = new AbortController();
  #policy: CompiledPolicy;
  #samples: GaugeHistory | undefined;
  #sampledLimits: string | undefined;
  #signals: Signals = { gauges: {}, probes: {}, disks: {} };

  constructor(context: SignalContext, key: WorkloadKey, policy: CompiledPolicy) {
    this.#context = context;
    this.#key = key;
    this.#policy = policy;
  }

  /** Starts and stops collections as the workload and its policy are now. */
  update(view: WorkloadView, policy: CompiledPolicy): void {
    if (policy.digest !== this.#policy.digest) this.#watch.reset();
    this.#policy = policy;
    const wants = wantsOf(policy);
    const run = runOf(view.container);
    this.#updateStats(wants, run);
    this.#updateProbes(wants, run);
    this.#updateDisks(wants, run);
    this.#updateLogs(wants, view.container);
    if (view.container !== undefined && !isPublished(view, this.#signals)) this.#publish({});
  }

  recentLines(): LogLine[] {
    return this.#logs?.recent.toArray() ?? [];
  }

  /** Once a second: tells of the lines that were read, and looks at thresholds on them. */
  tick(): void {
    const logs = this.#logs;
    if (logs === undefined) return;
    const { listener } = this.#context;
    logs.tick();
    const { lines, dropped } = logs.takeCounts();
    if (lines > 0) listener?.onLogLines?.(this.#policy.name, lines);
    for (const [reason, count] of dropped) {
      listener?.onLogLinesDropped?.(this.#policy.name, reason, count);
    }
    const judged = this.#thresholdsOn('logs');
    const hasWhen = judged.some(({ signal }) => signal === undefined);
    if (!logs.tally.takeGrown() && !hasWhen && this.#watch.areClear(judged)) return;
    this.#look('logs');
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#context.fleet.clearSignals(this.#key);
    await Promise.all(this.#running);
  }

  #updateStats({ stats }: Wants, run: string): void {
    const identity = run === '' || stats.size === 0 ? '' : JSON.stringify([run, ...stats]);
    const began = this.#stats.begin(identity);
    if (began === undefined) return;
    this.#publishGauges({}, undefined);
    if (began.idle) return;
    const collection = this.#collection<Signals['gauges']>((gauges) => {
      this.#publishGauges(gauges, this.#sampled(gauges));
      this.#look('stats');
    });
    this.#start(
      collectStats(this.#context, { ...collection, wanted: stats }, this.#until(began.signal)),
    );
  }

  /** Of a container whose limits were changed, shares of the old ones tell nothing of the new. */
  #sampled(gauges: Signals['gauges']): GaugeHistory | undefined {
    const { fleet } = this.#context;
    if (this.#isStarting(wantsOf(this.#policy).startPeriodMs)) return this.#samples;
    const limits = JSON.stringify(fleet.views().get(this.#key)?.container?.limits);
    if (limits !== this.#sampledLimits) this.#samples = undefined;
    this.#sampledLimits = limits;
    this.#samples ??= new GaugeHistory();
    this.#samples.push(gauges);
    return this.#samples;
  }

  #updateProbes({ probes, startPeriodMs }: Wants, run: string): void {
    const identity = run === '' || probes.length === 0 ? '' : JSON.stringify([run, probes]);
    const began = this.#probes.begin(identity);
    if (began === undefined) return;
    this.#publish({ probes: {} });
    if (began.idle) return;
    for (const want of probes) {
      const collection = this.#collection<Signals['probes'][string]>((reading) => {
        this.#publish({ probes: { ...this.#signals.probes, [want.name]: reading } });
        this.#look('probe');
      });
      const isStarting = () => this.#isStarting(startPeriodMs);
      const signal = this.#until(began.signal);
      this.#start(collectProbe(this.#context, want, { ...collection, isStarting }, signal));
    }
  }

  #updateDisks({ disks }: Wants, run: string): void {
    const identity = run === '' || disks.length === 0 ? '' : JSON.stringify([run, disks]);
    const began = this.#disks.begin(identity);
    if (began === undefined) return;
    this.#publish({ disks: {} });
    if (began.idle) return;
    const collection = this.#collection<Signals['disks']>((found) => {
      this.#publish({ disks: found });
      this.#look('filesystem');
    });
    this.#start(collectDisks(this.#context, disks, collection, this.#until(began.signal)));
  }

  #updateLogs({ logs: wants }: Wants, container: ObservedContainer | undefined): void {
    if (wants === undefined) {
      if (this.#logs === undefined) return;
      this.#logsClosed.abort();
      this.#logs = undefined;
      this.#publishLogs(undefined);
      return;
    }
    if (this.#logs === undefined) {
      this.#logs = this.#openLogs(wants);
      this.#logsClosed = new AbortController();
      this.#start(this.#logs.run(this.#until(this.#logsClosed.signal)));
      this.#publishLogs(this.#logs.tally);
    }
    const before = this.#logs.tally;
    this.#logs.update(container, wants);
    if (this.#logs.tally !== before) this.#publishLogs(this.#logs.tally);
  }

  #openLogs(wants: NonNullable<Wants['logs']>): LogCollection {
    const { listener } = this.#context;
    return new LogCollection({
      context: this.#context,
      wants,
      isStarting: () => this.#isStarting(wantsOf(this.#policy).startPeriodMs),
      cutMs: () => this.#context.cutMsOf(this.#key),
      onLine: (line) => listener?.onLogLine?.(this.#key, line),
      onReadable: (readable) => this.#publishLogs(readable ? this.#logs?.tally : undefined),
      onFailure: (error) => this.#warnOnce('the log of a workload cannot be read', error),
      onSuspicious: (window) => this.#start(this.#triage(window)),
    });
  }

  async #triage({ anomalies, durationMs, endedAtMs }: JudgedWindow): Promise<void> {
    const { triage, fleet, untilSecretsKnown } = this.#context;
    const policy = this.#policy;
    if (triage === undefined) return;
    const container = fleet.views().get(this.#key)?.container;
    if (container !== undefined) await untilSecretsKnown?.(container);
    const triaged = await triage.judge(
      {
        key: this.#key,
        policy,
        redactor: container?.secrets?.redactor,
        unusual: anomalies,
        durationMs,
        endedAtMs,
      },
      this.#until(this.#logsClosed.signal),
    );
    // Another policy asks for another thing.
    if (triaged !== undefined && policy === this.#policy) this.#logs?.tally.addTriaged(triaged);
  }

  #isStarting(startPeriodMs: number): boolean {
    const { fleet, nowMs } = this.#context;
    const sinceMs = fleet.views().get(this.#key)?.runningSinceMs;
    return sinceMs === undefined || nowMs() - sinceMs < startPeriodMs;
  }

  #collection<Value>(publish: (value: Value) => void): Collection<Value> {
    return {
      container: () => {
        const container = this.#context.fleet.views().get(this.#key)?.container;
        return container?.state === 'running' ? container : undefined;
      },
      publish,
      onFailure: (error) => this.#warnOnce('a signal of a workload could not be collected', error),
    };
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([this.#closed.signal, signal]);
  }

  #start(work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => {
        this.#context.listener?.onWarning?.('a collection of signals ended; this is a bug', error);
      })
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
  }

  #publishLogs(logs: Signals['logs']): void {
    const { logs: _, ...others } = this.#signals;
    this.#signals = { ...others, ...(logs === undefined ? {} : { logs }) };
    this.#publish({});
  }

  #publishGauges(gauges: Signals['gauges'], history: GaugeHistory | undefined): void {
    this.#samples = history;
    const { samples: _, ...others } = this.#signals;
    this.#signals = { ...others, ...(history === undefined ? {} : { samples: history }) };
    this.#publish({ gauges });
  }

  #publish(changed: Partial<Signals>): void {
    this.#signals = { ...this.#signals, ...changed };
    this.#context.fleet.setSignals(this.#key, this.#signals);
  }

  #thresholdsOn(source: Source) {
    return this.#policy.thresholds.filter((threshold) => isJudgedOn(threshold, source));
  }

  #look(source: Source): void {
    const { fleet, historyOf, cutMsOf, nowMs, enqueue } = this.#context;
    const view = fleet.views().get(this.#key);
    if (view === undefined) return;
    const { startPeriod, remediation } = this.#policy.spec;
    const cutMs = cutMsOf(this.#key);
    const input: JudgeInput = {
      nowMs: nowMs(),
      view,
      history: historyOf(this.#key),
      startPeriodMs: startPeriod,
      ownerOf: (ref) =>
        ownerOf({ views: fleet.views(), workloadOf: (one) => fleet.workloadOf(one) }, ref),
      healthyForMs: remediation.verify.healthyFor,
      ...(cutMs === undefined ? {} : { cutMs }),
    };
    if (this.#watch.look(this.#thresholdsOn(source), input)) enqueue(this.#key);
  }

  /** A source that fails at each attempt is told of once, by the kind of failure. */
  #warnOnce(message: string, error: unknown): void {
    const kind = error instanceof SentinelError ? error.code : message;
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#context.listener?.onWarning?.(message, error);
  }
}

/** Holds at most one collection, and replaces it when what it is for changes. */
class Slot {
  #identity = '';
  #stop = new AbortController();

  /** @returns `undefined` when nothing changes; `idle`: what was collected is no longer */
  begin(identity: string): { readonly idle: boolean; readonly signal: AbortSignal } | undefined {
    if (identity === this.#identity) return undefined;
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#identity = identity;
    return { idle: identity === '', signal: this.#stop.signal };
  }
}

/** One run of a running container; empty: there is none. */
function runOf(container: ObservedContainer | undefined): string {
  if (container?.state !== 'running') return '';
  return `${container.id}@${container.startedAtMs ?? 0}`;
}

function isPublished(view: WorkloadView, signals: Signals): boolean {
  return (
    view.gauges === signals.gauges &&
    view.samples === signals.samples &&
    view.probes === signals.probes &&
    view.disks === signals.disks &&
    view.logs === signals.logs
  );
}
