import {
  type Approval,
  type Attempt,
  type Diagnosis,
  type Incident,
  phaseOf,
} from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { API_VERSION } from '#core/policy/schema.ts';
import { defined } from '#lib/defined.ts';
import { incidentConditions } from './incident-conditions.ts';
import { plainWords } from './plain-words.ts';
import type { AttemptObject, IncidentObject, UnsummedIncident } from './schema.ts';

/** The public object of an incident, as Kubernetes would serve it. Shares nothing with the state. */
export function incidentObject(
  incident: Incident,
  state: Pick<OperatorState, 'quarantined'>,
): IncidentObject {
  const { name, uid, createdAt, seq, policy } = incident;
  const unsummed: UnsummedIncident = {
    apiVersion: API_VERSION,
    kind: 'Incident',
    metadata: { name, uid, creationTimestamp: createdAt, resourceVersion: String(seq) },
    spec: {
      workload: { ...incident.workload },
      policy: { ...policy, generation: incident.policyGeneration },
      threshold: incident.threshold,
      severity: incident.severity,
      fingerprint: incident.fingerprint,
      evidence: incident.evidence.map((one) => ({ ...one })),
    },
    status: statusOf(incident, state),
  };
  const { phase, ...status } = unsummed.status;
  const summary = plainWords(unsummed).join(' ');
  return { ...unsummed, status: { phase, summary, ...status } };
}

type Status = UnsummedIncident['status'];

function statusOf(incident: Incident, state: Pick<OperatorState, 'quarantined'>): Status {
  const { diagnosis, approval, resolvedAt, resolution } = incident;
  return {
    phase: phaseOf(incident),
    conditions: incidentConditions(incident, state),
    breached: [...incident.breached],
    reopens: incident.reopens,
    ...(diagnosis === undefined ? {} : { diagnosis: diagnosisOf(diagnosis) }),
    candidates: incident.candidates.map((one) => ({
      ...one,
      affects: [...one.affects],
      blockedBy: one.blockedBy.map((refusal) => ({ ...refusal })),
    })),
    attempts: incident.attempts.map(attemptObject),
    ...(approval === undefined ? {} : { approval: approvalOf(approval) }),
    escalations: incident.escalations.map(({ reason, message, at }) => ({ reason, message, at })),
    ...defined({ resolvedAt, resolution }),
    timeline: incident.timeline.map((one) => ({ ...one })),
  };
}

/** It holds nothing but JSON. */
function diagnosisOf(diagnosis: Diagnosis): NonNullable<Status['diagnosis']> {
  return structuredClone(diagnosis) as NonNullable<Status['diagnosis']>;
}

function approvalOf({
  state,
  candidate,
  at,
  by,
  asked,
}: Approval): NonNullable<Status['approval']> {
  const { tool, arguments: args } = asked ?? {};
  return { state, candidate, at, ...defined({ tool, arguments: args, by }) };
}

export function attemptObject(attempt: Attempt): AttemptObject {
  const { rollbackOf, byModel, outcome, reason, message, endedAt, result } = attempt;
  return {
    intent: attempt.intent,
    candidate: attempt.candidate,
    action: attempt.action,
    tool: attempt.tool,
    trigger: attempt.trigger,
    affects: attempt.affects.map(({ workload, container, name, state }) => ({
      workload,
      container,
      name,
      state,
    })),
    startedAt: attempt.startedAt,
    ...defined({ rollbackOf, byModel, outcome, reason, message, endedAt }),
    ...(result === undefined ? {} : { result: { ...result } }),
    verification: verificationOf(attempt),
  };
}

function verificationOf({
  verification,
  verifiedAt,
  verificationMessage,
}: Attempt): AttemptObject['verification'] {
  return { state: verification, ...defined({ at: verifiedAt, message: verificationMessage }) };
}
