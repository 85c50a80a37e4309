import { createHash } from 'node:crypto';
import type { PolicyRef } from '#core/journal/record.ts';
import type { Severity } from '#core/policy/schema.ts';
import type { WorkloadKey } from '#core/workload/key.ts';

/** Sums the conditions up. */
export type Phase =
  | 'Open'
  | 'Diagnosing'
  | 'AwaitingApproval'
  | 'Remediating'
  | 'Verifying'
  | 'Resolved'
  | 'Escalated';

export type Resolution =
  | 'Remediated'
  | 'SelfRecovered'
  | 'HumanAction'
  | 'WorkloadRemoved'
  | 'PolicyChanged';

export type EscalationReason =
  /** The last rung was tried and verification failed. */
  | 'LadderExhausted'
  | 'LimitReached'
  | 'StormActive'
  /** No action of the policy answers to what is wrong. */
  | 'NoAction'
  | 'IntentUnknown'
  | 'ForeignEvent'
  | 'NeedsRecreate'
  /**
   * For a quarter of an hour nothing could be done, for a reason that does not lapse by itself; or
   * an action that stopped half-way cannot be taken back.
   */
  | 'Blocked'
  | 'VerificationFailed'
  /** A model thinks that a person should look; the ladder goes on. */
  | 'ModelAdvice'
  /** Someone took the workload away that the policy expects. */
  | 'HumanAction';

/** One observation that speaks for the incident. Redacted before it got here. */
export interface Evidence {
  /** `e1`, `e2`, …: unique in its incident, cited by diagnoses. */
  readonly id: string;
  readonly signal: string;
  readonly value: string | number | boolean | null;
  /** RFC 3339. */
  readonly at: string;
  /** What a person should know beside the value. */
  readonly note?: string;
  /** Present when the text is kept in the evidence store: `sha256:…` and its size in bytes. */
  readonly blob?: { readonly digest: string; readonly bytes: number };
}

export type Outcome = 'Succeeded' | 'Failed' | 'NotExecuted' | 'OutcomeUnknown';

/** One container that an action touches, as it was when the action was intended. */
export interface Affected {
  readonly workload: WorkloadKey;
  readonly container: string;
  readonly name: string;
  /** Epoch milliseconds on the daemon's clock. */
  readonly startedAtMs?: number;
  readonly state: string;
}

export interface Attempt {
  /** The intent's id; also in the names of containers that the action makes or sets aside. */
  readonly intent: string;
  readonly candidate: string;
  /** Digest of the policy that it was intended under, which its candidate is named after. */
  readonly policy: string;
  readonly action: string;
  readonly tool: string;
  /** The threshold that made the candidate eligible. */
  readonly trigger: string;
  readonly affects: readonly Affected[];
  readonly startedAt: string;
  readonly startedAtMs: number;
  readonly startedSeq: number;
  readonly rollbackOf?: string;
  /** A model has picked it: the ladder is still where it was. */
  readonly byModel?: boolean;
  outcome?: Outcome;
  reason?: string;
  message?: string;
  endedAt?: string;
  endedAtMs?: number;
  /** What the tool said, bounded and redacted; holds previous values for a rollback. */
  result?: Readonly<Record<string, unknown>>;
  verification: 'None' | 'Pending' | 'Passed' | 'Failed';
  verifiedAt?: string;
  verificationMessage?: string;
}

export interface CandidateVerdict {
  readonly id: string;
  readonly action: string;
  readonly tool: string;
  /** Which combination of the action's `$oneOf` options it is; the first unless given. */
  readonly variant?: number;
  /** Redacted: `$secret` stays a marker. */
  readonly arguments: unknown;
  readonly affects: readonly WorkloadKey[];
  readonly verdict: 'Permitted' | 'Refused';
  readonly blockedBy: readonly { readonly reason: string; readonly message: string }[];
}

export interface Hypothesis {
  readonly cause: string;
  readonly explanation: string;
  /** 0 to 1. */
  readonly confidence: number;
  readonly evidenceRefs: readonly string[];
  readonly remedy?: string;
}

export interface Diagnosis {
  /** Whose conclusion it is. A model's is one only when it was sure enough, and cited what exists. */
  readonly source: 'rules' | 'model';
  readonly rootCause: string;
  readonly explanation: string;
  readonly confidence: number;
  readonly evidenceRefs: readonly string[];
  /** What the rules found, also where a model concludes. */
  readonly hypotheses: readonly Hypothesis[];
  /** Lines of its log that were at hand; absent when it was made without them. */
  readonly logLines?: number;
  /** Who concluded, and from what: where a model did. */
  readonly model?: string;
  readonly promptDigest?: string;
  /** Names of workloads, by the model. */
  readonly affectedComponents?: readonly string[];
  readonly prevention?: string;
  /** For those who are not engineers, in a model's words; there are words without one too. */
  readonly summary?: string;
  /** What a fast model made of the unusual lines that came before. */
  readonly triage?: Triage;
  readonly advice?: Advice;
  /** What was asked of models for it, oldest first. */
  readonly models?: readonly ModelUse[];
  readonly at: string;
}

/** What a model would do. It permits nothing: the gate and the policy decide what becomes of it. */
export interface Advice {
  /** Id of a candidate that it was offered, `none` or `escalate`. */
  readonly choice: string;
  /** 0 to 1; 0 where it cited no evidence, or some that does not exist. */
  readonly confidence: number;
}

export const TRIAGE_TYPES = ['crash', 'error', 'warning', 'performance', 'none'] as const;
export const TRIAGE_SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

/** Whether a window of a log is anomalous, in a model's opinion. */
export interface Triage {
  readonly isAnomaly: boolean;
  /** 0 to 1. */
  readonly confidence: number;
  readonly type: (typeof TRIAGE_TYPES)[number];
  readonly severity: (typeof TRIAGE_SEVERITIES)[number];
  readonly summary: string;
}

/** One question to models, and what it took. */
export interface ModelUse {
  readonly stage: 'triage' | 'rootCause' | 'explain';
  /** `Answered`, `NotConfident`, or why there is no answer (`BudgetExhausted`, `TimedOut`, …). */
  readonly outcome: string;
  /** Absent where nobody answered. */
  readonly route?: string;
  readonly model?: string;
  /** Requests that were made for it, looks included. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Absent where nobody knows a price. */
  readonly costUsd?: number;
  /** `sha256:…` of the last request: its instructions, text and schema. */
  readonly promptDigest: string;
  /** Why there is no answer, for people. */
  readonly message?: string;
}

export interface IncidentWorkload {
  readonly key: WorkloadKey;
  readonly host: string;
  readonly project?: string;
  readonly service?: string;
  readonly container: string;
  readonly id: string;
  readonly image: string;
}

export interface TimelineEntry {
  readonly at: string;
  readonly event: string;
  readonly message: string;
}

/** Where the candidates of an incident come from: another policy or container makes others. */
export interface CandidatesOf {
  /** Digest of the policy. */
  readonly policy: string;
  /** Id of the container. */
  readonly container: string;
}

/** What a person was shown. */
export interface Asked extends CandidatesOf {
  readonly action: string;
  readonly tool: string;
  readonly variant: number;
  readonly arguments: unknown;
}

export interface Approval {
  readonly state: 'Requested' | 'Granted' | 'Denied' | 'Expired';
  readonly candidate: string;
  readonly at: string;
  readonly atMs: number;
  readonly by?: string;
  /** Absent where it is not on record. */
  readonly asked?: Asked;
}

/** What a person said no to. Of what is not on record only the id counts. */
export interface Denial {
  readonly candidate: string;
  readonly action: string;
  readonly variant: number;
  /** Of tool and arguments: see denial.ts. */
  readonly call?: string;
}

/** An incident as the state keeps it; `incidentObject` gives the public object. */
export interface Incident {
  readonly name: string;
  readonly uid: string;
  readonly openedSeq: number;
  readonly createdAt: string;
  readonly createdAtMs: number;
  /** Instant of the latest opening or reopening: attempts before it belong to an earlier bout. */
  boutAtMs: number;
  seq: number;
  workload: IncidentWorkload;
  readonly policy: PolicyRef;
  readonly policyGeneration: number;
  readonly threshold: string;
  readonly fingerprint: string;
  severity: Severity;
  /** Every threshold that was breached since the latest opening. */
  breached: string[];
  evidence: Evidence[];
  attempts: Attempt[];
  /** Index into the ladder of the rung to try next. */
  rung: number;
  candidates: CandidateVerdict[];
  candidatesOf?: CandidatesOf;
  diagnosis?: Diagnosis;
  /** Models are being asked about it. */
  isAsking?: boolean;
  /** When they were asked last. */
  askedAtMs?: number;
  escalations: { reason: EscalationReason; message: string; at: string; atMs: number }[];
  approval?: Approval;
  /**
   * What a person said no to since the latest opening, or nobody said anything to in time: the ladder
   * goes on without it.
   */
  denied?: Denial[];
  reopens: number;
  resolution?: Resolution;
  resolvedAt?: string;
  resolvedAtMs?: number;
  timeline: TimelineEntry[];
}

const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz';

/** `inc-20261124-k3v9q0m2xa`: the day, and 10 base32 characters of sha256(journal id, seq). */
export function incidentName(journalId: string, openingSeq: number, time: string): string {
  const digest = createHash('sha256').update(`${journalId}\n${openingSeq}`).digest();
  const letters = [...digest.subarray(0, 10)].map((byte) => BASE32[byte % 32]).join('');
  return `inc-${time.slice(0, 10).replaceAll('-', '')}-${letters}`;
}

/** The id of an intent: 10 base32 characters, unique in a journal, fit for a container name. */
export function intentId(journalId: string, seq: number): string {
  const digest = createHash('sha256').update(`intent\n${journalId}\n${seq}`).digest();
  return [...digest.subarray(0, 10)].map((byte) => BASE32[byte % 32]).join('');
}

/** The number of the next evidence: they go on rising when the oldest were dropped. */
export function nextEvidenceNumber({ evidence }: Incident): number {
  return Math.max(0, ...evidence.map(({ id }) => Number(id.slice(1)))) + 1;
}

export function isOpen(incident: Incident): boolean {
  return incident.resolvedAtMs === undefined;
}

export function lastAttempt(incident: Incident): Attempt | undefined {
  return incident.attempts.at(-1);
}

/** An attempt whose call has not ended, or whose verification is still to come. */
export function pendingAttempt(incident: Incident): Attempt | undefined {
  return incident.attempts.find(
    ({ outcome, verification }) => outcome === undefined || verification === 'Pending',
  );
}

export function phaseOf(incident: Incident): Phase {
  if (!isOpen(incident)) return 'Resolved';
  const pending = pendingAttempt(incident);
  if (pending !== undefined) return pending.outcome === undefined ? 'Remediating' : 'Verifying';
  if (incident.approval?.state === 'Requested') return 'AwaitingApproval';
  if (isEscalated(incident)) return 'Escalated';
  return incident.isAsking === true ? 'Diagnosing' : 'Open';
}

/** An action is under way of which a person was told: it may not end by itself. */
export function isHanging(incident: Incident): boolean {
  const attempt = pendingAttempt(incident);
  if (attempt === undefined || attempt.outcome !== undefined) return false;
  return incident.escalations.some(({ atMs }) => atMs > attempt.startedAtMs);
}

/** Told to a person since it was last opened, and left to that person, who has not said yes since. */
export function isEscalated({ escalations, boutAtMs, approval }: Incident): boolean {
  const grantedAtMs = approval?.state === 'Granted' ? approval.atMs : -Infinity;
  return escalations.some(
    ({ atMs, reason }) => atMs >= boutAtMs && atMs >= grantedAtMs && ENDS_ACTING.has(reason),
  );
}

const ENDS_ACTING: ReadonlySet<EscalationReason> = new Set([
  'LadderExhausted',
  'LimitReached',
  'VerificationFailed',
  'ForeignEvent',
  'HumanAction',
]);
