import { callDigest, concerns } from '#core/incident/denial.ts';
import type { Approval, Asked, Attempt, Incident } from '#core/incident/incident.ts';
import { defined } from '#lib/defined.ts';
import { touch } from './reduce-incident.ts';
import { disown, doubt, LEDGER_KEEP_MS } from './reduce-workload.ts';
import type { RecordPlace, Reducers } from './reducer.ts';
import type { OperatorState } from './state.ts';

const LEDGER_MAX = 2_000;
const ATTEMPTS_MAX = 200;
/** More than a policy has of actions and their variants. */
const DENIED_MAX = 1_000;

export const remediationReducers: Reducers = {
  'remediation.considered'(state, data, place) {
    const incident = state.incidents[place.incident];
    if (incident === undefined) return;
    incident.seq = place.seq;
    incident.candidates = data.candidates;
    incident.candidatesOf = {
      policy: place.policy?.digest ?? '',
      container: incident.workload.id,
    };
  },
  'remediation.intended'(state, data, place) {
    const what = data.rollbackOf === undefined ? 'Acting' : 'RollingBack';
    const incident = touch(state, place, what, `${data.action}: ${data.tool}`);
    if (incident === undefined) return;
    incident.attempts.push({
      intent: data.intent,
      candidate: data.candidate,
      policy: place.policy?.digest ?? '',
      action: data.action,
      tool: data.tool,
      trigger: data.trigger,
      affects: data.affects,
      startedAt: place.at,
      startedAtMs: place.atMs,
      startedSeq: place.seq,
      ...defined({ rollbackOf: data.rollbackOf, byModel: data.byModel }),
      verification: 'None',
    });
    // Of trouble that comes back for months, what was tried lately is enough.
    if (incident.attempts.length > ATTEMPTS_MAX) forgetOldest(incident.attempts);
    if (data.byModel !== true) incident.rung = data.rung;
    if (data.rollbackOf === undefined) spend(state, incident, data, place);
    spendOnHost(state, data.intent, place);
  },
  'remediation.completed'(state, data, place) {
    const incident = touch(
      state,
      place,
      data.outcome,
      [data.reason, data.message].filter(Boolean).join(': '),
    );
    const attempt = findAttempt(incident, data.intent);
    if (incident === undefined || attempt === undefined) return;
    attempt.outcome = data.outcome;
    attempt.endedAt = place.at;
    attempt.endedAtMs = place.atMs;
    if (data.reason !== undefined) attempt.reason = data.reason;
    if (data.message !== undefined) attempt.message = data.message;
    if (data.result !== undefined) attempt.result = data.result;
    if (data.outcome === 'NotExecuted') {
      refund(state, incident, data.intent);
      for (const { workload } of attempt.affects) {
        disown(state.workloads[workload], data.intent, place);
      }
    } else {
      attempt.verification = 'Pending';
      // An approval is for one intent. It is spent by the call and not by the intent, since the gate
      // asks for it once more in between.
      delete incident.approval;
      if (data.outcome === 'OutcomeUnknown') {
        for (const { workload } of attempt.affects) {
          doubt(state.workloads[workload], data.intent, place);
        }
      }
    }
  },
  'verification.passed'(state, data, place) {
    endVerification(state, place, data, 'Passed');
  },
  'verification.failed'(state, data, place) {
    const incident = endVerification(state, place, data, 'Failed');
    const attempt = findAttempt(incident, data.intent);
    if (incident !== undefined && attempt?.byModel !== true) incident.rung += 1;
  },
  'rollback.completed'(state, data, place) {
    const incident = touch(state, place, 'RolledBack', data.message);
    const attempt = findAttempt(incident, data.intent);
    if (attempt === undefined) return;
    attempt.outcome = data.outcome;
    attempt.message = data.message;
    attempt.endedAt = place.at;
    attempt.endedAtMs = place.atMs;
    if (data.outcome === 'NotExecuted') refundOnHost(state, data.intent);
  },
  'shadow.decided'(state, data, place) {
    const incident = touch(state, place, 'Shadow', data.message);
    if (incident === undefined) return;
    const entries = (state.shadowLedger[incident.workload.key] ??= []);
    entries.push({
      candidate: data.candidate,
      action: data.action,
      policy: incident.policy.name,
      incident: incident.name,
      atMs: place.atMs,
      followed: false,
    });
    prune(entries, place.atMs);
  },
  'shadow.followed'(state, data, place) {
    const incident = touch(state, place, 'ShadowFollowed', `self-recovered: ${data.selfRecovered}`);
    if (incident === undefined) return;
    for (const entry of state.shadowLedger[incident.workload.key] ?? []) {
      if (entry.candidate === data.candidate) entry.followed = true;
    }
  },
  'approval.requested'(state, data, place) {
    setApproval(state, place, 'Requested', data);
  },
  'approval.granted'(state, data, place) {
    const incident = setApproval(state, place, 'Granted', data);
    if (incident !== undefined) allow(incident, data.candidate);
  },
  'approval.denied'(state, data, place) {
    const incident = setApproval(state, place, 'Denied', data);
    if (incident !== undefined) deny(incident, data.candidate);
  },
  'approval.expired'(state, data, place) {
    const incident = setApproval(state, place, 'Expired', data);
    if (incident !== undefined && data.reason === undefined) deny(incident, data.candidate);
  },
};

/** Every workload that the action touches pays for it. */
function spend(
  state: OperatorState,
  incident: Incident,
  data: { readonly intent: string; readonly action: string; readonly affects: Attempt['affects'] },
  place: RecordPlace,
): void {
  const entry = {
    intent: data.intent,
    action: data.action,
    policy: incident.policy.name,
    incident: incident.name,
    atMs: place.atMs,
  };
  for (const { workload } of data.affects) {
    const entries = (state.ledger[workload] ??= []);
    entries.push(entry);
    prune(entries, place.atMs);
  }
}

/** A host bears so many actions, whatever they are for: what is undone is one more. */
function spendOnHost(state: OperatorState, intent: string, { atMs }: RecordPlace): void {
  state.hostLedger.push({ intent, atMs });
  prune(state.hostLedger, atMs);
}

/** What was certainly not executed costs nothing. */
function refund(state: OperatorState, incident: Incident, intent: string): void {
  const attempt = findAttempt(incident, intent);
  for (const { workload } of attempt?.affects ?? []) {
    const rest = (state.ledger[workload] ?? []).filter((entry) => entry.intent !== intent);
    if (rest.length > 0) state.ledger[workload] = rest;
    else delete state.ledger[workload];
  }
  refundOnHost(state, intent);
}

function refundOnHost(state: OperatorState, intent: string): void {
  state.hostLedger = state.hostLedger.filter((entry) => entry.intent !== intent);
}

function prune(entries: { readonly atMs: number }[], nowMs: number): void {
  while ((entries[0]?.atMs ?? nowMs) < nowMs - LEDGER_KEEP_MS) entries.shift();
  if (entries.length > LEDGER_MAX) entries.shift();
}

function endVerification(
  state: OperatorState,
  place: RecordPlace,
  { intent, message }: { readonly intent: string; readonly message: string },
  verdict: 'Passed' | 'Failed',
): Incident | undefined {
  const incident = touch(state, place, `Verification${verdict}`, message);
  const attempt = findAttempt(incident, intent);
  if (attempt === undefined) return undefined;
  attempt.verification = verdict;
  attempt.verifiedAt = place.at;
  attempt.verificationMessage = message;
  return incident;
}

/** What was not carried out goes first. */
function forgetOldest(attempts: Attempt[]): void {
  const idle = attempts.findIndex(({ outcome }) => outcome === 'NotExecuted');
  attempts.splice(Math.max(0, idle), 1);
}

function findAttempt(incident: Incident | undefined, intent: string): Attempt | undefined {
  return incident?.attempts.find((attempt) => attempt.intent === intent);
}

function setApproval(
  state: OperatorState,
  place: RecordPlace,
  approval: Approval['state'],
  { candidate, reason }: { readonly candidate: string; readonly reason?: string },
): Incident | undefined {
  const words = reason === undefined ? candidate : `${candidate}: ${reason}`;
  const incident = touch(state, place, `Approval${approval}`, words);
  if (incident === undefined) return undefined;
  const asked = askedAbout(incident, approval, candidate);
  incident.approval = {
    state: approval,
    candidate,
    at: place.at,
    atMs: place.atMs,
    by: place.actor,
    ...(asked === undefined ? {} : { asked }),
  };
  return incident;
}

/** An answer is to what was asked, whatever the candidates have come to be by then. */
function askedAbout(
  { approval: before, candidates, candidatesOf }: Incident,
  state: Approval['state'],
  candidate: string,
): Asked | undefined {
  const isPending = before?.state === 'Requested' || before?.state === 'Granted';
  if (state !== 'Requested' && isPending && before.candidate === candidate) return before.asked;
  const shown = candidates.find(({ id }) => id === candidate);
  if (shown === undefined || candidatesOf === undefined) return undefined;
  const { action, tool, variant = 0 } = shown;
  return { ...candidatesOf, action, tool, variant, arguments: shown.arguments };
}

function deny(incident: Incident, candidate: string): void {
  const { action = '', variant = 0, tool = '', arguments: args } = incident.approval?.asked ?? {};
  const denied = (incident.denied ??= []);
  const call = tool === '' ? {} : { call: callDigest(tool, args) };
  denied.push({ candidate, action, variant, ...call });
  if (denied.length > DENIED_MAX) denied.shift();
}

/** Whoever says yes later means it. */
function allow(incident: Incident, candidate: string): void {
  const {
    action = '',
    tool = '',
    arguments: args = null,
    variant,
  } = incident.approval?.asked ?? {};
  const allowed = {
    id: candidate,
    action,
    tool,
    arguments: args,
    ...(variant === undefined ? {} : { variant }),
  };
  const rest = incident.denied?.filter((denial) => !concerns(denial, allowed));
  if (rest !== undefined) incident.denied = rest;
}
