import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

export const RECORD_TYPES = [
  'started',
  'stopped',
  'policy.loaded',
  'workload.observed',
  'incident.opened',
  'incident.updated',
  'incident.resolved',
  'incident.reopened',
  'incident.escalated',
  'diagnosis.completed',
  'remediation.considered',
  'approval.requested',
  'approval.granted',
  'approval.denied',
  'approval.expired',
  'remediation.intended',
  'remediation.completed',
  'verification.passed',
  'verification.failed',
  'rollback.completed',
  'shadow.decided',
  'shadow.followed',
  'pause.set',
  'pause.cleared',
  'journal.snapshot',
  'journal.pruned',
  'journal.repaired',
  'outbox.gap',
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** Which policy a record speaks of: name, hash of its canonical form, commit it came from. */
export interface PolicyRef {
  readonly name: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** `main@sha1:…`, with `+dirty` where the tree was; empty outside a git checkout. */
  readonly commit: string;
}

/** Boot milliseconds with the boot that they belong to: elapsed time that no clock step can fake. */
export interface BootTime {
  readonly id: string;
  readonly ms: number;
}

/** One line of the journal. */
export interface JournalRecord {
  /** 1, 2, 3, … without a gap, across segments. */
  readonly seq: number;
  /** Wall clock, RFC 3339 with milliseconds, UTC. */
  readonly time: string;
  readonly boot: BootTime;
  readonly type: RecordType;
  /** `sentinel`, or who asked: `operator:NAME`. */
  readonly actor: string;
  /** The incident's name, or empty. */
  readonly incident: string;
  /** The workload key, or empty. */
  readonly workload: string;
  readonly policy: PolicyRef | null;
  /** By type; see reduce.ts. Redacted, bounded. */
  readonly data: object;
  /** Hash of the record before; 64 zeros for the first of a journal. */
  readonly prev: string;
  readonly hash: string;
}

/** A record before it has its place in the chain. */
export type RecordDraft = Pick<JournalRecord, 'type' | 'data'> &
  Partial<Pick<JournalRecord, 'actor' | 'incident' | 'workload' | 'policy'>>;

export const GENESIS_HASH = '0'.repeat(64);

/** `sha256(prev + canonical JSON (RFC 8785) of the record without its hash)`, hex. */
export function hashRecord(record: Omit<JournalRecord, 'hash'>): string {
  return createHash('sha256').update(record.prev).update(canonicalJson(record)).digest('hex');
}

/** RFC 8785. The value must be plain JSON: no undefined, function, symbol or non-finite number. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}
