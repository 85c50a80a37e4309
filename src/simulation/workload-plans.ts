import type { ContainerSpec, ProcessPlan, RunFacts } from '#adapters/memory/memory-container.ts';
import { LABEL } from '#core/workload/container.ts';
import type { Random } from './random.ts';

/** What ends the trouble of such a workload. */
export type Cure = 'restart' | 'memory' | 'none';

/** A container of the simulated host, and what Sentinel should come to with it. */
export interface WorkloadPlan {
  readonly spec: ContainerSpec;
  readonly cure: Cure;
  /** It is Sentinel's own: nothing may ever be done to it. */
  readonly isOwn?: boolean;
}

const PROJECT = 'shop';
export const COMPOSE_PROJECT = LABEL.composeProject;
const MIB = 2 ** 20;
const CHECK = { intervalMs: 5_000, timeoutMs: 2_000, retries: 3, startPeriodMs: 0 };
/** What a process holds as long as nothing leaks. */
const CALM_BYTES = 40 * MIB;
const RESTART_POLICIES = ['no', 'no', 'always', 'unless-stopped', 'on-failure'] as const;

/** Sentinel's own Redis first, then as many workloads as asked, of every kind. */
export function planWorkloads(random: Random, count: number): WorkloadPlan[] {
  const plans = Array.from({ length: count }, (_, index) => planWorkload(random, index, count));
  return [{ spec: { name: 'sentinel-redis', health: CHECK }, cure: 'none', isOwn: true }, ...plans];
}

function planWorkload(random: Random, index: number, count: number): WorkloadPlan {
  const kind = random.weighted([
    { weight: 4, make: service },
    { weight: 2, make: leaker },
    { weight: 2, make: incurable },
    { weight: 1, make: stubborn },
    { weight: 1, make: short },
    { weight: 1, make: pausedByLabel },
  ]);
  const plan = equipped(random, kind.make(random, `w${index}`), index);
  return index > 0 && random.chance(0.2)
    ? sharing(plan, `w${random.int(0, Math.min(index, count) - 1)}`)
    : plan;
}

/** It has an address where it may be probed, uses memory, and may depend on one before it. */
function equipped(random: Random, { spec, ...rest }: WorkloadPlan, index: number): WorkloadPlan {
  const { plan = {}, labels = {}, limits } = spec;
  const depends = index > 0 && labels[LABEL.composeProject] === PROJECT && random.chance(0.3);
  const condition = random.pick(['service_started', 'service_healthy']);
  const dependency = `w${random.int(0, Math.max(0, index - 1))}:${condition}:${random.chance(0.5)}`;
  return {
    ...rest,
    spec: {
      ...spec,
      networks: { app: { address: addressOf(index) } },
      labels: depends ? { ...labels, [LABEL.composeDependsOn]: dependency } : labels,
      limits: limits ?? (random.chance(0.5) ? { memoryBytes: 256 * MIB } : {}),
      plan: (facts) => ({
        usage: () => usageOf(CALM_BYTES),
        ...(typeof plan === 'function' ? plan(facts) : plan),
      }),
    },
  };
}

/** Counters of a process that holds so much memory. */
export function usageOf(usageBytes: number): ReturnType<NonNullable<ProcessPlan['usage']>> {
  return { memory: { usageBytes, inactiveFileBytes: 0, activeFileBytes: 0 } };
}

/** A restart cures it of everything. */
function service(random: Random, name: string): WorkloadPlan {
  return { spec: basics(random, name), cure: 'restart' };
}

/** Is killed for want of memory, the later the more it has. */
function leaker(random: Random, name: string): WorkloadPlan {
  const needsBytes = random.int(150, 500) * MIB;
  const plan = ({ limits }: RunFacts): ProcessPlan => {
    const { memoryBytes = 0 } = limits;
    if (memoryBytes >= needsBytes) return {};
    return { exit: { afterMs: 60_000 + memoryBytes / 1_000, code: 137, oom: true } };
  };
  const limits = { memoryBytes: 128 * MIB, memorySwapBytes: 256 * MIB };
  return { spec: { ...basics(random, name), plan, limits }, cure: 'memory' };
}

/** Whatever is done, it is soon ill or gone again. */
function incurable(random: Random, name: string): WorkloadPlan {
  const plan = random.pick<ProcessPlan>([
    { health: 'unhealthy' },
    { exit: { afterMs: random.int(500, 60_000), code: 1 } },
    { startError: 'exec: "serve": executable file not found in $PATH' },
  ]);
  const spec = basics(random, name);
  return { spec: { ...spec, plan: ({ run }) => (run === 1 ? {} : plan) }, cure: 'none' };
}

/** Ends only by SIGKILL, so a stop takes as long as it may. */
function stubborn(random: Random, name: string): WorkloadPlan {
  const spec = { ...basics(random, name), plan: { ignoresTerm: true } };
  return { spec, cure: 'restart' };
}

/** A container that is removed with its end. */
function short(random: Random, name: string): WorkloadPlan {
  const { restartPolicy: _, ...spec } = basics(random, name);
  return { spec: { ...spec, autoRemove: true }, cure: 'none' };
}

function pausedByLabel(random: Random, name: string): WorkloadPlan {
  const spec = basics(random, name);
  return { spec: { ...spec, labels: { ...spec.labels, [LABEL.pause]: 'true' } }, cure: 'none' };
}

/** Lives in another's network: cut off with it, restarted after it. */
function sharing(plan: WorkloadPlan, owner: string): WorkloadPlan {
  const { networks: _, ...spec } = plan.spec;
  return { ...plan, spec: { ...spec, shares: [{ kind: 'network', owner }] } };
}

function addressOf(index: number): string {
  return `10.0.${Math.floor(index / 200)}.${(index % 200) + 2}`;
}

function basics(random: Random, name: string): ContainerSpec {
  const service = {
    [LABEL.composeProject]: PROJECT,
    [LABEL.composeService]: name,
    [LABEL.composeNumber]: '1',
    [LABEL.composeConfigHash]: 'a',
  };
  return {
    name,
    labels: random.chance(0.6) ? service : {},
    ...(random.chance(0.8) ? { health: { ...CHECK, retries: random.int(1, 3) } } : {}),
    restartPolicy: { name: random.pick(RESTART_POLICIES), maximumRetryCount: 0 },
  };
}
