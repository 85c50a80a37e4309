import type { JournalRecord } from '#core/journal/record.ts';
import type { StreamEntry } from '#ports/event-sink.ts';

/**
 * A journal record as an entry of the `audit` stream. `record` is the record as JSON; of a
 * `journal.snapshot` the state is left out, which can be large and whose hash stays.
 */
export function auditEntry(record: JournalRecord, journal: string, host: string): StreamEntry {
  const { seq, time, type, actor, incident, workload, policy, hash } = record;
  const fields = {
    type,
    time,
    actor,
    incident,
    workload,
    policy: policy?.name ?? '',
    journal,
    host,
    seq: String(seq),
    hash,
    record: JSON.stringify(withoutState(record)),
  };
  return { stream: 'audit', fields };
}

function withoutState(record: JournalRecord): JournalRecord {
  if (record.type !== 'journal.snapshot') return record;
  const { state: _left, ...data } = record.data as { state?: unknown };
  return { ...record, data };
}
