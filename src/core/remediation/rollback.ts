import type { Attempt } from '#core/incident/incident.ts';
import { formatBytes } from '#lib/quantity.ts';
import type { World } from './world.ts';

/** Room that a rolled-back limit leaves above what the container uses. */
const HEADROOM = 1.1;

/**
 * Why an attempt must not be undone now; `undefined` when it may. The original intent permits it,
 * unless a person has touched the container since, or what it uses no longer fits.
 */
export function rollbackRefusal(world: World, original: Attempt): string | undefined {
  const since = original.endedAtMs ?? original.startedAtMs;
  for (const { workload, container } of original.affects) {
    const history = world.state.workloads[workload];
    if (history?.hold !== undefined && history.hold.sinceMs >= since) {
      return `a person has acted on ${workload} since`;
    }
    const now = world.views.get(workload)?.container;
    if (now !== undefined && now.id !== container && original.tool === UPDATE_RESOURCES) {
      return `${workload} has another container since`;
    }
  }
  return original.tool === UPDATE_RESOURCES ? tooTight(world, original) : undefined;
}

const UPDATE_RESOURCES = 'docker/update_resources';

function tooTight(world: World, original: Attempt): string | undefined {
  const previous = original.result?.['previous'];
  const [target] = original.affects;
  if (typeof previous !== 'object' || previous === null || target === undefined) return undefined;
  const wanted = (previous as { readonly memory?: unknown }).memory;
  const used = world.views.get(target.workload)?.gauges['memory.workingSet'];
  if (typeof wanted !== 'number' || wanted <= 0) return undefined;
  if (used?.kind !== 'Value') return undefined;
  if (wanted >= used.value * HEADROOM) return undefined;
  return `it uses ${formatBytes(used.value)}, and ${formatBytes(wanted)} would be too tight`;
}
