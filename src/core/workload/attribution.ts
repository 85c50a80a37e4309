import type { Cause, WorkloadObserved } from '#core/journal/data.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { EventAllowance } from '#core/remediation/tools.ts';
import type { ObservedContainer, RestartPolicy } from './container.ts';
import type { EventAction, RuntimeEvent } from './event.ts';

/** An intent of ours that may still be causing events on a container. */
export interface OwnIntent {
  readonly intent: string;
  /** Events that it explains on this container, and how many of each. */
  readonly allowance: EventAllowance;
  /** Its call has been answered: what comes now comes after it. */
  readonly hasEnded: boolean;
}

/** What is known of the container that an event speaks of, from the last look at it. */
export interface EventContext {
  readonly nowMs: number;
  readonly history: WorkloadHistory | undefined;
  readonly own: OwnIntent | undefined;
  readonly stopSignal: string;
  readonly stopTimeoutSeconds?: number | undefined;
  readonly restartPolicy: RestartPolicy['name'];
  readonly autoRemove: boolean;
  /** It happened while the engine was itself being started, and took no orders from anybody. */
  readonly engineStarts?: boolean;
}

const STOP_TIMEOUT_SECONDS_DEFAULT = 10;
/** `die` follows the kill that caused it within the grace of a stop, and a little. */
const STOP_MARGIN_MS = 10_000;
/** Events that only say "look again". */
const NOT_RECORDED: ReadonlySet<EventAction> = new Set(['health_status', 'update']);
/**
 * Signals that ask a process to do something and let it live, by the numbers that events carry
 * (signal(7), x86 and ARM).
 */
const HARMLESS_SIGNALS: Readonly<Record<string, string>> = {
  1: 'HUP',
  10: 'USR1',
  12: 'USR2',
  17: 'CHLD',
  18: 'CONT',
  23: 'URG',
  28: 'WINCH',
};

/**
 * Tells who caused an event. Docker does not say; the order does: a stop is `kill`, `die`, `stop`,
 * a restart by the API is that, `start` and `restart`, a crash (and a kill from the host) is `die`
 * alone. Exit codes prove nothing: a stop that needs SIGKILL exits 137 too.
 *
 * @returns `undefined` for an event that leaves no fact behind
 */
export function attribute(
  event: RuntimeEvent,
  context: EventContext,
): WorkloadObserved | undefined {
  if (NOT_RECORDED.has(event.action)) return undefined;
  if (event.action === 'kill' && isHarmless(event.signal, context.stopSignal)) return undefined;

  const cause = causeOf(event, context);
  return {
    event: event.action,
    container: event.containerId,
    name: event.name,
    cause,
    timeNano: event.timeNano,
    ...(event.exitCode === undefined ? {} : { exitCode: event.exitCode }),
    ...(event.signal === undefined ? {} : { signal: event.signal }),
    ...(event.action === 'kill' ? { stopWindowMs: stopWindowMs(context) } : {}),
    ...(belongsToIntent(cause, context) ? { intent: context.own?.intent ?? '' } : {}),
  };
}

/** The stop signal is never harmless: with it, Docker and people ask the process to end. */
function isHarmless(signal: string | undefined, stopSignal: string): boolean {
  const name = signalName(signal ?? '');
  return Object.values(HARMLESS_SIGNALS).includes(name) && name !== signalName(stopSignal);
}

function signalName(signal: string): string {
  return HARMLESS_SIGNALS[signal] ?? signal.replace(/^SIG/, '');
}

function stopWindowMs({ stopTimeoutSeconds }: Pick<EventContext, 'stopTimeoutSeconds'>): number {
  return (stopTimeoutSeconds ?? STOP_TIMEOUT_SECONDS_DEFAULT) * 1_000 + STOP_MARGIN_MS;
}

/**
 * Ours, or a person's amid ours: both are counted against the intent. A crash is neither, nor is what
 * a person does once the call has ended.
 */
function belongsToIntent(cause: Cause, { own }: EventContext): boolean {
  if (own === undefined) return false;
  return cause === 'Sentinel' || (cause === 'Human' && !own.hasEnded);
}

function causeOf(event: RuntimeEvent, context: EventContext): Cause {
  const { action } = event;
  if (isExplained(event, context)) return 'Sentinel';
  if (action === 'die') return isBeingStopped(context) ? 'Human' : 'Crash';
  if (action === 'start') return startedByEngine(event, context) ? 'Engine' : 'Human';
  if (action === 'destroy') return context.autoRemove ? 'Engine' : 'Human';
  return action === 'oom' ? 'Unknown' : 'Human';
}

/** Events that an intent has explained already, by action. */
type Counts = Readonly<Record<string, number>>;

/** What ends a run of a container. */
const ENDS: ReadonlySet<EventAction> = new Set(['kill', 'die', 'stop']);

/**
 * An intent explains an event while it has not yet explained as many as it can cause on this
 * container. A restart ends the container before it starts it, and ends nothing where it was down
 * already: whatever ends the new run is not that restart. (A replacement may end the new container
 * on its way back.)
 */
function isExplained(event: RuntimeEvent, { own, history, stopSignal }: EventContext): boolean {
  const { action, containerId } = event;
  if (own === undefined) return false;
  const known = history?.own?.intent === own.intent ? history.own.byContainer : {};
  const counts = known[containerId] ?? {};
  const { [action]: allowed = 0 } = own.allowance;
  if (endsUnsignalled(action, own, counts) || endsNewRun(action, own, counts)) return false;
  if (counts['kill'] === undefined && isKilledAtOnce(event, own, stopSignal)) return false;
  return (counts[action] ?? 0) < allowed;
}

/** Whatever stops a container signals it first: a process that ends before that ends by itself. */
function endsUnsignalled(action: EventAction, { allowance }: OwnIntent, counts: Counts): boolean {
  return action === 'die' && (allowance.kill ?? 0) > 0 && counts['kill'] === undefined;
}

/**
 * Docker stops with the stop signal and sends SIGKILL only when the grace is over. (A replacement may
 * remove the new container by force.)
 */
function isKilledAtOnce(
  { action, signal = '' }: RuntimeEvent,
  { allowance }: OwnIntent,
  stopSignal: string,
): boolean {
  if (action !== 'kill' || (allowance.stop ?? 0) === 0 || (allowance.create ?? 0) > 0) return false;
  return isSigkill(signal) && !isSigkill(stopSignal);
}

function isSigkill(signal: string): boolean {
  return signal === '9' || signalName(signal) === 'KILL';
}

function endsNewRun(action: EventAction, { allowance }: OwnIntent, counts: Counts): boolean {
  return ENDS.has(action) && (allowance.create ?? 0) === 0 && counts['start'] !== undefined;
}

function isBeingStopped({ history, nowMs }: EventContext): boolean {
  const hold = history?.hold;
  if (hold === undefined || hold.kind === 'pause' || hold.kind === 'restart') return false;
  return hold.untilMs === undefined || nowMs <= hold.untilMs;
}

/** The engine starts again what ended by itself or with it, where the restart policy says so. */
function startedByEngine(
  { containerId }: RuntimeEvent,
  { history, restartPolicy, engineStarts }: EventContext,
): boolean {
  if (restartPolicy === 'no') return false;
  if (engineStarts === true) return true;
  const exit = history?.exit;
  if (exit === undefined || exit.startedSince === true) return false;
  // The first start of another container of the workload is none of the engine's.
  return exit.cause === 'Crash' && (exit.container === containerId || exit.container === '');
}

/**
 * The signal or stop that ended the container's last run, among the events of its past; for a look
 * back at an exit that seemed to have none.
 */
export function missedStop(
  past: readonly RuntimeEvent[],
  container: Pick<ObservedContainer, 'id' | 'stopSignal' | 'stopTimeoutSeconds'>,
): RuntimeEvent | undefined {
  const all = past.filter(({ containerId }) => containerId === container.id);
  const ended = all.findLastIndex(({ action }) => action === 'die');
  const started = all.slice(0, ended).findLastIndex(({ action }) => action === 'start');
  // Of the last run only: the one before may have been stopped in the same millisecond.
  const own = all.slice(started + 1);
  const died = own.findLastIndex(({ action }) => action === 'die');
  const stopped = own.slice(died + 1).find(({ action }) => action === 'stop');
  if (died < 0 || stopped !== undefined) return stopped;

  const sinceMs = msOf(own[died]) - stopWindowMs(container);
  return own
    .slice(0, died)
    .findLast(
      (event) =>
        event.action === 'kill' &&
        msOf(event) >= sinceMs &&
        !isHarmless(event.signal, container.stopSignal),
    );
}

function msOf(event: RuntimeEvent | undefined): number {
  return Number(BigInt(event?.timeNano ?? 0) / 1_000_000n);
}
