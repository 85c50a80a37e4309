import { type Incident, isOpen } from '#core/incident/incident.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { incidentObject } from './incident-object.ts';

/**
 * What one record tells the world beside its audit entry: the shapes of the outbox, written out here
 * because the core knows no port.
 */
export interface SinkProjection {
  readonly entries: readonly {
    readonly stream: 'incidents';
    readonly fields: Readonly<Record<string, string>>;
  }[];
  readonly incidents: readonly {
    readonly name: string;
    readonly json: string;
    readonly openedAtMs: number;
    readonly open: boolean;
  }[];
  readonly messages: readonly string[];
}

const NOTHING: SinkProjection = { entries: [], incidents: [], messages: [] };

/**
 * Every record that changed an incident becomes an entry of the stream `incidents`, the incident's
 * key, and a message. A record that only names an incident (an observation) becomes nothing.
 *
 * @param state after the record
 */
export function projectForSink(
  state: OperatorState,
  record: JournalRecord,
  journalId: string,
): SinkProjection {
  const incident = incidentOf(state, record);
  if (incident === undefined) return NOTHING;
  const object = incidentObject(incident, state);
  const json = JSON.stringify(object);
  const fields = {
    type: record.type,
    name: incident.name,
    phase: object.status.phase,
    severity: incident.severity,
    workload: incident.workload.key,
    policy: incident.policy.name,
    journal: journalId,
    host: state.host,
    seq: String(record.seq),
    incident: json,
  };
  const key = {
    name: incident.name,
    json,
    openedAtMs: openedAtMs(incident),
    open: isOpen(incident),
  };
  return {
    entries: [{ stream: 'incidents', fields }],
    incidents: [key],
    messages: [JSON.stringify({ ...fields, seq: record.seq, incident: object })],
  };
}

/**
 * The incident that a record changed: the reducers leave the record's number on it. An opening does
 * not carry the name, which comes from its own number.
 */
function incidentOf(state: OperatorState, record: JournalRecord): Incident | undefined {
  const name =
    record.incident === '' && record.type === 'incident.opened'
      ? (state.openByWorkload[record.workload] ?? '')
      : record.incident;
  const incident = state.incidents[name];
  return incident?.seq === record.seq ? incident : undefined;
}

/** On the wall clock, unlike `createdAtMs`, since readers of several hosts sort by it. */
function openedAtMs({ createdAt }: Incident): number {
  return Date.parse(createdAt);
}
