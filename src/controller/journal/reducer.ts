import type { JournalRecord } from '#core/journal/record.ts';

/**
 * How a journal becomes state. The same records in the same order give the same state, whether they
 * were applied as they were appended, replayed after a crash, or folded from a snapshot.
 */
export interface StateReducer<State> {
  initial(): State;
  /**
   * The state after the record. May change and return the object it was given. Never sees a
   * `journal.snapshot`, which repeats the state and adds nothing to it.
   */
  apply(state: State, record: JournalRecord): State;
  /** The state as plain JSON. It is written at once and not kept. */
  snapshot(state: State): object;
  restore(snapshot: object): State;
}
