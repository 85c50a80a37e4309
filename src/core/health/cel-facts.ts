import type { CelFacts } from '#core/policy/cel.ts';
import type { GaugeName } from '#core/policy/signals.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { JudgeInput } from './judge-input.ts';

/** What a policy's expressions may read of a workload now. What is not known is absent. */
export function celFactsOf(
  input: Pick<JudgeInput, 'nowMs' | 'view' | 'history' | 'cutMs'>,
): CelFacts {
  const { view, history, nowMs, cutMs = Number.NEGATIVE_INFINITY } = input;
  const { container, logs } = view;
  const running = container?.state === 'running';
  const gauge = <Key extends string>(key: Key, name: GaugeName) => {
    const reading = running ? view.gauges[name] : undefined;
    return reading?.kind === 'Value' ? ({ [key]: reading.value } as Record<Key, number>) : {};
  };
  const since = (windowMs: number) => Math.max(nowMs - windowMs, cutMs);
  // An expression may ask whether there were few lines, which takes having seen them all.
  const covering = (windowMs: number) =>
    logs !== undefined && since(windowMs) >= logs.coveredSinceMs ? logs : undefined;

  return {
    memory: {
      ...gauge('utilization', 'memory.utilization'),
      ...gauge('workingSet', 'memory.workingSet'),
    },
    cpu: { ...gauge('utilization', 'cpu.utilization'), ...gauge('throttled', 'cpu.throttled') },
    pids: gauge('utilization', 'pids.utilization'),
    network: { ...gauge('rx', 'network.rx'), ...gauge('tx', 'network.tx') },
    blkio: { ...gauge('read', 'blkio.read'), ...gauge('write', 'blkio.write') },
    ...(container?.health === undefined ? {} : { health: container.health.status }),
    ...(container === undefined ? {} : { state: container.state, oomKilled: container.oomKilled }),
    ...(history.exit === undefined ? {} : { exitCode: history.exit.exitCode }),
    container: containerFacts(view),
    restarts: (windowMs) =>
      history.starts.filter(({ afterCrash, atMs }) => afterCrash && atMs > since(windowMs)).length,
    logRate: (windowMs) => covering(windowMs)?.rate(since(windowMs)),
    logMatches: (pattern, windowMs) => covering(windowMs)?.matches(pattern, since(windowMs)),
    logErrors: (windowMs) => covering(windowMs)?.errors(since(windowMs)),
  };
}

function containerFacts({ container, identity }: WorkloadView): CelFacts['container'] {
  const { memoryBytes, memorySwapBytes, nanoCpus, pids } = container?.limits ?? {};
  const { project, service } = identity;
  return {
    ...present({
      memoryLimit: memoryBytes,
      memorySwapLimit: memorySwapBytes,
      cpuLimit: nanoCpus === undefined ? undefined : nanoCpus / 1e9,
      pidsLimit: pids,
    }),
    ...present({ project, service }),
    name: container?.name ?? identity.name,
    image: container?.image ?? '',
    labels: container?.labels ?? {},
  };
}

/** Without the fields that have no value: an absent fact is not a fact that is `undefined`. */
function present<Value>(
  fields: Readonly<Record<string, Value | undefined>>,
): Record<string, Value> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, Value>;
}
