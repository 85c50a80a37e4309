import type { ThresholdMemory, Verdict } from '#core/health/threshold.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { Situation } from './candidate.ts';

/** What judging remembers of one workload between reconciles. In memory only: it starts anew. */
export interface WorkloadMemory {
  readonly thresholds: Readonly<Record<string, ThresholdMemory>>;
  /** Since when everything that verification asks for has held, and for which attempt and run. */
  readonly steady?: { readonly sinceMs: number; readonly of: string };
  /** Since when nothing is breached. */
  readonly wellSinceMs?: number;
}

export const EMPTY_MEMORY: WorkloadMemory = { thresholds: {} };

/** Something to be started once the step's records are durable. */
export type Effect =
  | { readonly kind: 'Execute'; readonly intent: string }
  | { readonly kind: 'Rollback'; readonly intent: string; readonly rollbackOf: string }
  /** End an intent that a crash left in the middle of several steps: go back to the old container. */
  | { readonly kind: 'Recover'; readonly intent: string; readonly message: string }
  /** Remove what a verified multi-step action had set aside. */
  | { readonly kind: 'Settle'; readonly intent: string };

/**
 * One step of a decision: records to append and effects to start. `again`: more may follow from the
 * state that these records make, so decide once more before anything is awaited.
 */
export interface Step {
  readonly drafts: readonly Draft[];
  readonly effects?: readonly Effect[];
  readonly again?: boolean;
  /** When to look again if nothing happens before, controller milliseconds. */
  readonly recheckAtMs?: number;
}

/** A situation with what was judged in it, and the open incident of the workload, if any. */
export interface JudgedSituation extends Situation {
  /** Names of breached thresholds, in the policy's order. */
  readonly breached: readonly string[];
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly memory: WorkloadMemory;
  readonly incident: Incident | undefined;
}

export const NOTHING: Step = { drafts: [] };

/** The earlier of two instants of which either may be missing. */
export function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}

export function recheck(atMs: number | undefined): Step {
  return atMs === undefined ? NOTHING : { drafts: [], recheckAtMs: atMs };
}

/** The fields that every record about an incident has. */
export function about(incident: Incident): Pick<Draft, 'incident' | 'workload' | 'policy'> {
  return { incident: incident.name, workload: incident.workload.key, policy: incident.policy };
}
