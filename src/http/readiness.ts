import { z } from 'zod';
import { formatDuration } from '#lib/duration.ts';
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
  sources: Pick<HttpSources, 'readiness' | 'journal' | 'world'>,
): Readiness {
  const { synced, dockerUp, sinceLastReconcileMs } = sources.readiness();
  const { journal } = sources;
  const checks = [
    {
      name: 'docker',
      ok: dockerUp,
      message: dockerUp ? 'the event stream is open' : 'the Docker Engine cannot be reached',
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
