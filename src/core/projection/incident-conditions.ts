import { type Incident, isOpen, lastAttempt, pendingAttempt } from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { Condition } from './schema.ts';

type Said = Pick<Condition, 'reason' | 'message'> & { readonly holds: boolean };

/** The conditions that the phase of an incident sums up, always all of them, in a fixed order. */
export function incidentConditions(
  incident: Incident,
  { quarantined }: Pick<OperatorState, 'quarantined'>,
): Condition[] {
  const pending = pendingAttempt(incident);
  const isActing = pending !== undefined && pending.outcome === undefined;
  const said: Readonly<Record<string, Said>> = {
    Diagnosed: diagnosed(incident),
    AwaitingApproval: awaitingApproval(incident),
    Remediating: isActing
      ? { holds: true, reason: 'ActionRunning', message: `${pending.action} is under way` }
      : { holds: false, reason: 'NothingRunning', message: 'no action is under way' },
    Verifying:
      pending !== undefined && !isActing
        ? { holds: true, reason: 'Observing', message: `${pending.action} is being verified` }
        : verified(incident),
    Escalated: escalated(incident),
    Quarantined:
      quarantined[incident.workload.key]?.incident === incident.name
        ? {
            holds: true,
            reason: 'LimitReached',
            message:
              'nothing more is done until the workload has stayed well, or a person steps in',
          }
        : { holds: false, reason: 'NotQuarantined', message: 'the workload is not quarantined' },
    Resolved: resolved(incident),
  };
  return Object.entries(said).map(([type, { holds, reason, message }]) => ({
    type,
    status: holds ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: changedAt(incident, type),
    observedGeneration: incident.policyGeneration,
  }));
}

function diagnosed({ diagnosis }: Incident): Said {
  if (diagnosis === undefined) {
    return { holds: false, reason: 'NotYet', message: 'no cause was named yet' };
  }
  // A reason is one of ours: a model's words are for the message.
  const reason = diagnosis.source === 'model' ? 'ByModel' : diagnosis.rootCause;
  return { holds: true, reason, message: diagnosis.explanation };
}

function awaitingApproval(incident: Incident): Said {
  const { approval } = incident;
  if (approval === undefined) {
    return { holds: false, reason: 'NotRequested', message: 'no approval was asked for' };
  }
  const { state, candidate, by } = approval;
  const who = state === 'Requested' || by === undefined ? '' : ` by ${by}`;
  return {
    holds: state === 'Requested' && isOpen(incident),
    reason: state,
    message: `${candidate}: ${state.toLowerCase()}${who}`,
  };
}

function verified(incident: Incident): Said {
  const attempt = lastAttempt(incident);
  if (attempt === undefined || attempt.verification === 'None') {
    return { holds: false, reason: 'NothingToVerify', message: 'no action was carried out' };
  }
  return {
    holds: false,
    reason: attempt.verification,
    message: attempt.verificationMessage ?? `${attempt.action} was verified`,
  };
}

function escalated(incident: Incident): Said {
  const last = incident.escalations.findLast(({ atMs }) => atMs >= incident.boutAtMs);
  if (last === undefined) {
    return { holds: false, reason: 'NotEscalated', message: 'no person was asked to step in' };
  }
  return { holds: isOpen(incident), reason: last.reason, message: last.message };
}

function resolved(incident: Incident): Said {
  if (isOpen(incident)) return { holds: false, reason: 'StillOpen', message: 'it is open' };
  const message = incident.timeline.findLast(({ event }) => event === 'Resolved')?.message;
  return { holds: true, reason: incident.resolution ?? 'Resolved', message: message ?? '' };
}

/** Timeline entries after which a condition may have another status. */
const CHANGES: Readonly<Record<string, readonly string[]>> = {
  Diagnosed: ['Diagnosed'],
  AwaitingApproval: [
    'ApprovalRequested',
    'ApprovalGranted',
    'ApprovalDenied',
    'ApprovalExpired',
    'Reopened',
  ],
  Remediating: ['Acting', 'RollingBack', 'Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown'],
  Verifying: ['Succeeded', 'Failed', 'OutcomeUnknown', 'VerificationPassed', 'VerificationFailed'],
  Escalated: ['Escalated', 'Reopened'],
  Quarantined: ['Escalated', 'Resolved'],
  Resolved: ['Resolved', 'Reopened'],
};

function changedAt({ timeline, createdAt }: Incident, type: string): string {
  const events = CHANGES[type] ?? [];
  return timeline.findLast(({ event }) => events.includes(event))?.at ?? createdAt;
}
