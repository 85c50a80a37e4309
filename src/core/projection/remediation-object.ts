import type { Attempt, Incident } from '#core/incident/incident.ts';
import { API_VERSION } from '#core/policy/schema.ts';
import { attemptObject } from './incident-object.ts';
import type { RemediationObject } from './schema.ts';

/** One attempt of an incident as an object of its own. */
export function remediationObject(attempt: Attempt, incident: Incident): RemediationObject {
  const { intent, startedAt, candidate, action, tool, trigger, affects, rollbackOf, ...status } =
    attemptObject(attempt);
  return {
    apiVersion: API_VERSION,
    kind: 'Remediation',
    metadata: {
      name: intent,
      creationTimestamp: startedAt,
      resourceVersion: String(incident.seq),
    },
    spec: {
      incident: incident.name,
      workload: { ...incident.workload },
      policy: incident.policy.name,
      candidate,
      action,
      tool,
      trigger,
      affects,
      ...(rollbackOf === undefined ? {} : { rollbackOf }),
    },
    status: { phase: phaseOf(attempt), ...status },
  };
}

function phaseOf({ outcome, verification }: Attempt): RemediationObject['status']['phase'] {
  if (outcome === undefined) return 'Running';
  return verification === 'Pending' ? 'Verifying' : 'Done';
}
