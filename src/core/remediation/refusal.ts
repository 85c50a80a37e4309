/**
 * Why a candidate is refused, in the order in which the gate asks. `Shadow` is last: a decision in
 * Shadow means that everything else allowed it.
 */
export const REFUSAL_REASONS = [
  'ModeOff',
  'SelfProtection',
  'Unsupported',
  'AmbiguousWorkload',
  'PolicyConflict',
  'SentinelPaused',
  'WorkloadPaused',
  'HumanAction',
  'IntentUnknown',
  'DeploymentInProgress',
  'EngineRestarting',
  'Settling',
  'NeedsRecreate',
  'ActionInFlight',
  'DependencyFailing',
  'LogTriggered',
  'DeniedWindow',
  'StormActive',
  'Backoff',
  'Cooldown',
  'LimitReached',
  'BudgetExhausted',
  'HostBudgetExhausted',
  'DependentNotPermitted',
  'ToolsNotReady',
  'NoChange',
  'ArgumentsInvalid',
  'JournalUnavailable',
  'Denied',
  'ApprovalRequired',
  'Shadow',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export interface Refusal {
  readonly reason: RefusalReason;
  /** For people: what exactly, with names and times. */
  readonly message: string;
  /** When the refusal may lapse by time alone, controller milliseconds. */
  readonly recheckAtMs?: number;
  /** It will pass, though its reason is one for which the ladder goes on: it is waited for. */
  readonly isPassing?: boolean;
}

/**
 * Refusals that time alone does not lift soon, and that concern this candidate only: the ladder
 * goes on to the next rung instead of waiting.
 */
export const PASSED_OVER: ReadonlySet<RefusalReason> = new Set([
  'Unsupported',
  'NeedsRecreate',
  'LogTriggered',
  'LimitReached',
  'DependentNotPermitted',
  'ToolsNotReady',
  'NoChange',
  'ArgumentsInvalid',
  'Denied',
]);
