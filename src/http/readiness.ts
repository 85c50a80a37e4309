import { z } from 'zod';
import { formatDuration } from '#lib/duration.ts';
import type { PolicySet } from '#ports/policy-source.ts';
import type { HttpSources } from './options.ts';

/** Twice the regular resync, and a little: by then every workload must have been looked at. */
const RECONCILE_AGE_MAX_MS = 11 * 60_000;

export const Readiness = z
  .object({
    ready: z.boolean(),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
  })
  .meta({ id: 'Readiness' });
export type Readiness = z.infer<typeof Readiness>;

/** Whether Sentinel does its work now, with each reason for and against. */
export function readinessOf(
  sources: Pick<HttpSources, 'readiness' | 'journal' | 'world' | 'policies'>,
): Readiness {
  const { synced, dockerUp, sinceLastReconcileMs } = sources.readiness();
  const { journal } = sources;
  const set = sources.policies();
  const checks = [
    policiesCheck(set),
    {
      name: 'docker',
      ok: dockerUp,
      message: dockerMessage(dockerUp, set.isKnown),
    },
    {
      name: 'synced',
      ok: synced,
      message: synced ? 'every container was listed' : 'the first listing is not complete',
    },
    {
      name: 'journal',
      ok: journal.isAvailable(),
      message: journal.unavailableReason() ?? 'records reach the disk',
    },
    reconcileAge(sinceLastReconcileMs, synced ? sources.world().views.size : 0),
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

/** Without a set nothing is watched, decided or done. */
function policiesCheck({ isKnown, keptSince, loadedOk }: PolicySet) {
  const name = 'policies';
  if (!isKnown) return { name, ok: false, message: 'no policies could be loaded' };
  if (keptSince !== undefined) {
    return { name, ok: true, message: `those of ${keptSince} are in force: the last load failed` };
  }
  const message = loadedOk ? 'the last load succeeded' : 'the last good ones stay in force';
  return { name, ok: true, message };
}

function dockerMessage(isUp: boolean, isWatched: boolean): string {
  if (isUp) return 'the event stream is open';
  return isWatched
    ? 'the Docker Engine cannot be reached'
    : 'it is watched once there are policies';
}

/** Where nothing runs there is nothing to reconcile. */
function reconcileAge(sinceMs: number | undefined, workloads: number) {
  const name = 'reconcile';
  if (workloads === 0) return { name, ok: true, message: 'there is no workload' };
  if (sinceMs === undefined) return { name, ok: false, message: 'nothing was reconciled yet' };
  return {
    name,
    ok: sinceMs <= RECONCILE_AGE_MAX_MS,
    message: `last reconcile ${formatDuration(sinceMs)} ago`,
  };
}
