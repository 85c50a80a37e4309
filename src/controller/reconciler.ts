import type { JournalRecord } from '#core/journal/record.ts';
import { decide } from '#core/remediation/decide.ts';
import type { Effect, WorkloadMemory } from '#core/remediation/step.ts';
import type { World } from '#core/remediation/world.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { OperatorJournal } from './journal-state.ts';

export interface ReconcilerOptions {
  readonly journal: OperatorJournal;
  readonly world: () => World;
  /** Inspects the workload's containers now. */
  readonly refresh: (key: WorkloadKey, signal: AbortSignal) => Promise<void>;
  readonly memories: Map<WorkloadKey, WorkloadMemory>;
  readonly startEffect: (
    key: WorkloadKey,
    incident: string,
    effect: Effect,
    durable: Promise<void>,
  ) => void;
}

export interface ReconcileResult {
  /** When to look again if nothing happens before; absent: only when something happens. */
  readonly requeueAfterMs?: number;
}

/** Steps that one look may take; more means that two steps undo each other. */
const STEPS_MAX = 32;

/**
 * Reconciles one workload: looks at the live state, then decides and records step by step until
 * there is no more to decide. Deciding, recording and reserving happen without an await between
 * them, so no other worker can come in between and spend the same budget.
 */
export function createReconciler(options: ReconcilerOptions) {
  const { journal, world, refresh, memories, startEffect } = options;

  return async function reconcile(key: WorkloadKey, signal: AbortSignal): Promise<ReconcileResult> {
    await refresh(key, signal);
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      const now = world();
      const { step, memory } = decide(now, key, memories.get(key));
      remember(memories, key, memory);
      if (step.drafts.length > 0) {
        const effects = step.effects ?? [];
        const { records, durable } = journal.append(step.drafts, { durable: effects.length > 0 });
        durable.catch(() => undefined);
        for (const effect of effects) startEffect(key, incidentOf(records), effect, durable);
      }
      if (step.again === true) continue;
      if (step.recheckAtMs === undefined) return {};
      return { requeueAfterMs: Math.max(1, step.recheckAtMs - now.nowMs) };
    }
    throw new Error(`more than ${STEPS_MAX} steps for one look at ${key}`);
  };
}

function incidentOf(records: readonly JournalRecord[]): string {
  return records.at(-1)?.incident ?? '';
}

function remember(
  memories: Map<WorkloadKey, WorkloadMemory>,
  key: WorkloadKey,
  memory: WorkloadMemory,
): void {
  if (Object.keys(memory.thresholds).length === 0) memories.delete(key);
  else memories.set(key, memory);
}
