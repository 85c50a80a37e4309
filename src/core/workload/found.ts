import type { WorkloadObserved } from '#core/journal/data.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ObservedContainer } from './container.ts';

/**
 * What a look at a container tells that no event told: it was found stopped or paused (or running
 * again). Without a witness nobody knows who did it, save where Docker's own state does: with a
 * restart policy the engine would have started again what ended by itself, unless its start failed.
 *
 * @returns `undefined` when the state is what the history says already
 */
export function found(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
): WorkloadObserved | undefined {
  const { state } = container;
  const fact = (
    rest: Pick<WorkloadObserved, 'cause'> & Partial<WorkloadObserved>,
  ): WorkloadObserved => ({
    event: 'found',
    container: container.id,
    name: container.name,
    timeNano: '',
    state,
    ...rest,
  });
  if (state === 'running') {
    return holdsStopped(container, history) ? fact({ cause: 'Unknown' }) : undefined;
  }
  if (state === 'paused') {
    const known =
      history?.container === container.id &&
      (history.hold?.kind === 'pause' || history.own?.counts['pause'] !== undefined);
    return known || isNoted(container, history) ? undefined : fact({ cause: 'Unknown' });
  }
  if (state !== 'exited' && state !== 'dead') return undefined;
  if (isWitnessedExit(container, history) || isNoted(container, history)) return undefined;

  const { exitCode } = container;
  if (container.error !== '') return fact({ cause: 'Engine', exitCode, note: 'its start failed' });
  const { name } = container.restartPolicy;
  if (name === 'always' || name === 'unless-stopped') {
    return fact({ cause: 'Human', note: 'the engine would have restarted it' });
  }
  return fact({ cause: 'Unknown', exitCode });
}

/** It runs, but the history still has it stopped, paused or unknown. */
function holdsStopped(container: ObservedContainer, history: WorkloadHistory | undefined): boolean {
  if (history === undefined) return false;
  if (history.container !== container.id)
    return history.hold !== undefined || history.unknown !== undefined;
  const { hold } = history;
  const stopped = hold?.kind === 'stop' || hold?.kind === 'pause' || hold?.kind === 'remove';
  return stopped || history.unknown !== undefined;
}

function isNoted(container: ObservedContainer, history: WorkloadHistory | undefined): boolean {
  const { unknown, hold } = history ?? {};
  if (unknown?.container === container.id && unknown.state === container.state) return true;
  return history?.container === container.id && hold !== undefined && hold.untilMs === undefined;
}

function isWitnessedExit(
  container: ObservedContainer,
  history: WorkloadHistory | undefined,
): boolean {
  const exit = history?.exit;
  if (exit === undefined || exit.container !== container.id) return false;
  const started = history?.starts.at(-1);
  return started === undefined || started.atMs <= exit.atMs;
}
