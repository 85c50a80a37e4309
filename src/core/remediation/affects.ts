import { LABEL } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { ToolDescription } from './tools.ts';
import type { World } from './world.ts';

export interface ComposeDependency {
  readonly service: string;
  /** `service_started`, `service_healthy` or `service_completed_successfully`. */
  readonly condition: string;
  /** Compose restarts the dependent when it restarts the dependency. */
  readonly restart: boolean;
}

/** `svc:service_healthy:false,…`, as Compose writes it; conditions and flags may be left out. */
export function composeDependencies(label: string | undefined): ComposeDependency[] {
  return (label ?? '')
    .split(',')
    .map((entry) => entry.trim().split(':'))
    .filter(([service]) => service !== undefined && service !== '')
    .map(([service = '', condition = 'service_started', restart = 'false']) => ({
      service,
      condition,
      restart: restart === 'true',
    }));
}

/**
 * The workloads that an action touches: its own first, then, in the order in which they must come
 * up again, each that it stops, restarts, recreates or cuts off: sharers of its namespaces, and
 * dependents that Compose says restart with it. A workload appears once, so cycles end.
 */
export function affectedBy(
  world: World,
  key: WorkloadKey,
  tool: ToolDescription | undefined,
): WorkloadKey[] {
  const affected: WorkloadKey[] = [key];
  if (tool?.cutsSharers !== true) return affected;
  for (const current of affected) {
    for (const [other, view] of world.views) {
      if (!affected.includes(other) && leansOn(world, view, current)) affected.push(other);
    }
  }
  return affected;
}

function leansOn(world: World, view: WorkloadView, key: WorkloadKey): boolean {
  const { container, identity } = view;
  if (container === undefined || container.state !== 'running') return false;
  if (container.shares.some(({ owner }) => world.workloadOf(owner) === key)) return true;

  const target = world.views.get(key)?.identity;
  if (target?.service === undefined || target.project !== identity.project) return false;
  return composeDependencies(container.labels[LABEL.composeDependsOn]).some(
    ({ service, restart }) => restart && service === target.service,
  );
}

/**
 * The workloads that this one cannot work without: owners of the namespaces that it shares, and its
 * Compose dependencies with what it waits for.
 */
export function dependenciesOf(
  world: Pick<World, 'views' | 'workloadOf'>,
  view: WorkloadView,
): { readonly key: WorkloadKey; readonly condition: string }[] {
  const { container, identity } = view;
  if (container === undefined) return [];
  const owners = container.shares
    .map(({ owner }) => world.workloadOf(owner))
    .filter((key) => key !== undefined)
    .map((key) => ({ key, condition: 'service_started' }));
  const wanted = composeDependencies(container.labels[LABEL.composeDependsOn]);
  if (wanted.length === 0 || identity.project === undefined) return owners;

  const services = [...world.views.values()]
    .filter((other) => other.identity.project === identity.project && other.key !== view.key)
    .flatMap((other) =>
      wanted
        .filter(({ service }) => service === other.identity.service)
        .map(({ condition }) => ({ key: other.key, condition })),
    );
  return [...owners, ...services];
}
