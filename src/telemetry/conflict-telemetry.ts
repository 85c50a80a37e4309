import type { Logger } from './logger.ts';

/** A workload that several policies of the same priority select: nothing governs it. */
export interface Conflict {
  readonly workload: string;
  readonly policies: readonly string[];
}

/** Says once of each conflict that it has begun, and that it is over. */
export function conflictTelemetry(log: Logger): (conflicts: readonly Conflict[]) => void {
  let known = new Map<string, string>();
  return (conflicts) => {
    const now = new Map(
      conflicts.map(({ workload, policies }) => [workload, policies.join(', ')] as const),
    );
    for (const [workload, policies] of now) {
      if (known.get(workload) === policies) continue;
      log.warn({ workload, policies }, 'policies of the same priority tie, so none governs it');
    }
    for (const workload of known.keys()) {
      if (!now.has(workload)) log.info({ workload }, 'its policies no longer tie');
    }
    known = now;
  };
}
