import type { CompiledPolicy } from '#core/policy/compile.ts';
import { LABEL } from '#core/workload/container.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { humanAction } from './guards-people.ts';
import type { World } from './world.ts';

export type Health = 'Healthy' | 'Unhealthy' | 'NotCounted';

/**
 * How a workload counts towards `minHealthy`. Healthy: running, past its start period, no open
 * critical incident, and `healthy` if it has a HEALTHCHECK. What a person stopped or paused, and
 * what Sentinel cannot act on anyway, is not counted; what a person restarted is, as it is; what is
 * expected and absent is unhealthy.
 */
export function isHealthy(world: World, policy: CompiledPolicy, view: WorkloadView): Health {
  const { container, runningSinceMs } = view;
  const history = world.state.workloads[view.key];
  const { startPeriod } = policy.spec;
  if (container?.labels[LABEL.swarmTask] !== undefined) return 'NotCounted';
  const isHeld =
    history !== undefined && humanAction(world, view, history, startPeriod) !== undefined;
  if (container?.state !== 'running' || runningSinceMs === undefined) {
    return isHeld ? 'NotCounted' : 'Unhealthy';
  }
  if (runningSinceMs + startPeriod > world.nowMs) return 'Unhealthy';
  const { health = { status: 'healthy' } } = container;
  return health.status === 'healthy' && !hasCritical(world, view) ? 'Healthy' : 'Unhealthy';
}

function hasCritical({ state }: World, { key }: WorkloadView): boolean {
  return state.incidents[state.openByWorkload[key] ?? '']?.severity === 'critical';
}
