import { type Incident, incidentName } from '#core/incident/incident.ts';
import { STORM_ABOVE_MAX } from '#core/policy/schema.ts';
import type { RecordPlace, Reducers } from './reducer.ts';
import type { OperatorState } from './state.ts';

/** Bounds of what one incident keeps; what falls out is still in the journal. */
const EVIDENCE_MAX = 64;
const TIMELINE_MAX = 200;
const ESCALATIONS_MAX = 200;
/** Resolved incidents kept for readers and for reopening, newest first. */
const RESOLVED_MAX = 500;
/** A storm is told from one more than it takes. */
const OPENINGS_MAX = STORM_ABOVE_MAX + 1;

export const incidentReducers: Reducers = {
  'incident.opened'(state, data, place) {
    if (place.policy === null) return;
    const name = incidentName(state.journalId, place.seq, place.at);
    state.incidents[name] = {
      name,
      uid: `${state.journalId}-${place.seq}`,
      openedSeq: place.seq,
      createdAt: place.at,
      createdAtMs: place.atMs,
      boutAtMs: place.atMs,
      seq: place.seq,
      workload: data.workload,
      policy: place.policy,
      policyGeneration: data.policyGeneration,
      threshold: data.threshold,
      fingerprint: data.fingerprint,
      severity: data.severity,
      breached: data.breached,
      evidence: data.evidence,
      attempts: [],
      rung: 0,
      candidates: [],
      escalations: [],
      reopens: 0,
      timeline: [{ at: place.at, event: 'Opened', message: data.message }],
    };
    state.openByWorkload[data.workload.key] = name;
    if (data.isOpinion !== true) countOpening(state, place);
    dropOldIncidents(state);
  },
  'incident.updated'(state, data, place) {
    const incident = touch(state, place, 'Updated', data.message);
    if (incident === undefined) return;
    if (data.severity !== undefined) incident.severity = data.severity;
    if (data.breached !== undefined) incident.breached = data.breached;
    if (data.workload !== undefined) incident.workload = data.workload;
    if (data.asking === true) {
      incident.isAsking = true;
      incident.askedAtMs = place.atMs;
    }
    addEvidence(incident, data.evidence ?? []);
  },
  'incident.resolved'(state, data, place) {
    const incident = touch(state, place, 'Resolved', data.message);
    if (incident === undefined) return;
    incident.resolution = data.resolution;
    incident.resolvedAt = place.at;
    incident.resolvedAtMs = place.atMs;
    delete incident.isAsking;
    if (state.openByWorkload[incident.workload.key] === incident.name) {
      delete state.openByWorkload[incident.workload.key];
    }
    if (state.quarantined[incident.workload.key]?.incident === incident.name) {
      delete state.quarantined[incident.workload.key];
    }
  },
  'incident.reopened'(state, data, place) {
    const incident = touch(state, place, 'Reopened', data.message);
    if (incident === undefined) return;
    delete incident.resolution;
    delete incident.resolvedAt;
    delete incident.resolvedAtMs;
    delete incident.approval;
    delete incident.denied;
    delete incident.isAsking;
    incident.boutAtMs = place.atMs;
    incident.severity = data.severity;
    incident.breached = data.breached;
    incident.workload = data.workload;
    incident.rung = data.rung;
    incident.reopens += 1;
    incident.candidates = [];
    delete incident.candidatesOf;
    addEvidence(incident, data.evidence);
    state.openByWorkload[data.workload.key] = incident.name;
    if (data.isOpinion !== true) countOpening(state, place);
  },
  'incident.escalated'(state, data, place) {
    const incident = touch(state, place, `Escalated`, data.message);
    if (incident === undefined) return;
    const { reason, message } = data;
    incident.escalations.push({ reason, message, at: place.at, atMs: place.atMs });
    if (incident.escalations.length > ESCALATIONS_MAX) incident.escalations.shift();
    if (reason === 'StormActive') state.stormsTold[incident.policy.name] = place.atMs;
    if (data.quarantine === true) {
      state.quarantined[incident.workload.key] = { incident: incident.name, atMs: place.atMs };
    }
  },
  'diagnosis.completed'(state, data, place) {
    const incident = touch(state, place, 'Diagnosed', data.rootCause);
    if (incident === undefined) return;
    if (data.models?.some(({ stage }) => stage !== 'triage') === true) delete incident.isAsking;
    incident.diagnosis = { ...data, at: place.at };
  },
};

/** Finds the incident of a record, notes that the record changed it, and adds to its timeline. */
export function touch(
  state: OperatorState,
  place: RecordPlace,
  event: string,
  message: string,
): Incident | undefined {
  const incident = state.incidents[place.incident];
  if (incident === undefined) return undefined;
  incident.seq = place.seq;
  incident.timeline.push({ at: place.at, event, message });
  if (incident.timeline.length > TIMELINE_MAX) incident.timeline.splice(1, 1);
  return incident;
}

function addEvidence(incident: Incident, evidence: Incident['evidence']): void {
  // Never in place: the array may be that of a record, and records do not change.
  incident.evidence = [...incident.evidence, ...evidence].slice(-EVIDENCE_MAX);
}

function countOpening(state: OperatorState, place: RecordPlace): void {
  const name = place.policy?.name ?? '';
  const openings = (state.openings[name] ??= []);
  openings.push(place.atMs);
  if (openings.length > OPENINGS_MAX) openings.shift();
}

function dropOldIncidents(state: OperatorState): void {
  const resolved = Object.values(state.incidents).filter((one) => one.resolvedAtMs !== undefined);
  if (resolved.length <= RESOLVED_MAX) return;
  resolved.sort(
    (a, b) => (a.resolvedAtMs ?? 0) - (b.resolvedAtMs ?? 0) || a.openedSeq - b.openedSeq,
  );
  for (const { name } of resolved.slice(0, resolved.length - RESOLVED_MAX)) {
    delete state.incidents[name];
  }
}
