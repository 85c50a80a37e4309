import type { Affected, Attempt, Outcome } from '#core/incident/incident.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { ToolDescription } from './tools.ts';

export interface RecoveredOutcome {
  readonly outcome: Exclude<Outcome, 'Failed'>;
  readonly message: string;
}

/** What is known when an intent is ended. */
interface Known {
  readonly view: WorkloadView | undefined;
  readonly history: WorkloadHistory;
  /**
   * The engine had forgotten no event since the intent: that there is none proves something. A stop
   * in its grace has changed nothing yet.
   */
  readonly knowsAll: boolean;
}

/** The event that proves that a tool has done its work. Tools without one leave no such trace. */
const PROOF: Readonly<Record<string, string>> = {
  'docker/restart_container': 'start',
  'docker/start_container': 'start',
  'docker/stop_container': 'die',
  'docker/kill_container': 'kill',
  'docker/pause_container': 'pause',
  'docker/unpause_container': 'unpause',
};

/**
 * Ends an intent that a crash left open, by what can be observed: never by doing it again. The
 * missed events were replayed before this is asked.
 */
export function recoverIntent(
  attempt: Attempt,
  tool: ToolDescription | undefined,
  { view, history, knowsAll }: Known,
): RecoveredOutcome {
  const target = attempt.affects[0];
  const counts = history.own?.intent === attempt.intent ? history.own.counts : {};
  const proof = PROOF[attempt.tool];
  if (proof !== undefined && (counts[proof] ?? 0) > 0) {
    return {
      outcome: 'Succeeded',
      message: `its ${proof} event was seen after a restart of Sentinel`,
    };
  }
  const isQuiet = knowsAll && Object.keys(counts).length === 0;
  if (isQuiet && leavesTraces(tool) && isUnchanged(target, view)) {
    return {
      outcome: 'NotExecuted',
      message:
        'the container is as it was when the intent was recorded, and no event tells of a call',
    };
  }
  return {
    outcome: 'OutcomeUnknown',
    message: 'Sentinel ended while the call was open, and nothing proves what became of it',
  };
}

function isUnchanged(target: Affected | undefined, view: WorkloadView | undefined): boolean {
  const container = view?.container;
  if (target === undefined || container === undefined) return false;
  const { container: id, startedAtMs, state } = target;
  return container.id === id && container.startedAtMs === startedAtMs && container.state === state;
}

/**
 * Tools that cannot have been called while the container is still in the same run and state. Not a
 * kill, whose signal may be one that the process lives through, nor a start, which may have failed.
 */
const CHANGES_THE_RUN: ReadonlySet<string> = new Set([
  'docker/restart_container',
  'docker/stop_container',
  'docker/pause_container',
  'docker/unpause_container',
]);

function leavesTraces(tool: ToolDescription | undefined): boolean {
  return tool !== undefined && CHANGES_THE_RUN.has(tool.name);
}
