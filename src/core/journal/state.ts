import type { Incident } from '#core/incident/incident.ts';
import type { ControllerTime } from '#core/time.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { Cause } from './data.ts';

/** Starts of one action on one workload: what cooldowns and limits are counted from. */
export interface LedgerEntry {
  readonly intent: string;
  readonly action: string;
  readonly policy: string;
  readonly incident: string;
  readonly atMs: number;
}

export interface ShadowEntry {
  readonly candidate: string;
  readonly action: string;
  readonly policy: string;
  readonly incident: string;
  readonly atMs: number;
  followed: boolean;
}

export type HoldKind = 'stop' | 'kill' | 'pause' | 'restart' | 'remove';

/** Why a workload belongs to a person for now. */
export interface Hold {
  readonly kind: HoldKind;
  readonly sinceMs: number;
  readonly since: string;
  /** A kill that has not (yet) ended the container holds only this long. */
  readonly untilMs?: number;
}

export interface ExitFact {
  readonly container: string;
  readonly atMs: number;
  readonly at: string;
  readonly exitCode: number;
  readonly cause: Cause;
  /** Epoch milliseconds on the daemon's clock; absent for an exit that was found. */
  readonly daemonMs?: number;
  /** The container was started since: how long it has run tells how long it is over. */
  readonly startedSince?: true;
}

export interface OomFact {
  readonly atMs: number;
  /** As of an exit. Absent for a child process, whose container runs on. */
  readonly startedSince?: true;
  /** The longest run since that has ended, or what was left of the one it came in. */
  readonly steadyMs?: number;
}

export interface StartFact {
  readonly atMs: number;
  readonly cause: Cause;
  /** It followed an exit that neither Sentinel nor a person caused. */
  readonly afterCrash: boolean;
}

/** What Docker told once about one workload, kept so that it outlives a restart of Sentinel. */
export interface WorkloadHistory {
  container: string;
  name: string;
  /** Newest event of this workload, daemon nanoseconds: older ones are repeats. */
  lastEventNano: string;
  starts: StartFact[];
  exit?: ExitFact;
  /** The state was found, not witnessed: nobody knows who caused it. */
  unknown?: { readonly container: string; readonly state: string; readonly atMs: number };
  hold?: Hold;
  oom?: OomFact;
  /** Last creation, renaming or removal in this workload that was not ours. */
  deployedAtMs?: number;
  /** Its container was removed, and no other has come since. */
  removedAtMs?: number;
  /** Events that our own intent has caused so far, by action. */
  own?: {
    readonly intent: string;
    readonly counts: Record<string, number>;
    /** The same by container: a replacement acts on the old one and on the new one. */
    readonly byContainer: Record<string, Record<string, number>>;
  };
  /** An event amid our own action that the action does not explain. */
  foreign?: { readonly intent: string; readonly event: string; readonly atMs: number };
}

export interface Pause {
  readonly scope: 'all' | 'policy' | 'workload';
  readonly name: string;
  readonly setAt: string;
  readonly untilMs?: number;
  readonly reason: string;
  readonly by: string;
}

export interface PolicyEntry {
  readonly digest: string;
  readonly generation: number;
  readonly commit: string;
}

/**
 * Everything that decisions remember: a fold of the journal, plain JSON. Nothing else survives a
 * restart, and nothing in here comes from anywhere else.
 */
export interface OperatorState {
  readonly version: 1;
  journalId: string;
  host: string;
  seq: number;
  clock: ControllerTime;
  /** Wall clock of the last record before the present run: what happened since was not witnessed. */
  previousRunWallMs?: number;
  policies: Record<string, PolicyEntry>;
  workloads: Record<WorkloadKey, WorkloadHistory>;
  /** Open incidents, and resolved ones as long as a breach could reopen them or a reader ask. */
  incidents: Record<string, Incident>;
  /** One open incident per workload and governing policy; a workload has one governing policy. */
  openByWorkload: Record<WorkloadKey, string>;
  ledger: Record<WorkloadKey, LedgerEntry[]>;
  shadowLedger: Record<WorkloadKey, ShadowEntry[]>;
  /** Every intent on this host, for the host-wide limit. */
  hostLedger: { readonly intent: string; readonly atMs: number }[];
  /** When incidents opened, by policy: what a storm is counted from. */
  openings: Record<string, number[]>;
  /** When a storm was last told to people, by policy. */
  stormsTold: Record<string, number>;
  quarantined: Record<WorkloadKey, { readonly incident: string; readonly atMs: number }>;
  pauses: Record<string, Pause>;
}

export function initialState(): OperatorState {
  return {
    version: 1,
    journalId: '',
    host: '',
    seq: 0,
    clock: { atMs: 0, wallMs: 0, boot: { id: '', ms: 0 } },
    policies: {},
    workloads: {},
    incidents: {},
    openByWorkload: {},
    ledger: {},
    shadowLedger: {},
    hostLedger: [],
    openings: {},
    stormsTold: {},
    quarantined: {},
    pauses: {},
  };
}

export function pauseKey(scope: Pause['scope'], name: string): string {
  return `${scope}:${name}`;
}
