import { reduce } from '#core/journal/reduce.ts';
import { initialState, type OperatorState } from '#core/journal/state.ts';
import { advance, firstControllerTime, type Instant } from '#core/time.ts';
import type { Clock } from '#ports/clock.ts';
import type { Journal } from './journal/journal.ts';
import type { StateReducer } from './journal/reducer.ts';

/** The operator's state as a fold of the journal. */
export const operatorReducer: StateReducer<OperatorState> = {
  initial: initialState,
  apply: reduce,
  snapshot: (state) => state,
  restore: (snapshot) => structuredClone(snapshot) as OperatorState,
};

export type OperatorJournal = Journal<OperatorState>;

/** Controller time now, in milliseconds: see ControllerTime. */
export function controllerNowMs(state: OperatorState, clock: Clock): number {
  const instant = instantOf(clock);
  return state.seq === 0 ? firstControllerTime(instant).atMs : advance(state.clock, instant).atMs;
}

function instantOf(clock: Clock): Instant {
  return { wallMs: clock.wallMs(), boot: { id: clock.bootId, ms: clock.bootMs() } };
}
