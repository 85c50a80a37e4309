import type { WorkloadObserved } from '#core/journal/data.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ObservedContainer } from './container.ts';

/**
 * What a look at a container tells that no event told: it was found stopped or paused (or running
 * again). Without a witness nobody knows who did it, save where Docker's own state does: with a
 * restart policy the engine would have started again what ended by itself, unless its start failed.
 *
 * @param runningSinceMs controller milliseconds since when the present run lasts
 * @returns `undefined` when the state is what the history says already
 */
export function found(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
  runningSinceMs?: number,
): WorkloadObserved | undefined {
  const told = tells(container, history, runningSinceMs);
  if (told === undefined) return undefined;
  const { id, name, state } = container;
  return { event: 'found', container: id, name, timeNano: '', state, ...told };
}

type Told = Pick<WorkloadObserved, 'cause' | 'exitCode' | 'note'>;

function tells(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
  runningSinceMs: number | undefined,
): Told | undefined {
  const { state } = container;
  if (state === 'running') return runsAgain(container, history, runningSinceMs);
  if (state !== 'paused' && state !== 'exited' && state !== 'dead') return undefined;
  if (isNoted(container, history)) return undefined;
  if (state === 'paused') return { cause: 'Unknown' };
  return isWitnessedExit(container, history) ? undefined : endedUnseen(container);
}

function runsAgain(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
  runningSinceMs = 0,
): Told | undefined {
  // A look from before the stop knows nothing of it.
  if ((history?.hold?.sinceMs ?? -1) >= runningSinceMs) return undefined;
  return holdsStopped(container, history) ? { cause: 'Unknown' } : undefined;
}

function endedUnseen({ exitCode, error, restartPolicy }: ObservedContainer): Told {
  if (error !== '') return { cause: 'Engine', exitCode, note: 'its start failed' };
  if (restartPolicy.name === 'always' || restartPolicy.name === 'unless-stopped') {
    return { cause: 'Human', note: 'the engine would have restarted it' };
  }
  return { cause: 'Unknown', exitCode };
}

/** It runs, but the history still has it stopped, paused or unknown. */
function holdsStopped(container: ObservedContainer, history: WorkloadHistory | undefined): boolean {
  if (history === undefined) return false;
  if (history.container !== container.id)
    return history.hold !== undefined || history.unknown !== undefined;
  return saysStopped(history) || history.unknown !== undefined;
}

/** A person's restart is a hold too, but of a container that runs. */
function saysStopped({ hold }: WorkloadHistory): boolean {
  return hold?.kind === 'stop' || hold?.kind === 'pause' || hold?.kind === 'remove';
}

function isNoted(container: ObservedContainer, history: WorkloadHistory | undefined): boolean {
  const { unknown } = history ?? {};
  if (unknown?.container === container.id && unknown.state === container.state) return true;
  if (history?.container !== container.id) return false;
  // A pause of ours is told by its own event.
  if (container.state === 'paused' && history.own?.counts['pause'] !== undefined) return true;
  return history !== undefined && saysStopped(history);
}

/** An event told of the end of its last run, and of what caused it. */
export function isWitnessedExit(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
): boolean {
  const exit = history?.exit;
  if (exit === undefined || exit.container !== container.id || exit.cause === 'Unknown') {
    return false;
  }
  return exit.startedSince !== true && isOfLastRun(exit.daemonMs, container);
}

/** The engine tells of an end right after it has dated it; a busy one takes a moment. */
const TOLD_WITHIN_MS = 5_000;

/**
 * An exit from before the run that has ended is that of an earlier one, whose start nobody told of; so
 * is one that bears a later date than its end, from before the engine's clock was set back.
 */
function isOfLastRun(
  exitMs: number | undefined,
  { startedAtMs = 0, finishedAtMs = 0 }: ObservedContainer,
): boolean {
  if (exitMs === undefined) return true;
  if (finishedAtMs > 0 && exitMs > finishedAtMs + TOLD_WITHIN_MS) return false;
  if (exitMs >= startedAtMs) return true;
  // A run that ended before it began: meanwhile the engine's clock was set back, and orders nothing.
  // The exit is that of this run if it bears the date of its end.
  return finishedAtMs < startedAtMs && Math.abs(exitMs - finishedAtMs) <= TOLD_WITHIN_MS;
}
