import type {
  Affected,
  CandidateVerdict,
  Diagnosis,
  EscalationReason,
  Evidence,
  IncidentWorkload,
  Outcome,
  Resolution,
} from '#core/incident/incident.ts';
import type { Severity } from '#core/policy/schema.ts';
import type { EventAction } from '#core/workload/event.ts';
import type { RecordDraft } from './record.ts';

/** Who or what caused an event, as far as it can be told. */
export type Cause =
  /** The process ended by itself, or the kernel ended it. */
  | 'Crash'
  /** One of our own intents. */
  | 'Sentinel'
  /** A person, or a program that speaks to Docker for one. */
  | 'Human'
  /** The engine's own restart policy. */
  | 'Engine'
  | 'Unknown';

/** A fact that Docker tells only once, as an event; or a state that was found without its event. */
export interface WorkloadObserved {
  readonly event: EventAction | 'found';
  readonly container: string;
  readonly name: string;
  readonly cause: Cause;
  /** Daemon nanoseconds of the event, decimal digits; empty for what was found. */
  readonly timeNano: string;
  /** How long before the record it happened, in milliseconds, where it was told late. */
  readonly lateMs?: number;
  readonly exitCode?: number;
  readonly signal?: string;
  /** For `kill`: how long a following `die` belongs to it, in milliseconds. */
  readonly stopWindowMs?: number;
  /** For events of ours: the intent that they belong to. */
  readonly intent?: string;
  /** For `found`: the container's state, and what it tells. */
  readonly state?: string;
  readonly note?: string;
}

/** What each type of record carries in `data`. */
export interface RecordData {
  started: { journalId: string; version: string; host: string; mode: 'Policy' | 'Shadow' };
  stopped: { reason: string };
  'policy.loaded': {
    policies: { name: string; generation: number; digest: string; commit: string }[];
    problems: number;
    revision: string;
  };
  'workload.observed': WorkloadObserved;
  'incident.opened': {
    workload: IncidentWorkload;
    policyGeneration: number;
    threshold: string;
    severity: Severity;
    breached: string[];
    evidence: Evidence[];
    fingerprint: string;
    /** From the change, as Docker dates it, to this record; absent where Docker dates none. */
    detectedAfterMs?: number;
    /** Only a model takes anything for trouble: it counts towards no storm. */
    isOpinion?: boolean;
    message: string;
  };
  'incident.updated': {
    severity?: Severity;
    breached?: string[];
    evidence?: Evidence[];
    workload?: IncidentWorkload;
    /** Models are being asked for the cause. */
    asking?: boolean;
    message: string;
  };
  'incident.resolved': { resolution: Resolution; message: string };
  'incident.reopened': {
    severity: Severity;
    breached: string[];
    evidence: Evidence[];
    workload: IncidentWorkload;
    rung: number;
    /** As when it opened. */
    isOpinion?: boolean;
    message: string;
  };
  'incident.escalated': { reason: EscalationReason; message: string; quarantine?: boolean };
  'diagnosis.completed': Omit<Diagnosis, 'at'>;
  'remediation.considered': { candidates: CandidateVerdict[] };
  'approval.requested': { candidate: string; message: string };
  'approval.granted': { candidate: string; container: string };
  'approval.denied': { candidate: string; reason: string };
  /** `reason`: why it ended though its time to be answered was not over; it counts as no denial then. */
  'approval.expired': { candidate: string; reason?: string };
  'remediation.intended': {
    intent: string;
    candidate: string;
    action: string;
    tool: string;
    rung: number;
    trigger: string;
    affects: Affected[];
    /** HMAC-SHA256 of the exact arguments, keyed by a secret of this data directory. */
    argumentsMac: string;
    rollbackOf?: string;
    /** A model has picked it: the ladder is still where it was. */
    byModel?: boolean;
  };
  'remediation.completed': {
    intent: string;
    outcome: Outcome;
    reason?: string;
    message?: string;
    result?: Record<string, unknown>;
  };
  'verification.passed': { intent: string; message: string };
  'verification.failed': {
    intent: string;
    message: string;
    next: 'Rollback' | 'Next' | 'Escalate';
  };
  'rollback.completed': { intent: string; outcome: Outcome; message: string };
  'shadow.decided': {
    candidate: string;
    action: string;
    tool: string;
    trigger: string;
    message: string;
  };
  'shadow.followed': { candidate: string; action: string; selfRecovered: 'yes' | 'no' | 'human' };
  'pause.set': {
    scope: 'all' | 'policy' | 'workload';
    name: string;
    forMs?: number;
    reason: string;
  };
  'pause.cleared': { scope: 'all' | 'policy' | 'workload'; name: string; reason: string };
  'journal.snapshot': object;
  'journal.pruned': object;
  'journal.repaired': object;
  'outbox.gap': object;
}

/** A draft whose data fits its type. */
export type Draft = {
  [Type in keyof RecordData]: RecordDraft & {
    readonly type: Type;
    readonly data: RecordData[Type];
  };
}[keyof RecordData];
