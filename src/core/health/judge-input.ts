import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadView } from '#core/workload/view.ts';

/** `gone`: there is none of that id or name. `replaced`: its workload has another one, for now. */
export type NamespaceOwner = ObservedContainer | 'gone' | 'replaced';

/** What one threshold is judged on. */
export interface JudgeInput {
  readonly nowMs: number;
  readonly view: WorkloadView;
  readonly history: WorkloadHistory;
  readonly startPeriodMs: number;
  /** The container whose namespace another shares, by the id or name that it was given by. */
  readonly ownerOf: (ref: string) => NamespaceOwner;
  /** How long a container must run for an event to be over. */
  readonly healthyForMs: number;
  /** Windows reach back to here at most: what happened before an action does not count after it. */
  readonly cutMs?: number;
}
