import {
  type Attempt,
  type Incident,
  incidentName,
  isHanging,
  isOpen,
  phaseOf,
} from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord, RecordType } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { Severity } from '#core/policy/schema.ts';
import { callWords } from '#core/remediation/call-words.ts';
import { formatDuration } from '#lib/duration.ts';
import { quoted } from '#lib/plain-text.ts';
import { nextSteps } from './explain-next.ts';
import { incidentObject } from './incident-object.ts';
import {
  harmless,
  type IncidentNotification,
  type JournalHead,
  type NotificationKind,
  type NotifierLevel,
  notificationText,
} from './notification.ts';
import { refusalWords } from './refusal-words.ts';
import { valueWords } from './threshold-words.ts';

/** Where a notification comes from. */
export interface NotificationSource {
  readonly journalId: string;
  /** Severities as they were before the record, by incident: only a rise is news. */
  readonly severities: ReadonlyMap<string, Severity>;
}

/** What is said of a record. */
interface Told {
  readonly kind: NotificationKind;
  /** The incident's own severity unless given. */
  readonly level?: NotifierLevel;
  readonly message: string;
  /** What, why and result. */
  readonly what: string;
  /** What to do next. */
  readonly next: string;
}

type Teller<Type extends RecordType> = (
  data: RecordData[Type],
  incident: Incident,
  about: {
    readonly state: OperatorState;
    readonly before: Severity | undefined;
    readonly by: string;
  },
) => Told | undefined;

/**
 * What people are told of one record of the journal.
 *
 * @param state after the record
 * @returns `undefined` when it is no news: most records are not
 */
export function notificationOf(
  state: OperatorState,
  record: JournalRecord,
  source: NotificationSource,
): IncidentNotification | undefined {
  const teller = TELLERS[record.type] as Teller<RecordType> | undefined;
  if (teller === undefined) return undefined;
  const incident = state.incidents[incidentOf(state, record)];
  if (incident === undefined) return undefined;
  const told = teller(record.data as RecordData[RecordType], incident, {
    state,
    before: source.severities.get(incident.name),
    by: record.actor,
  });
  if (told === undefined) return undefined;
  const { seq, hash, time } = record;
  return notification(state, incident, told, {
    journal: source.journalId,
    time,
    head: { seq, hash },
  });
}

/** The incident that a record speaks of; an opening is named after its own number. */
export function incidentOf(
  { journalId }: Pick<OperatorState, 'journalId'>,
  { type, incident, seq, time }: JournalRecord,
): string {
  return type === 'incident.opened' ? incidentName(journalId, seq, time) : incident;
}

/**
 * Open incidents for which a person was asked a short while ago: after a start, nobody knows
 * whether the word got out before the end.
 *
 * @param sinceMs wall clock, epoch milliseconds: what was asked before it is not asked again
 */
export function remindersOf(
  state: OperatorState,
  sinceMs: number,
  place: { readonly journal: string; readonly time: string; readonly head: JournalHead },
): IncidentNotification[] {
  return Object.values(state.incidents).flatMap((incident) => {
    if (!isOpen(incident)) return [];
    const told = waitingFor(incident, state, sinceMs);
    if (told === undefined) return [];
    const still = { ...told, what: `Still: ${told.what}` };
    return [{ ...notification(state, incident, still, place), again: true }];
  });
}

function waitingFor(incident: Incident, state: OperatorState, sinceMs: number): Told | undefined {
  const phase = phaseOf(incident);
  const { approval } = incident;
  const asked = phase === 'AwaitingApproval' ? approval : undefined;
  if (asked !== undefined && Date.parse(asked.at) >= sinceMs) {
    const { candidate, asked: { tool, arguments: args } = {} } = asked;
    const what = tool === undefined ? candidate : `${candidate} (${callWords(tool, args)})`;
    return approvalRequested(incident, candidate, `${what} waits for approval`);
  }
  const last = callsOf(incident).at(-1);
  const isWaiting = ['Escalated', 'Open', 'Diagnosing'].includes(phase) || isHanging(incident);
  if (!isWaiting || last === undefined || Date.parse(last.at) < sinceMs) {
    return undefined;
  }
  return escalated(incident, state, last.message);
}

function notification(
  state: OperatorState,
  incident: Incident,
  { kind, level, message, what, next }: Told,
  place: { readonly journal: string; readonly time: string; readonly head: JournalHead },
): IncidentNotification {
  const { workload, policy, severity } = incident;
  const where = `${incident.name}, ${workload.key}, policy ${policy.name}`;
  return {
    kind,
    level: level ?? severity,
    incident: incident.name,
    workload: harmless(workload.key),
    container: harmless(workload.container),
    policy: policy.name,
    phase: phaseOf(incident),
    severity,
    message: harmless(message),
    text: notificationText([what, `${next} (${where})`]),
    host: state.host,
    journal: place.journal,
    seq: place.head.seq,
    time: place.time,
    head: place.head,
  };
}

const TELLERS: { readonly [Type in RecordType]?: Teller<Type> } = {
  'incident.opened': (data, incident) => ({
    kind: 'opened',
    message: data.message,
    what: `${shout(data.severity)}${nameOf(incident)}: ${data.breached.join(', ')}${facts(data.evidence)}.`,
    next: look(incident),
  }),
  'incident.reopened': (data, incident) => ({
    kind: 'reopened',
    message: data.message,
    what: `${shout(data.severity)}${nameOf(incident)} again: ${data.breached.join(', ')}${facts(data.evidence)}.`,
    next: look(incident),
  }),
  'incident.updated': (data, incident, { before }) =>
    data.severity === 'critical' && before === 'warning'
      ? {
          kind: 'worsened',
          message: data.message,
          what: `${shout(data.severity)}${nameOf(incident)} got worse: ${data.message}${facts(data.evidence ?? [])}.`,
          next: look(incident),
        }
      : undefined,
  'shadow.decided': (data, incident) => ({
    kind: 'shadow',
    level: 'all',
    message: data.message,
    what: `Sentinel only watches ${nameOf(incident)}. It ${data.message} because of ${data.trigger}.`,
    next: look(incident),
  }),
  'approval.requested': (data, incident) =>
    approvalRequested(incident, data.candidate, data.message),
  'approval.granted': (data, incident, { by }) =>
    answered(incident, `${by} approved ${data.candidate}`),
  'approval.denied': (data, incident, { by }) =>
    answered(incident, `${by} denied ${data.candidate}: ${data.reason}`),
  'approval.expired': (data, incident) =>
    answered(
      incident,
      data.reason === undefined
        ? `nobody decided about ${data.candidate} in time`
        : `what was asked about ${data.candidate}, or answered, no longer counts: ${data.reason}`,
    ),
  'remediation.completed': acted,
  'rollback.completed': (data, incident) => {
    const action = attemptOf(incident, data.intent)?.action ?? 'the action';
    return {
      kind: 'rolledBack',
      message: data.message,
      what:
        data.outcome === 'Succeeded'
          ? `${action} was undone on ${nameOf(incident)}: ${data.message}.`
          : `${action} could not be undone on ${nameOf(incident)} (${data.outcome}): ${data.message}.`,
      next: look(incident),
    };
  },
  'verification.failed': (data, incident) => ({
    kind: 'verificationFailed',
    level: 'all',
    message: data.message,
    what: `${attemptOf(incident, data.intent)?.action ?? 'The action'} did not help ${nameOf(incident)}: ${data.message}.`,
    next: VERIFICATION_NEXT[data.next],
  }),
  'incident.escalated': (data, incident, { state }) =>
    data.reason === 'StormActive'
      ? {
          kind: 'storm',
          level: 'escalated',
          message: data.message,
          what: `Storm: many incidents at once under policy ${incident.policy.name}: ${data.message}. Its actions are held.`,
          next: refusalWords('StormActive').remedy ?? look(incident),
        }
      : data.reason === 'ModelAdvice'
        ? modelAdvice(incident, data.message)
        : escalated(incident, state, data.message),
  'incident.resolved': (data, incident) => {
    const tookMs = (incident.resolvedAtMs ?? 0) - incident.boutAtMs;
    return {
      kind: 'resolved',
      ...(askedForPerson(incident) ? { level: 'escalated' } : {}),
      message: data.message,
      what: `${RESOLVED_WORDS[data.resolution]} ${nameOf(incident)}, after ${formatDuration(Math.max(0, tookMs))}: ${data.message}.`,
      next: 'Nothing needs to be done.',
    };
  },
};

const RESOLVED_WORDS: Readonly<Record<RecordData['incident.resolved']['resolution'], string>> = {
  Remediated: 'Mended:',
  SelfRecovered: 'Recovered:',
  HumanAction: 'Taken over by a person:',
  WorkloadRemoved: 'Removed:',
  PolicyChanged: 'No longer watched under this policy:',
};

const VERIFICATION_NEXT = {
  Rollback: 'It is being undone.',
  Next: 'Sentinel goes on to the next action, if there is one.',
  Escalate: 'Nothing more is done.',
} as const;

function acted(data: RecordData['remediation.completed'], incident: Incident): Told {
  const what = actionWords(attemptOf(incident, data.intent), incident);
  const said = data.message === undefined ? '' : `: ${data.message}`;
  const told = { kind: 'acted', message: data.message ?? data.outcome } as const;
  switch (data.outcome) {
    case 'Succeeded':
      return { ...told, what: `Done: ${what}.`, next: 'Whether it helped is being watched.' };
    case 'NotExecuted':
      return {
        ...told,
        level: 'all',
        what: `Not done (${data.reason ?? 'refused'}): ${what}${said}.`,
        next: look(incident),
      };
    case 'Failed':
      return { ...told, what: `Failed: ${what}${said}.`, next: look(incident) };
    case 'OutcomeUnknown':
      return {
        ...told,
        what: `Outcome unknown: ${what}${said}.`,
        next: 'It is not repeated; what became of it is being watched.',
      };
  }
}

/** `restart (docker/restart_container) on web because of unhealthy (likely cause: Crashed)` */
function actionWords(attempt: Attempt | undefined, incident: Incident): string {
  if (attempt === undefined) return `an action on ${nameOf(incident)}`;
  const { action, tool, trigger } = attempt;
  return `${action} (${tool}) on ${nameOf(incident)} because of ${trigger}${causeOf(incident)}`;
}

function approvalRequested(incident: Incident, candidate: string, message: string): Told {
  const { name } = incident;
  return {
    kind: 'approvalRequested',
    level: 'escalated',
    message,
    what: `Approval wanted for ${nameOf(incident)}: ${message}${causeOf(incident)}.`,
    // By its id, so that the answer is to what was read here and to nothing that has taken its place.
    next: `sentinel approve ${name} --candidate ${candidate}, or sentinel deny ${name} --reason TEXT.`,
  };
}

function answered(incident: Incident, message: string): Told {
  return {
    kind: 'approvalAnswered',
    level: 'all',
    message,
    what: `${nameOf(incident)}: ${message}.`,
    next: look(incident),
  };
}

function escalated(incident: Incident, state: OperatorState, message: string): Told {
  const [step] = nextSteps(incidentObject(incident, state));
  return {
    kind: 'escalated',
    level: 'escalated',
    message,
    what: `A person is needed for ${nameOf(incident)}: ${message}${causeOf(incident)}.`,
    next: step ?? look(incident),
  };
}

/**
 * As grave as the incident, and no graver: it is an opinion, which whoever writes into a log has a say
 * in, and Sentinel goes on. Who is woken only when nobody else can act is not woken for it.
 */
function modelAdvice(incident: Incident, message: string): Told {
  return {
    kind: 'escalated',
    message,
    what: `A model’s opinion about ${nameOf(incident)}, while Sentinel goes on: ${message}.`,
    next: look(incident),
  };
}

/** Escalations that people are waited for after, unlike a model's opinion. */
function callsOf({ escalations }: Incident): Incident['escalations'] {
  return escalations.filter(({ reason }) => reason !== 'ModelAdvice');
}

/** Whoever was asked hears that it is over. */
function askedForPerson(incident: Incident): boolean {
  const { approval, boutAtMs } = incident;
  const instants = [...callsOf(incident), ...(approval === undefined ? [] : [approval])];
  return instants.some(({ atMs }) => atMs >= boutAtMs);
}

function attemptOf({ attempts }: Incident, intent: string): Attempt | undefined {
  return attempts.find((attempt) => attempt.intent === intent);
}

const CAUSE_CHARS_MAX = 120;

function causeOf({ diagnosis }: Incident): string {
  if (diagnosis === undefined || diagnosis.rootCause === 'Unknown') return '';
  return diagnosis.source === 'model'
    ? ` (likely cause, in a model’s words: ${quoted(diagnosis.rootCause, CAUSE_CHARS_MAX)})`
    : ` (likely cause: ${diagnosis.rootCause})`;
}

/** What was measured where a threshold was breached; other evidence is for a closer look. */
function facts(evidence: RecordData['incident.opened']['evidence']): string {
  const words = evidence
    .filter(({ note = '' }) => note.startsWith('threshold '))
    .map(({ signal, value }) => `${signal} is ${valueWords(signal, value)}`);
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

function nameOf({ workload }: Incident): string {
  return workload.container;
}

function look({ name }: Incident): string {
  return `What Sentinel does about it: sentinel explain ${name}.`;
}

function shout(severity: Severity): string {
  return severity === 'critical' ? 'CRITICAL: ' : 'Warning: ';
}
