import type { Affected, Attempt } from '#core/incident/incident.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ResourceLimits } from '#core/workload/container.ts';
import { formatBytes } from '#lib/quantity.ts';
import { UPDATE_RESOURCES } from './tools.ts';
import type { World } from './world.ts';

/** Room that a rolled-back limit leaves above what the container uses. */
const HEADROOM = 1.1;

/**
 * Why an attempt must not be undone now; `undefined` when it may. The original intent permits it,
 * unless a person has touched the container since, or what it uses no longer fits.
 */
export function rollbackRefusal(world: World, original: Attempt): string | undefined {
  if (world.shadowAll) return 'Sentinel runs in Shadow mode';
  for (const affected of original.affects) {
    const no = noLongerOurs(world, original, affected);
    if (no !== undefined) return no;
  }
  if (original.tool !== UPDATE_RESOURCES) return undefined;
  return changedSince(world, original) ?? tooTight(world, original);
}

function noLongerOurs(
  world: World,
  { tool, endedAtMs, startedAtMs }: Attempt,
  { workload, container }: Affected,
): string | undefined {
  const history = world.state.workloads[workload];
  if (history !== undefined && wasTouched(history, endedAtMs ?? startedAtMs)) {
    return `a person has acted on ${workload} since`;
  }
  const what = world.protected.get(container);
  if (what !== undefined) return `${workload} is ${what}`;
  const now = world.views.get(workload)?.container;
  if (now === undefined || now.id === container || tool !== UPDATE_RESOURCES) return undefined;
  return `${workload} has another container since`;
}

function wasTouched(history: WorkloadHistory, sinceMs: number): boolean {
  const { hold, starts, deployedAtMs = -1, foreign } = history;
  const started = starts.at(-1);
  return (
    (hold !== undefined && hold.sinceMs >= sinceMs) ||
    (started?.cause === 'Human' && started.atMs >= sinceMs) ||
    deployedAtMs >= sinceMs ||
    (foreign !== undefined && foreign.atMs >= sinceMs)
  );
}

/** The limits are no longer those that the action has set: somebody else has set them since. */
function changedSince(world: World, original: Attempt): string | undefined {
  const set = original.result?.['limits'];
  const [target] = original.affects;
  const now = target && world.views.get(target.workload)?.container?.limits;
  if (typeof set !== 'object' || set === null || now === undefined) return undefined;
  const differs = Object.entries(set).some(
    ([name, value]) => now[name as keyof ResourceLimits] !== value,
  );
  return differs ? 'its limits were changed by somebody else since' : undefined;
}

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
