import type { EscalationReason, Outcome } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import { RECORD_TYPES } from '#core/journal/record.ts';
import { MODEL_STAGES } from '#core/policy/routes.ts';
import type { Severity } from '#core/policy/schema.ts';
import { REFUSAL_REASONS } from '#core/remediation/refusal.ts';
import type { ContainerState } from '#core/workload/container.ts';
import { EVENT_ACTIONS } from '#core/workload/event.ts';

/** The value of the label `controller`, and of `name` on queues. */
export const CONTROLLER_NAME = 'workload';
export const RECONCILE_RESULTS = ['success', 'error', 'requeue', 'requeue_after'] as const;
export const RELOAD_RESULTS = ['success', 'failure'] as const;

export const OUTCOMES = valuesOf<Outcome>({
  Succeeded: true,
  Failed: true,
  NotExecuted: true,
  OutcomeUnknown: true,
});

export const ESCALATION_REASONS = valuesOf<EscalationReason>({
  LadderExhausted: true,
  LimitReached: true,
  StormActive: true,
  NoAction: true,
  IntentUnknown: true,
  ForeignEvent: true,
  Blocked: true,
  NeedsRecreate: true,
  VerificationFailed: true,
  ModelAdvice: true,
  HumanAction: true,
});

export const SEVERITIES = valuesOf<Severity>({ warning: true, critical: true });

const WORKLOAD_STATES = valuesOf<ContainerState | 'absent'>({
  created: true,
  running: true,
  paused: true,
  restarting: true,
  removing: true,
  exited: true,
  dead: true,
  absent: true,
});

const SELF_RECOVERED = valuesOf<RecordData['shadow.followed']['selfRecovered']>({
  yes: true,
  no: true,
  human: true,
});

/** How a request to a language model has ended: answered, or why not. */
export const LLM_OUTCOMES = [
  'Answered',
  'TimedOut',
  'Unreachable',
  'ServerError',
  'RateLimited',
  'Refused',
  'PromptTooLong',
  'Declined',
  'InvalidAnswer',
  'Cancelled',
] as const;
export const LLM_DIRECTIONS = ['in', 'out'] as const;

/** Labels that mean the same wherever they stand. */
const BY_LABEL: Readonly<Record<string, readonly string[]>> = {
  controller: [CONTROLLER_NAME],
  name: [CONTROLLER_NAME],
  severity: SEVERITIES,
  outcome: OUTCOMES,
  state: WORKLOAD_STATES,
  type: RECORD_TYPES,
  self_recovered: SELF_RECOVERED,
  stage: MODEL_STAGES,
  direction: LLM_DIRECTIONS,
};

/** Labels whose values depend on the metric. */
const BY_METRIC: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  controller_runtime_reconcile_total: { result: RECONCILE_RESULTS },
  sentinel_policy_reloads_total: { result: RELOAD_RESULTS },
  sentinel_incidents_blocked: { reason: REFUSAL_REASONS },
  sentinel_remediations_blocked_total: { reason: REFUSAL_REASONS },
  sentinel_escalations_total: { reason: ESCALATION_REASONS },
  sentinel_docker_events_total: { action: EVENT_ACTIONS },
  sentinel_llm_requests_total: { outcome: LLM_OUTCOMES },
};

/**
 * Every value that a label of a metric can have; `undefined` for a label that carries a name: of a
 * policy, a threshold, an action, a tool, a server, a host, a route to a model.
 */
export function labelValues(metric: string, label: string): readonly string[] | undefined {
  return BY_METRIC[metric]?.[label] ?? BY_LABEL[label];
}

/** The members of a union, in a list that the compiler keeps whole. */
function valuesOf<Value extends string>(all: Readonly<Record<Value, true>>): readonly Value[] {
  return Object.keys(all) as Value[];
}
