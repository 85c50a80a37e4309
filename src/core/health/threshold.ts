import type { ExitFact, OomFact, WorkloadHistory } from '#core/journal/state.ts';
import type { CompiledThreshold } from '#core/policy/compile.ts';
import {
  type GaugeName,
  type SignalName,
  signalFacts,
  TREND_GAUGES,
  type TrendName,
} from '#core/policy/signals.ts';
import type { ContainerHealth, ObservedContainer } from '#core/workload/container.ts';
import type { LogCounters, WorkloadView } from '#core/workload/view.ts';
import { defined } from '#lib/defined.ts';
import { celFactsOf } from './cel-facts.ts';
import type { JudgeInput } from './judge-input.ts';

/**
 * What a threshold says now.
 * - `Pending`: it holds, but not yet for as long as `for` asks.
 * - `Unknown`: it can neither open nor clear anything (no data, a stopped container, a probe that
 *   Docker could not run, an absent fact in `when`).
 * - `Ignored`: by rule (start period, the engine is restarting the container itself).
 * - `Unsupported`: this container can never have it (no limit, no HEALTHCHECK).
 */
export type Verdict =
  | {
      readonly kind: 'Breached';
      readonly sinceMs: number;
      readonly value: SignalValue;
      /** When it is over if nothing happens until then. */
      readonly recheckAtMs?: number;
      /** Only a model's opinion has it so: people may want to know, and nothing is done about it. */
      readonly isOpinion?: true;
    }
  | {
      readonly kind: 'Pending';
      readonly sinceMs: number;
      readonly value: SignalValue;
      readonly recheckAtMs: number;
    }
  | { readonly kind: 'Clear'; readonly value: SignalValue; readonly recheckAtMs?: number }
  | { readonly kind: 'Unknown'; readonly reason: string; readonly recheckAtMs?: number }
  | {
      readonly kind: 'Ignored';
      readonly reason: 'StartPeriod' | 'EngineRestarting';
      readonly recheckAtMs?: number;
    }
  | { readonly kind: 'Unsupported'; readonly reason: string };

export type SignalValue = string | number | boolean;

/** What `for` and hysteresis remember of one threshold. It lives in memory and starts anew with Sentinel. */
export interface ThresholdMemory {
  /** Since when the condition has held without a break. */
  readonly holdsSinceMs?: number;
  readonly breached: boolean;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly memory: ThresholdMemory;
}

/** A condition at this moment, before `for` and hysteresis. */
type Condition =
  | {
      readonly kind: 'Known';
      readonly holds: boolean;
      readonly value: SignalValue;
      readonly recheckAtMs?: number;
      readonly isOpinion?: true;
    }
  | Extract<Verdict, { kind: 'Unknown' | 'Ignored' | 'Unsupported' }>;

/** Why a probe finds nothing out: there is no way to its target. */
const NO_ROUTE = 'NoRoute';

/**
 * Whether a threshold that was breached is known not to be any more: also one that the container can
 * never breach now, but not one whose probe has lost its way.
 */
export function isOver(verdict: Verdict | undefined): boolean {
  if (verdict?.kind === 'Unsupported') return verdict.reason !== NO_ROUTE;
  return verdict === undefined || verdict.kind === 'Clear';
}

const NOT_YET: ThresholdMemory = { breached: false };

/** Judges one threshold. Pure: what it remembers goes in and comes out. */
export function judge(
  threshold: CompiledThreshold,
  input: JudgeInput,
  memory: ThresholdMemory = NOT_YET,
): Judgement {
  const condition = hushed(threshold, input) ?? conditionOf(threshold, input, memory);
  if (condition.kind !== 'Known') {
    return { verdict: condition, memory: condition.kind === 'Unknown' ? memory : NOT_YET };
  }
  const { holds, value, recheckAtMs, isOpinion } = condition;
  if (!holds) {
    const verdict: Verdict = {
      kind: 'Clear',
      value,
      ...(recheckAtMs === undefined ? {} : { recheckAtMs }),
    };
    return { verdict, memory: NOT_YET };
  }

  const sinceMs = memory.holdsSinceMs ?? input.nowMs;
  const dueMs = sinceMs + (threshold.for ?? 0);
  if (dueMs > input.nowMs) {
    return {
      verdict: { kind: 'Pending', sinceMs, value, recheckAtMs: dueMs },
      memory: { holdsSinceMs: sinceMs, breached: false },
    };
  }
  return {
    verdict: {
      kind: 'Breached',
      sinceMs,
      value,
      ...defined({ recheckAtMs, isOpinion }),
    },
    memory: { holdsSinceMs: sinceMs, breached: true },
  };
}

/** Gauges, logs and probes mean nothing while a container starts. */
function hushed(threshold: CompiledThreshold, input: JudgeInput): Condition | undefined {
  const hushes =
    threshold.signal === undefined
      ? threshold.reads.stats || threshold.reads.logDerived
      : signalFacts(threshold.signal).hushedAtStart;
  const { runningSinceMs } = input.view;
  if (!hushes || runningSinceMs === undefined) return undefined;
  const endsAtMs = runningSinceMs + input.startPeriodMs;
  if (endsAtMs <= input.nowMs) return undefined;
  return { kind: 'Ignored', reason: 'StartPeriod', recheckAtMs: endsAtMs };
}

type Judge = (
  threshold: CompiledThreshold,
  input: JudgeInput,
  memory: ThresholdMemory,
) => Condition;

/** How each signal is looked at. Gauges are all looked at in one way. */
const CONDITIONS: Readonly<Partial<Record<SignalName, Judge>>> = {
  health: healthCondition,
  state: stateCondition,
  'namespace.lost': (_threshold, input) => namespaceCondition(input),
  absent: (_threshold, input) => absentCondition(input),
  'disk.writable': diskCondition,
  'probe.http': probeCondition,
  'probe.tcp': probeCondition,
  exit: exitCondition,
  oomKilled: (_threshold, input) => oomCondition(input),
  restarts: restartsCondition,
  'log.rate': logCondition,
  'log.matches': logCondition,
  'log.errors': logCondition,
  'log.anomaly': logCondition,
  'memory.trend': (threshold, input, memory) =>
    trendCondition('memory.trend', threshold, input, memory),
  'pids.trend': (threshold, input, memory) =>
    trendCondition('pids.trend', threshold, input, memory),
};

function conditionOf(
  threshold: CompiledThreshold,
  input: JudgeInput,
  memory: ThresholdMemory,
): Condition {
  const { signal } = threshold;
  if (signal === undefined) return whenCondition(threshold, input);
  const judgeSignal = CONDITIONS[signal];
  if (judgeSignal !== undefined) return judgeSignal(threshold, input, memory);
  return gaugeCondition(threshold, signal as GaugeName, input, memory);
}

const known = (holds: boolean, value: SignalValue): Condition => ({ kind: 'Known', holds, value });
const unknown = (reason: string): Condition => ({ kind: 'Unknown', reason });

/**
 * `unhealthy` alone proves nothing: Docker also sets it when it stops probing (a pause, an exit),
 * with no failure counted, and keeps it from a run that is over (moby, CloseMonitorChannel).
 */
function healthCondition(
  { equals: wanted = 'unhealthy' }: CompiledThreshold,
  { view }: JudgeInput,
): Condition {
  const { container } = view;
  if (container === undefined) return unknown('NoContainer');
  const { health } = container;
  if (health === undefined) return { kind: 'Unsupported', reason: 'NoHealthCheck' };
  if (container.state !== 'running') return unknown('NotRunning');
  // Not unhealthy yet is not well: what waits for an end of its trouble waits on.
  if (health.status === 'starting' && wanted === 'unhealthy') return unknown('Starting');
  if (health.status !== 'unhealthy') return known(health.status === wanted, health.status);
  const doubt = doubtOn(health, container.startedAtMs ?? 0);
  return doubt === undefined ? known(wanted === 'unhealthy', 'unhealthy') : unknown(doubt);
}

function doubtOn(
  { failingStreak, check, lastRun }: ContainerHealth,
  startedAtMs: number,
): string | undefined {
  if (failingStreak < check.retries) return 'StaleHealth';
  if (lastRun === undefined) return undefined;
  if (lastRun.endedAtMs <= startedAtMs) return 'StaleHealth';
  return isProbeError(lastRun) ? 'ProbeError' : undefined;
}

/** Docker could not run the probe: that says nothing of the service. A timeout does (it hangs). */
function isProbeError({
  exitCode,
  output,
}: {
  readonly exitCode: number;
  readonly output: string;
}): boolean {
  return exitCode === -1 && !/exceeded timeout/i.test(output);
}

function stateCondition(
  { equals: wanted = '' }: CompiledThreshold,
  { view }: JudgeInput,
): Condition {
  const { container } = view;
  return container === undefined
    ? unknown('NoContainer')
    : known(container.state === wanted, container.state);
}

/**
 * Who lives in another's namespace stays in that of the owner's earlier run when the owner is started
 * again: it runs on, often called healthy, and reaches nobody. An owner that is not well comes first.
 */
function namespaceCondition({ view: { container }, ownerOf }: JudgeInput): Condition {
  if (container === undefined) return unknown('NoContainer');
  if (container.shares.length === 0) return { kind: 'Unsupported', reason: 'SharesNone' };
  if (container.state !== 'running') return unknown('NotRunning');
  const owners = container.shares.map(({ owner }) => ownerOf(owner));
  if (owners.includes('gone')) return known(true, 'gone');
  const there = owners.filter((owner) => typeof owner === 'object');
  if (there.length < owners.length) return unknown('OwnerReplaced');
  const startedLater = there.filter(
    ({ startedAtMs = 0 }) => startedAtMs > (container.startedAtMs ?? 0),
  );
  if (startedLater.length === 0) return known(false, 'joined');
  return startedLater.every(isUpAndWell) ? known(true, 'restarted') : unknown('OwnerNotWell');
}

function isUpAndWell({ state, health }: ObservedContainer): boolean {
  return state === 'running' && (health === undefined || health.status === 'healthy');
}

function absentCondition({ view }: JudgeInput): Condition {
  return known(
    view.container === undefined && view.ambiguous.length === 0,
    view.container === undefined,
  );
}

function diskCondition({ path = '/' }: CompiledThreshold, { view }: JudgeInput): Condition {
  const reading = view.disks[path];
  if (reading === undefined) return unknown('NoSample');
  if (reading.kind !== 'Value') return reading;
  return known(reading.value === 0, reading.value !== 0);
}

function probeCondition(threshold: CompiledThreshold, input: JudgeInput): Condition {
  const { view } = input;
  if (view.container?.state !== 'running') return unknown('NotRunning');
  const reading = view.probes[threshold.name];
  if (reading === undefined) return notProbed('NoSample', threshold, input);
  if (reading.unroutable === true) return { kind: 'Unsupported', reason: NO_ROUTE };
  // Clear takes a success that was seen: what failed while it started may never have answered.
  if (reading.notCounted === true) return notProbed('ProbeNotCounted', threshold, input);
  const { failures } = reading;
  if (failures >= (threshold.probe?.failureThreshold ?? 3)) return known(true, failures);
  // Not as many failures as are asked for are no proof of health either.
  return failures === 0 ? known(false, failures) : unknown('ProbeFailing');
}

/** The first probe after `startPeriod` tells: whoever waits for it need not give up before. */
function notProbed(reason: string, { probe }: CompiledThreshold, input: JudgeInput): Condition {
  const { view, nowMs, startPeriodMs } = input;
  const startedMs = (view.runningSinceMs ?? nowMs) + startPeriodMs;
  const toldAtMs = startedMs + (probe?.interval ?? 0) + (probe?.timeout ?? 0);
  return { kind: 'Unknown', reason, ...(toldAtMs > nowMs ? { recheckAtMs: toldAtMs } : {}) };
}

/**
 * Breached from the exit until the container has run `healthyForMs` again. While the engine itself
 * restarts the container it is the engine's business; how often it does is what `restarts` counts.
 */
function exitCondition(threshold: CompiledThreshold, input: JudgeInput): Condition {
  const { view, history } = input;
  const { container } = view;
  if (container === undefined) return unknown('NoContainer');
  const { exit } = history;
  if (exit === undefined || exit.cause === 'Human' || exit.cause === 'Sentinel') {
    return known(false, container.exitCode);
  }
  // What befell another container of the workload says nothing of this one.
  if (exit.container !== container.id && exit.container !== '')
    return known(false, container.exitCode);
  const engine = engineRestarting(input);
  if (engine !== undefined) return engine;
  if (hasEndedUnseen(container, history)) return unknown('ExitNotWitnessed');
  if (!countsAsExit(threshold, exit.exitCode)) return known(false, exit.exitCode);
  return untilSteady(exit.exitCode, exit, input);
}

function countsAsExit({ exitCodes, nonZero }: CompiledThreshold, exitCode: number): boolean {
  return exitCodes?.includes(exitCode) ?? (nonZero === true ? exitCode !== 0 : true);
}

/** It ran again since the last exit: who or what has ended that run, no event has told yet. */
function hasEndedUnseen(
  container: NonNullable<WorkloadView['container']>,
  { exit }: WorkloadHistory,
): boolean {
  return container.state === 'exited' && exit?.startedSince === true;
}

/** In the middle of a restart by the engine, or just after one: steady again, there is no exit. */
function engineRestarting({
  view,
  history,
  nowMs,
  healthyForMs,
}: JudgeInput): Condition | undefined {
  const ignored = { kind: 'Ignored', reason: 'EngineRestarting' } as const;
  const state = view.container?.state;
  if (state === 'restarting') return ignored;
  if (state !== 'running' || !wasStartedByEngine(view, history)) return undefined;
  const steadyAtMs = (view.runningSinceMs ?? nowMs) + healthyForMs;
  if (steadyAtMs > nowMs) return { ...ignored, recheckAtMs: steadyAtMs };
  return known(false, history.exit?.exitCode ?? 0);
}

/** As its event says; or as its restart policy does, while the event of the start is still to come. */
function wasStartedByEngine(
  { container }: WorkloadView,
  { exit, starts }: WorkloadHistory,
): boolean {
  if (starts.at(-1)?.cause === 'Engine') return true;
  if (exit === undefined || exit.startedSince === true) return false;
  const isLater = (exit.daemonMs ?? Infinity) < (container?.startedAtMs ?? 0);
  return isLater && exit.cause === 'Crash' && container?.restartPolicy.name !== 'no';
}

function oomCondition(input: JudgeInput): Condition {
  const { oom } = input.history;
  if (input.view.container === undefined) return unknown('NoContainer');
  if (oom === undefined || (oom.steadyMs ?? 0) >= input.healthyForMs) return known(false, false);
  return untilSteady(true, oom, input);
}

/**
 * An event is over when the container has run for `healthyForMs` since, without another. One that was
 * heard of late is dated by its record; where a start came after it, the run tells more.
 */
function untilSteady(value: SignalValue, fact: ExitFact | OomFact, input: JudgeInput): Condition {
  const { atMs: eventAtMs, startedSince } = fact;
  const { runningSinceMs } = input.view;
  if (input.cutMs !== undefined && eventAtMs <= input.cutMs && runningSinceMs !== undefined) {
    return known(false, value);
  }
  if (runningSinceMs === undefined) return known(true, value);
  const startAtMs = input.history.starts.at(-1)?.atMs ?? runningSinceMs;
  // The daemon's clock may have stepped back since: then the record of the start tells more.
  const sinceMs =
    startedSince === true
      ? Math.min(runningSinceMs, startAtMs)
      : Math.max(runningSinceMs, eventAtMs);
  const steadyAtMs = sinceMs + input.healthyForMs;
  return steadyAtMs <= input.nowMs
    ? known(false, value)
    : { kind: 'Known', holds: true, value, recheckAtMs: steadyAtMs };
}

function restartsCondition(threshold: CompiledThreshold, input: JudgeInput): Condition {
  const sinceMs = windowStart(threshold, input);
  const counted = input.history.starts.filter(
    ({ afterCrash, atMs }) => afterCrash && atMs > sinceMs,
  );
  const oldest = counted[0];
  const holds = counted.length > (threshold.above ?? 0);
  return {
    kind: 'Known',
    holds,
    value: counted.length,
    ...(holds && oldest !== undefined
      ? { recheckAtMs: oldest.atMs + (threshold.window ?? 0) + 1 }
      : {}),
  };
}

function logCondition(threshold: CompiledThreshold, input: JudgeInput): Condition {
  const { logs, runningSinceMs } = input.view;
  if (logs === undefined) return unknown('LogsNotFollowed');
  // What a container says while it starts does not count, also once it has started.
  const startedMs = (runningSinceMs ?? Number.NEGATIVE_INFINITY) + input.startPeriodMs;
  const sinceMs = Math.max(windowStart(threshold, input), startedMs);
  const value = countedIn(threshold, logs, sinceMs);
  if (value === undefined) return unknown('NoSample');
  const above = threshold.above ?? 0;
  const holds = value > above;
  const opinions = threshold.signal === 'log.anomaly' ? opinionsSince(sinceMs, logs) : 0;
  if (!holds && value + opinions > above)
    return { kind: 'Known', holds: true, value: value + opinions, isOpinion: true };
  // Few lines were seen, of how many nobody knows.
  if (!holds && sinceMs + FOLLOW_SLACK_MS < logs.coveredSinceMs) {
    const recheckAtMs = logs.coveredSinceMs + (threshold.window ?? 0);
    return { kind: 'Unknown', reason: 'NotCovered', recheckAtMs };
  }
  return known(holds, value);
}

function countedIn(
  { signal, pattern = '' }: CompiledThreshold,
  logs: LogCounters,
  sinceMs: number,
): number | undefined {
  if (signal === 'log.rate') return logs.rate(sinceMs);
  if (signal === 'log.matches') return logs.matches(pattern, sinceMs);
  return signal === 'log.errors' ? logs.errors(sinceMs) : logs.anomalies(sinceMs);
}

/** Windows that a model takes for trouble, beside what the detector found telling by itself. */
function opinionsSince(sinceMs: number, logs: LogCounters): number {
  return logs.triaged?.(sinceMs).filter(({ isTrouble }) => isTrouble).length ?? 0;
}

/** A log is followed from a moment after its container has started. */
const FOLLOW_SLACK_MS = 2_000;

function windowStart(threshold: CompiledThreshold, { nowMs, cutMs }: JudgeInput): number {
  return Math.max(nowMs - (threshold.window ?? 0), cutMs ?? Number.NEGATIVE_INFINITY);
}

function gaugeCondition(
  threshold: CompiledThreshold,
  signal: GaugeName,
  { view }: JudgeInput,
  { breached }: ThresholdMemory,
): Condition {
  if (view.container?.state !== 'running') return unknown('NotRunning');
  const reading = view.gauges[signal];
  if (reading === undefined) return unknown('NoSample');
  if (reading.kind !== 'Value') return reading;
  const { value } = reading;
  return known(crosses(threshold, value, breached), value);
}

/** Once breached, a gauge clears only beyond `clearBelow` (or `clearAbove`), where one is given. */
function crosses(threshold: CompiledThreshold, value: number, breached: boolean): boolean {
  const { above, below, clearBelow, clearAbove } = threshold;
  if (above !== undefined) {
    return breached && clearBelow !== undefined ? value >= clearBelow : value > above;
  }
  return breached && clearAbove !== undefined ? value <= clearAbove : value < (below ?? 0);
}

/** Past its start, a run is known after as many samples as a forecast takes. */
const TREND_SIGHT_MS = 120_000;
/** Forecasts sway: what is breached clears only when the limit is so many times as far away. */
const TREND_CLEARS = 2;

function trendCondition(
  signal: TrendName,
  { within = 0 }: CompiledThreshold,
  input: JudgeInput,
  { breached }: ThresholdMemory,
): Condition {
  const { view } = input;
  if (view.container?.state !== 'running') return unknown('NotRunning');
  const reading = view.gauges[TREND_GAUGES[signal]];
  if (reading !== undefined && reading.kind !== 'Value') return reading;
  const forecast = view.samples?.forecast(signal);
  if (forecast === undefined) return notSampled('NoSample', input);
  if (forecast.kind === 'None') {
    const { reason } = forecast;
    return reason === 'TooFewSamples' ? notSampled(reason, input) : known(false, reason);
  }
  const inMs = forecast.kind === 'Reached' ? 0 : Math.round(forecast.inMs);
  return known(inMs <= (breached ? TREND_CLEARS * within : within), inMs);
}

/** Whoever waits for it need not give up before enough samples were taken. */
function notSampled(reason: string, { view, nowMs, startPeriodMs }: JudgeInput): Condition {
  const knownAtMs = (view.runningSinceMs ?? nowMs) + startPeriodMs + TREND_SIGHT_MS;
  return { kind: 'Unknown', reason, ...(knownAtMs > nowMs ? { recheckAtMs: knownAtMs } : {}) };
}

function whenCondition(threshold: CompiledThreshold, input: JudgeInput): Condition {
  if (threshold.compiledWhen === undefined) return unknown('NoExpression');
  const result = threshold.compiledWhen.evaluate(celFactsOf(input));
  return result.ok ? known(result.value, result.value) : unknown(result.reason);
}
