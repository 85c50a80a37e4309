import type { WorkloadHistory } from '#core/journal/state.ts';
import type { WorkloadView } from '#core/workload/view.ts';

/** What one threshold is judged on. */
export interface JudgeInput {
  readonly nowMs: number;
  readonly view: WorkloadView;
  readonly history: WorkloadHistory;
  readonly startPeriodMs: number;
  /** How long a container must run for an event to be over. */
  readonly healthyForMs: number;
  /** Windows reach back to here at most: what happened before an action does not count after it. */
  readonly cutMs?: number;
}
