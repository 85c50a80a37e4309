import type { Random } from './random.ts';

/** One action of a policy, in the words of the oracle: the policy says the same in its own. */
export interface ActionPlan {
  readonly name: string;
  readonly tool: string;
  /** Arguments that the policy names; `memory` stands for its expression over the present limit. */
  readonly arguments: object | 'memory';
  readonly on: readonly string[];
  readonly cooldownMs: number;
  readonly limit: { readonly max: number; readonly perMs: number };
  readonly needsApproval: boolean;
}

/** What the oracle holds a run against. */
export interface PolicyPlan {
  readonly name: string;
  readonly priority: number;
  /** Names of workloads; all when empty. */
  readonly names: readonly string[];
  readonly mode: 'Auto' | 'Shadow' | 'Approve' | 'Off';
  readonly actions: readonly ActionPlan[];
  readonly maxConcurrent: number;
  readonly backoffMs: number;
  /** Hour of the day, UTC, in which nothing may be done. */
  readonly deniedHour?: number;
  readonly onFailure: 'Rollback' | 'Next' | 'Escalate';
  readonly startPeriodMs: number;
}

const MINUTE_MS = 60_000;
const MEMORY_MAX = 2 ** 30;
const ALL = ['unhealthy', 'crash', 'down', 'oom'];

const TOOLS: readonly Pick<ActionPlan, 'name' | 'tool' | 'arguments' | 'on'>[] = [
  { name: 'restart', tool: 'docker/restart_container', arguments: {}, on: ALL },
  { name: 'start', tool: 'docker/start_container', arguments: {}, on: ['crash', 'down', 'oom'] },
  { name: 'more-memory', tool: 'docker/update_resources', arguments: 'memory', on: ['oom'] },
  { name: 'recreate', tool: 'docker/recreate_container', arguments: {}, on: ALL },
  {
    name: 'signal',
    tool: 'docker/kill_container',
    arguments: { signal: 'SIGTERM' },
    on: ['unhealthy'],
  },
  { name: 'rest', tool: 'docker/stop_container', arguments: {}, on: ['unhealthy'] },
];

/** One policy for every workload; at times one above it for some of them. */
export function planPolicies(random: Random, workloads: readonly string[]): PolicyPlan[] {
  const all = planPolicy(random, 'all', 0, []);
  if (random.chance(0.5)) return [all];
  const some = workloads.filter(() => random.chance(0.4));
  if (some.length === 0) return [all];
  // Of one priority they tie, and nothing may be done.
  const priority = random.chance(0.1) ? 0 : 10;
  return [all, planPolicy(random, 'some', priority, some)];
}

function planPolicy(
  random: Random,
  name: string,
  priority: number,
  names: readonly string[],
): PolicyPlan {
  const [restart] = TOOLS;
  const further = TOOLS.slice(1).filter(() => random.chance(0.3));
  const mode = random.weighted([
    { weight: 14, mode: 'Auto' },
    { weight: 2, mode: 'Approve' },
    { weight: 1, mode: 'Shadow' },
    { weight: 1, mode: 'Off' },
  ] as const);
  return {
    name,
    priority,
    names,
    mode: mode.mode,
    actions: [...(restart === undefined ? [] : [restart]), ...further].map((tool) => ({
      ...tool,
      cooldownMs: random.pick([0, 10_000, 2 * MINUTE_MS, 10 * MINUTE_MS]),
      limit: { max: random.int(1, 5), perMs: random.pick([10, 60]) * MINUTE_MS },
      needsApproval: random.chance(0.05),
    })),
    maxConcurrent: random.int(1, 3),
    backoffMs: random.pick([1_000, 5_000, 30_000]),
    ...(random.chance(0.15) ? { deniedHour: random.int(0, 23) } : {}),
    onFailure: random.pick(['Rollback', 'Next', 'Next', 'Escalate']),
    startPeriodMs: random.pick([1_000, 30_000]),
  };
}

/** What the oracle's plan governs: the highest priority; nothing where two tie. */
export function governingPlan(
  plans: readonly PolicyPlan[],
  workload: string,
): PolicyPlan | undefined {
  const selecting = plans.filter(({ names }) => names.length === 0 || names.includes(workload));
  const highest = Math.max(...selecting.map(({ priority }) => priority));
  const [first, ...others] = selecting.filter(({ priority }) => priority === highest);
  return others.length > 0 ? undefined : first;
}

/** The value of the policy's memory expression. */
export function raisedMemory(limitBytes: number): number {
  return Math.min(limitBytes * 2, MEMORY_MAX);
}

/** The same as a SentinelPolicy document. */
export function policyDocument(plan: PolicyPlan): object {
  const { mode, maxConcurrent, backoffMs, deniedHour, onFailure } = plan;
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name: plan.name },
    spec: {
      priority: plan.priority,
      selector: { names: plan.names.length === 0 ? ['*'] : plan.names },
      startPeriod: `${plan.startPeriodMs}ms`,
      thresholds: [
        { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
        { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
        { name: 'down', signal: 'state', equals: 'exited', for: '5s', severity: 'critical' },
        { name: 'oom', signal: 'oomKilled', severity: 'critical' },
      ],
      remediation: {
        mode,
        allowed: plan.actions.map(actionDocument),
        backoff: { initial: `${backoffMs}ms`, max: '15m' },
        budget: { maxConcurrent },
        verify: { within: '90s', healthyFor: '15s', onFailure },
        windows: { deny: deniedHour === undefined ? [] : [`0 ${deniedHour} * * * / 1h UTC`] },
      },
    },
  };
}

function actionDocument(action: ActionPlan): object {
  const memory = { $expr: 'least(container.memoryLimit * 2, quantity("1Gi"))' };
  return {
    name: action.name,
    tool: action.tool,
    on: action.on,
    arguments: action.arguments === 'memory' ? { memory } : action.arguments,
    cooldown: `${action.cooldownMs}ms`,
    limit: { max: action.limit.max, per: `${action.limit.perMs}ms` },
    approval: action.needsApproval ? 'Required' : 'NotRequired',
  };
}
