import { composeDependencies, dependenciesOf } from '#core/remediation/affects.ts';
import type { World } from '#core/remediation/world.ts';
import { LABEL, type ObservedContainer } from '#core/workload/container.ts';
import { identityOf, keyOf, type WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { FailingDependency } from './facts.ts';

const COMPLETED = 'service_completed_successfully';
/** A graph of Compose is small; a hostile label may name anything. */
const NODES_MAX = 256;

interface Node {
  readonly key: WorkloadKey;
  readonly by: readonly WorkloadKey[];
  readonly state?: string;
  readonly isHealthy: boolean;
  readonly behindHealthy: boolean;
}

type Graph = Pick<World, 'views' | 'workloadOf'>;

/**
 * The deepest of the workloads that this one leans on, directly or by way of others, and that do not
 * work: what has to be mended first. Owners of its namespaces count, each workload once, so cycles end.
 */
export function deepestFailing(world: Graph, view: WorkloadView): FailingDependency | undefined {
  const seen = new Set<WorkloadKey>([view.key]);
  const nodes: Node[] = [];
  let layer = childrenOf(world, view, { by: [], behindHealthy: false }, seen);
  while (layer.length > 0 && nodes.length < NODES_MAX) {
    nodes.push(...layer);
    layer = layer.flatMap((node) => {
      const next = world.views.get(node.key);
      const by = [...node.by, node.key];
      const behindHealthy = node.behindHealthy || node.isHealthy;
      return next === undefined ? [] : childrenOf(world, next, { by, behindHealthy }, seen);
    });
  }
  // Of equals the one that comes first; one behind a workload that says it is well only without another.
  const failing = nodes.filter(({ state }) => state !== undefined);
  const near = failing.filter(({ behindHealthy }) => !behindHealthy);
  const deepest = (near.length > 0 ? near : failing).reduce<Node | undefined>(
    (best, node) => (best === undefined || node.by.length > best.by.length ? node : best),
    undefined,
  );
  if (deepest?.state === undefined) return undefined;
  const { key, by, state, behindHealthy } = deepest;
  return { name: key, by, state, behindHealthy };
}

function childrenOf(
  world: Graph,
  view: WorkloadView,
  way: Pick<Node, 'by' | 'behindHealthy'>,
  seen: Set<WorkloadKey>,
): Node[] {
  const present = dependenciesOf(world, view).map(({ key, condition }) => {
    const other = world.views.get(key);
    return { key, ...judged(other, condition), ...way };
  });
  return [...present, ...missing(world, view, way)].filter(({ key }) => {
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function judged(
  view: WorkloadView | undefined,
  condition: string,
): Pick<Node, 'state' | 'isHealthy'> {
  const { container, ambiguous = [] } = view ?? {};
  // Several containers of one key, in the middle of a recreation: nobody knows which counts.
  if (container === undefined && ambiguous.length > 0) return { isHealthy: false };
  if (container === undefined) return { state: 'missing', isHealthy: false };
  if (condition === COMPLETED) return judgedOneShot(container);
  if (container.state !== 'running') return { state: container.state, isHealthy: false };
  const status = container.health?.status;
  return status === 'unhealthy'
    ? { state: status, isHealthy: false }
    : { isHealthy: status === 'healthy' };
}

/** What has to end, with success: only another end is a failure. */
function judgedOneShot({ state, exitCode }: ObservedContainer): Pick<Node, 'state' | 'isHealthy'> {
  if (state !== 'exited') return { isHealthy: false };
  return exitCode === 0
    ? { isHealthy: true }
    : { state: `exited with code ${exitCode}`, isHealthy: false };
}

/** Services that its label names and that have no container at all. */
function missing({ views }: Graph, view: WorkloadView, way: Pick<Node, 'by' | 'behindHealthy'>) {
  const { container, identity } = view;
  const { project, host } = identity;
  if (container === undefined || project === undefined) return [];
  const present = new Set(
    [...views.values()]
      .filter((other) => other.identity.project === project)
      .map((other) => other.identity.service),
  );
  return composeDependencies(container.labels[LABEL.composeDependsOn])
    .filter(({ service, condition }) => condition !== COMPLETED && !present.has(service))
    .map(({ service }) => {
      const labels = {
        [LABEL.composeProject]: project,
        [LABEL.composeService]: service,
        [LABEL.composeNumber]: '1',
      };
      const key = keyOf(identityOf(host, { name: service, labels }));
      return { key, state: 'missing', isHealthy: false, ...way };
    });
}
