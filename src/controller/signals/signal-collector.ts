import type { WorkloadKey } from '#core/workload/key.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import type { SignalCollectorOptions, SignalContext } from './context.ts';
import { LogBudget, TOTAL_RATES } from './log-budget.ts';
import { TemplateShare } from './template-share.ts';
import { wantsOf } from './wants.ts';
import { WorkloadSignals } from './workload-signals.ts';

export type { SignalCollectorOptions, SignalListener } from './context.ts';

/** Collects gauges, probes, disks and logs: for workloads whose governing policy names them. */
export interface SignalCollector {
  /** Begins, with what is wanted now. Resolves when everything has ended after `signal` aborted. */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Compares what is collected with what is wanted: to be called when a container or the policies
   * have changed. Does nothing before the start.
   *
   * @param key one workload; all of them unless given
   */
  reconcileWants(key?: WorkloadKey): void;
  /** The last lines of a workload whose log is followed, raw, oldest first. */
  recentLines(key: WorkloadKey): LogLine[];
}

/** One-shot stats wait for the engine's own tick of a second, so they are asked for side by side. */
const SAMPLES_AT_ONCE = 50;
const PROBES_AT_ONCE = 50;
const TICK_MS = 1_000;
/** Between collections that begin together. */
const SPREAD_MS = 50;

export function createSignalCollector(options: SignalCollectorOptions): SignalCollector {
  const { clock, fleet } = options;
  const workloads = new Map<WorkloadKey, WorkloadSignals>();
  const closing = new Set<Promise<void>>();
  let context: SignalContext | undefined;
  let ended = false;

  function update(key: WorkloadKey): void {
    if (context === undefined || ended) return;
    const view = fleet.views().get(key);
    const governing = view === undefined ? undefined : options.governing(key);
    if (view === undefined || governing?.kind !== 'governed') {
      close(key);
      return;
    }
    const { policy } = governing;
    const { stats, probes, disks, logs } = wantsOf(policy);
    if (stats.size === 0 && probes.length === 0 && disks.length === 0 && logs === undefined) {
      close(key);
      return;
    }
    let signals = workloads.get(key);
    if (signals === undefined) {
      signals = new WorkloadSignals(context, key, policy);
      workloads.set(key, signals);
    }
    signals.update(view, policy);
  }

  function tick(): void {
    for (const signals of workloads.values()) {
      try {
        signals.tick();
      } catch (error) {
        options.listener?.onWarning?.('the log of a workload was not judged; this is a bug', error);
      }
    }
  }

  function close(key: WorkloadKey): void {
    const signals = workloads.get(key);
    if (signals === undefined) return;
    workloads.delete(key);
    const closed = signals.close().finally(() => closing.delete(closed));
    closing.add(closed);
  }

  function reconcileWants(key?: WorkloadKey): void {
    if (key !== undefined) {
      update(key);
      return;
    }
    for (const one of new Set([...fleet.views().keys(), ...workloads.keys()])) update(one);
  }

  return {
    async start(signal) {
      context = createContext(options);
      reconcileWants();
      while (!signal.aborted) {
        await clock.sleep(TICK_MS, signal);
        if (!signal.aborted) tick();
      }
      ended = true;
      for (const key of workloads.keys()) close(key);
      await Promise.all(closing);
    },
    reconcileWants,
    recentLines: (key) => workloads.get(key)?.recentLines() ?? [],
  };
}

function createContext(options: SignalCollectorOptions): SignalContext {
  return {
    ...options,
    beganAtMs: options.daemonNowMs(),
    samples: createLimiter(SAMPLES_AT_ONCE),
    probes: createLimiter(PROBES_AT_ONCE),
    logBudget: new LogBudget(options.clock, TOTAL_RATES),
    templateShare: new TemplateShare(),
    spreadMs: createSpread(options),
  };
}

/**
 * What begins within one second begins in turns: a single container is looked at at once, two
 * hundred are spread over the interval.
 */
function createSpread({ clock }: SignalCollectorOptions): (everyMs: number) => number {
  let sinceMs = Number.NEGATIVE_INFINITY;
  let started = 0;
  return (everyMs) => {
    const nowMs = clock.bootMs();
    if (nowMs - sinceMs > 1_000) {
      sinceMs = nowMs;
      started = 0;
    }
    const turn = started + clock.random();
    started += 1;
    return Math.floor(turn * SPREAD_MS) % everyMs;
  };
}
