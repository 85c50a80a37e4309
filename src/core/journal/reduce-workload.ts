import { isLaterNano } from '#core/workload/event.ts';
import type { WorkloadObserved } from './data.ts';
import type { RecordPlace } from './reducer.ts';
import type { Hold, OperatorState, WorkloadHistory } from './state.ts';

/** Starts kept per workload: more than any sensible threshold counts. */
const STARTS_MAX = 200;
/** Longer than any limit, cooldown or window that the schema allows. */
export const LEDGER_KEEP_MS = 31 * 86_400_000;

export function emptyHistory(): WorkloadHistory {
  return { container: '', name: '', lastEventNano: '', starts: [] };
}

/**
 * Folds one observation into the history of its workload. What happens to a container that is no
 * longer the workload's (an old one, removed after its successor was created) is only a sign of a
 * deployment.
 */
export function observe(state: OperatorState, fact: WorkloadObserved, told: RecordPlace): void {
  const place = dated(fact, told);
  const history = (state.workloads[place.workload] ??= emptyHistory());
  if (isLaterNano(fact.timeNano, history.lastEventNano)) history.lastEventNano = fact.timeNano;
  countOwn(history, fact, place);
  noteDeployment(history, fact, place);

  if (TAKES_OVER.has(fact.event) || history.container === '') {
    // What befell another container says nothing of this one.
    if (history.container !== fact.container) delete history.oom;
    history.container = fact.container;
    history.name = fact.name;
  }
  if (history.container === fact.container) OBSERVERS[fact.event]?.(history, fact, place);
  // A person may have done what is put down to a call of which nobody knows whether it was made.
  if (fact.event === 'die') doubtUnknown(state, history, fact, place);
  if (fact.event === 'destroy') forgetRemoved(state, told.atMs);
}

function noteDeployment(
  history: WorkloadHistory,
  { event, cause }: WorkloadObserved,
  { atMs }: RecordPlace,
): void {
  if (!DEPLOYS.has(event) || cause === 'Sentinel') return;
  history.deployedAtMs = Math.max(history.deployedAtMs ?? -Infinity, atMs);
}

function doubtUnknown(
  { incidents }: OperatorState,
  history: WorkloadHistory,
  { intent }: WorkloadObserved,
  place: RecordPlace,
): void {
  if (intent === undefined) return;
  const isUnknown = Object.values(incidents).some(({ attempts }) =>
    attempts.some((one) => one.intent === intent && one.outcome === 'OutcomeUnknown'),
  );
  if (isUnknown) doubt(history, intent, place);
}

/** What was told late counts from when it happened: it is no news. */
function dated({ lateMs = 0 }: WorkloadObserved, told: RecordPlace): RecordPlace {
  if (lateMs === 0) return told;
  const at = new Date(Date.parse(told.at) - lateMs).toISOString();
  return { ...told, at, atMs: told.atMs - lateMs };
}

/** Containers with names made up for one run would fill the state for ever. */
function forgetRemoved(state: OperatorState, nowMs: number): void {
  for (const [key, { removedAtMs }] of Object.entries(state.workloads)) {
    if (removedAtMs === undefined || removedAtMs > nowMs - REMOVED_KEEP_MS) continue;
    if (state.openByWorkload[key] !== undefined || isSpent(state, key, nowMs)) continue;
    delete state.workloads[key];
    delete state.ledger[key];
    delete state.shadowLedger[key];
  }
}

/** Its ledgers still count for a limit. */
function isSpent({ ledger, shadowLedger }: OperatorState, key: string, nowMs: number): boolean {
  const last = [...(ledger[key] ?? []), ...(shadowLedger[key] ?? [])].map(({ atMs }) => atMs);
  return Math.max(0, ...last) > nowMs - LEDGER_KEEP_MS;
}

/** Longer than any window that asks for restarts of a workload which comes back. */
const REMOVED_KEEP_MS = 86_400_000;

const DEPLOYS: ReadonlySet<string> = new Set(['create', 'rename', 'destroy']);
const TAKES_OVER: ReadonlySet<string> = new Set(['create', 'start', 'found']);

type Observer = (history: WorkloadHistory, fact: WorkloadObserved, place: RecordPlace) => void;

const OBSERVERS: Partial<Record<WorkloadObserved['event'], Observer>> = {
  create(history) {
    delete history.removedAtMs;
  },
  destroy(history, fact, place) {
    history.removedAtMs = place.atMs;
    if (fact.cause === 'Human') setHold(history, 'remove', place);
  },
  kill(history, fact, place) {
    if (fact.cause !== 'Human') return;
    setHold(history, 'kill', place, place.atMs + (fact.stopWindowMs ?? 0));
  },
  die: onDie,
  stop: (history, fact, place) => holdForPerson(history, fact, place, 'stop'),
  pause: (history, fact, place) => holdForPerson(history, fact, place, 'pause'),
  unpause(history) {
    delete history.hold;
  },
  start: onStart,
  // It comes after the start that it caused, and holds until startPeriod is over.
  restart: (history, fact, place) => holdForPerson(history, fact, place, 'restart'),
  oom(history, _fact, place) {
    history.oom = { atMs: place.atMs };
  },
  found: onFound,
};

function holdForPerson(
  history: WorkloadHistory,
  fact: WorkloadObserved,
  place: RecordPlace,
  kind: Hold['kind'],
): void {
  if (fact.cause === 'Human') setHold(history, kind, place);
}

function setHold(
  history: WorkloadHistory,
  kind: Hold['kind'],
  place: RecordPlace,
  untilMs?: number,
): void {
  history.hold = {
    kind,
    sinceMs: place.atMs,
    since: place.at,
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

function onDie(history: WorkloadHistory, fact: WorkloadObserved, place: RecordPlace): void {
  const { oom, starts } = history;
  if (oom !== undefined) {
    const ranMs = place.atMs - Math.max(oom.atMs, starts.at(-1)?.atMs ?? -Infinity);
    history.oom = { ...oom, steadyMs: Math.max(oom.steadyMs ?? 0, ranMs) };
  }
  history.exit = {
    container: fact.container,
    atMs: place.atMs,
    at: place.at,
    exitCode: fact.exitCode ?? -1,
    cause: fact.cause,
    ...(fact.timeNano === '' ? {} : { daemonMs: Number(BigInt(fact.timeNano) / 1_000_000n) }),
  };
  delete history.unknown;
  if (fact.cause === 'Human') setHold(history, 'stop', place);
}

function onStart(history: WorkloadHistory, fact: WorkloadObserved, place: RecordPlace): void {
  const { exit, starts } = history;
  // An exit counts for the start that follows it, and for no other.
  const isFresh = exit !== undefined && exit.startedSince !== true;
  const afterCrash = isFresh && (exit.cause === 'Crash' || exit.cause === 'Engine');
  starts.push({ atMs: place.atMs, cause: fact.cause, afterCrash });
  endEarlierRun(history);
  if (starts.length > STARTS_MAX) starts.shift();
  // A restart by hand holds until startPeriod is over, also when the container starts again in it.
  if (history.hold?.kind !== 'restart') delete history.hold;
  delete history.unknown;
  delete history.removedAtMs;
}

/** What ended the run before says nothing of the one that has begun since. */
function endEarlierRun(history: WorkloadHistory): void {
  const { exit, oom } = history;
  if (exit !== undefined) history.exit = { ...exit, startedSince: true };
  if (oom !== undefined) history.oom = { ...oom, startedSince: true };
}

function onFound(history: WorkloadHistory, fact: WorkloadObserved, place: RecordPlace): void {
  if (fact.state === 'running') {
    // It runs again though nobody saw the start: whatever held it, or was unknown, is over.
    delete history.hold;
    delete history.unknown;
    endEarlierRun(history);
    return;
  }
  if (fact.cause === 'Human') {
    setHold(history, fact.state === 'paused' ? 'pause' : 'stop', place);
    return;
  }
  if (fact.exitCode !== undefined) {
    history.exit = {
      container: fact.container,
      atMs: place.atMs,
      at: place.at,
      exitCode: fact.exitCode,
      cause: fact.cause,
    };
  }
  if (fact.cause === 'Unknown') {
    history.unknown = {
      container: fact.container,
      state: fact.state ?? '',
      atMs: place.atMs,
    };
  }
}

/** Counts what our own intent has caused, and notes what it does not explain. */
function countOwn(history: WorkloadHistory, fact: WorkloadObserved, place: RecordPlace): void {
  if (fact.intent === undefined) return;
  if (fact.cause === 'Sentinel') {
    const { intent, event, container } = fact;
    if (history.own?.intent !== intent) history.own = { intent, counts: {}, byContainer: {} };
    const { counts, byContainer } = history.own;
    const there = (byContainer[container] ??= {});
    counts[event] = (counts[event] ?? 0) + 1;
    there[event] = (there[event] ?? 0) + 1;
  } else {
    history.foreign = { intent: fact.intent, event: fact.event, atMs: place.atMs };
  }
}

/** How long a signal that has ended nothing yet is taken for the beginning of a stop. */
const SIGNALLED_MS = 20_000;

/** The intent was not executed: what was taken for its doing was somebody else's. */
export function disown(
  history: WorkloadHistory | undefined,
  intent: string,
  place: RecordPlace,
): void {
  if (history?.own?.intent !== intent) return;
  const { counts } = history.own;
  const [event] = Object.keys(counts);
  delete history.own;
  if (event === undefined) return;
  history.foreign = { intent, event, atMs: place.atMs };
  if (history.exit?.cause === 'Sentinel') history.exit = { ...history.exit, cause: 'Human' };
  if (counts['start'] !== undefined) setHold(history, 'restart', place);
  else if (counts['pause'] !== undefined) setHold(history, 'pause', place);
  else if (counts['die'] !== undefined) setHold(history, 'stop', place);
  else setHold(history, 'kill', place, place.atMs + SIGNALLED_MS);
}

/** Nobody knows what became of the intent: if it left the container down, nobody knows who did. */
export function doubt(
  history: WorkloadHistory | undefined,
  intent: string,
  place: RecordPlace,
): void {
  if (history?.own?.intent !== intent) return;
  const { exit } = history;
  if (exit?.cause !== 'Sentinel' || exit.startedSince === true) return;
  history.unknown = { container: history.container, state: 'exited', atMs: place.atMs };
}
