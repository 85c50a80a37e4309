import type { Affected, Attempt } from '#core/incident/incident.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ResourceLimits } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { formatBytes } from '#lib/quantity.ts';
import { isLabelPaused, sentinelPaused } from './guards-people.ts';
import { UPDATE_RESOURCES } from './tools.ts';
import type { World } from './world.ts';

/** Room that a rolled-back limit leaves above what the container uses. */
const HEADROOM = 1.1;

/**
 * Why an attempt must not be undone now; `undefined` when it may. The original intent permits it,
 * unless people have said no since, have touched the container, or what it uses no longer fits.
 */
export function rollbackRefusal(world: World, original: Attempt): string | undefined {
  for (const { workload } of original.affects) {
    const no = handsOff(world, workload);
    if (no !== undefined) return no;
  }
  const no = recoveryRefusal(world, original);
  if (no !== undefined) return no;
  if (original.tool !== UPDATE_RESOURCES) return undefined;
  return changedSince(world, original) ?? tooTight(world, original);
}

/**
 * Why a call that stopped between two containers must not be taken back. Where it has left the
 * workload down, a pause or another mode is no reason: it would stay down for it.
 */
export function recoveryRefusal(world: World, original: Attempt): string | undefined {
  if (world.shadowAll) return SHADOW;
  for (const affected of original.affects) {
    const { state, id } = world.views.get(affected.workload)?.container ?? {};
    const isOld = id === affected.container;
    const isUp = state === 'running' && !(isOld && isEnding(world, original, affected));
    const no =
      noLongerOurs(world, original, affected) ??
      (isUp ? handsOff(world, affected.workload) : undefined);
    if (no !== undefined) return no;
  }
  return undefined;
}

/** Our own call has told it to end, and nothing has started it since: it runs in its grace alone. */
function isEnding(
  { state }: World,
  { intent }: Attempt,
  { workload, container }: Affected,
): boolean {
  const { own } = state.workloads[workload] ?? {};
  if (own?.intent !== intent) return false;
  const { kill = 0, start = 0 } = own.byContainer[container] ?? {};
  return kill > 0 && start === 0;
}

const SHADOW = 'Sentinel runs in Shadow mode';

/** What people say of a workload now that keeps Sentinel from ending what it once began there. */
export function handsOff(world: World, key: WorkloadKey): string | undefined {
  if (world.shadowAll) return SHADOW;
  const view = world.views.get(key);
  if (view !== undefined && isLabelPaused(view)) return `${key} is paused by its label`;
  const governing = world.governing(key);
  if (governing.kind === 'conflict') return `several policies tie for ${key}`;
  if (governing.kind === 'none') {
    // Between two containers there is nothing that a policy could select.
    if (view?.container !== undefined) return `no policy governs ${key} any more`;
    return sentinelPaused(world, '', key)?.message;
  }
  const { name, spec } = governing.policy;
  const { mode } = spec.remediation;
  if (mode === 'Off' || mode === 'Shadow') return `policy ${name} is in mode ${mode}`;
  return sentinelPaused(world, name, key)?.message;
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
