import type { Incident } from '#core/incident/incident.ts';
import { isOpen } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord, RecordType } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import { SEVERITIES } from './label-values.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** What is read off the journal at each scrape. */
export interface JournalReadings {
  state(): OperatorState;
  isAvailable(): boolean;
}

/** Turns journal records, as they are appended, into metrics and log lines. */
export function journalTelemetry(metrics: Metrics, log: Logger, journal: JournalReadings) {
  // Read off rather than followed: a replay at the start calls nobody, and a journal that refuses
  // every record has none to tell it by.
  metrics.onScrape(() => {
    metrics.journalUp.set(journal.isAvailable() ? 1 : 0);
    readIncidents(metrics, journal.state());
  });

  return function onRecords(records: readonly JournalRecord[]): void {
    const { incidents } = journal.state();
    for (const record of records) {
      metrics.journalRecords.inc({ type: record.type });
      HANDLERS[record.type]?.({ metrics, record, incident: incidents[record.incident] });
      tell(log, record);
    }
  };
}

interface Told {
  readonly metrics: Metrics;
  readonly record: JournalRecord;
  readonly incident: Incident | undefined;
}

const HANDLERS: Partial<Record<RecordType, (told: Told) => void>> = {
  'incident.opened': countOpening,
  'incident.reopened': countOpening,
  'incident.resolved'({ metrics, incident }) {
    if (incident?.resolvedAtMs === undefined) return;
    metrics.timeToResolve.observe((incident.resolvedAtMs - incident.boutAtMs) / 1_000);
  },
  'remediation.completed'({ metrics, record, incident }) {
    const data = record.data as RecordData['remediation.completed'];
    const attempt = incident?.attempts.find(({ intent }) => intent === data.intent);
    if (incident === undefined || attempt === undefined) return;
    metrics.remediations.inc({
      policy: incident.policy.name,
      action: attempt.action,
      outcome: data.outcome,
    });
    if (attempt.endedAtMs !== undefined && data.outcome === 'Succeeded') {
      metrics.timeToRemediate.observe((attempt.endedAtMs - incident.boutAtMs) / 1_000);
    }
  },
  'remediation.considered'({ metrics, record, incident }) {
    const { candidates } = record.data as RecordData['remediation.considered'];
    for (const { blockedBy } of candidates) {
      const reason = blockedBy[0]?.reason;
      if (reason !== undefined)
        metrics.blocked.inc({ policy: incident?.policy.name ?? '', reason });
    }
  },
  'incident.escalated'({ metrics, record, incident }) {
    const { reason } = record.data as RecordData['incident.escalated'];
    metrics.escalations.inc({ policy: incident?.policy.name ?? '', reason });
  },
  'shadow.followed'({ metrics, record, incident }) {
    const { action, selfRecovered } = record.data as RecordData['shadow.followed'];
    metrics.shadowDecisions.inc({
      policy: incident?.policy.name ?? '',
      action,
      self_recovered: selfRecovered,
    });
  },
};

function countOpening({ metrics, record }: Told): void {
  const data = record.data as RecordData['incident.opened'] | RecordData['incident.reopened'];
  if ('detectedAfterMs' in data && data.detectedAfterMs !== undefined) {
    metrics.timeToDetect.observe(data.detectedAfterMs / 1_000);
  }
  metrics.incidentsTotal.inc({
    // From the record: an opening does not carry the incident's name, which comes from its number.
    policy: record.policy?.name ?? '',
    threshold: data.breached[0] ?? '',
    severity: data.severity,
  });
}

function readIncidents(metrics: Metrics, state: OperatorState): void {
  metrics.incidentsOpen.reset();
  metrics.incidentsBlocked.reset();
  for (const policy of Object.keys(state.policies)) {
    for (const severity of SEVERITIES) metrics.incidentsOpen.set({ policy, severity }, 0);
  }
  let waiting = 0;
  for (const incident of Object.values(state.incidents)) {
    if (!isOpen(incident)) continue;
    const policy = incident.policy.name;
    metrics.incidentsOpen.inc({ policy, severity: incident.severity });
    for (const reason of reasonsOfBlock(incident)) metrics.incidentsBlocked.inc({ policy, reason });
    if (incident.approval?.state === 'Requested') waiting += 1;
  }
  metrics.approvalsPending.set(waiting);
}

/** None while something may be done: an action that is refused beside it keeps nobody waiting. */
function reasonsOfBlock({ candidates }: Incident): ReadonlySet<string> {
  if (candidates.some(({ blockedBy }) => blockedBy.length === 0)) return new Set();
  return new Set(candidates.flatMap(({ blockedBy }) => blockedBy.map(({ reason }) => reason)));
}

/** Records that a person following the log wants to see, with the level that they deserve. */
const LEVELS: Partial<Record<RecordType, 'info' | 'warn' | 'error'>> = {
  started: 'info',
  stopped: 'info',
  'policy.loaded': 'info',
  'incident.opened': 'warn',
  'incident.reopened': 'warn',
  'incident.resolved': 'info',
  'incident.escalated': 'error',
  'diagnosis.completed': 'info',
  'remediation.intended': 'warn',
  'remediation.completed': 'info',
  'verification.passed': 'info',
  'verification.failed': 'warn',
  'rollback.completed': 'warn',
  'shadow.decided': 'info',
  'approval.requested': 'warn',
  'pause.set': 'warn',
  'pause.cleared': 'info',
  'journal.repaired': 'warn',
  'outbox.gap': 'error',
};

function tell(log: Logger, { type, seq, incident, workload, policy, data }: JournalRecord): void {
  const level = LEVELS[type];
  if (level === undefined) return;
  const about = {
    ...(incident === '' ? {} : { incident }),
    ...(workload === '' ? {} : { workload }),
    ...(policy === null ? {} : { policy: policy.name }),
  };
  log[level]({ seq, ...about, ...summary(type, data) }, type);
}

/** The few fields of a record that fit on a line. */
function summary(type: RecordType, data: object): object {
  const fields = [
    'message',
    'action',
    'tool',
    'intent',
    'outcome',
    'reason',
    'resolution',
    'rootCause',
    'threshold',
    'severity',
    'breached',
    'problems',
    'revision',
    'version',
    'host',
    'mode',
  ];
  const entries = Object.entries(data).filter(([name]) => fields.includes(name));
  if (type === 'policy.loaded') {
    const { policies } = data as RecordData['policy.loaded'];
    entries.push(['policies', policies.map(({ name }) => name)]);
  }
  return Object.fromEntries(entries);
}
