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
  /** Share of the others that must be well; none unless given. */
  readonly minHealthy?: number;
  /** More incidents than so many within a minute hold every action for ten. */
  readonly stormAbove: number;
  /** What is watched beside health and exits. */
  readonly watches: readonly (keyof typeof WATCHES)[];
  readonly allowLogTriggered: boolean;
  /** Models are asked about incidents. */
  readonly models?: {
    /** They pick the first attempt. */
    readonly choose: boolean;
    readonly decisionTimeoutMs: number;
    /** Calls of tools that only read, for one incident. */
    readonly looks: number;
  };
}

const MINUTE_MS = 60_000;
const MEMORY_MAX = 2 ** 30;
const ALL = ['unhealthy', 'crash', 'down', 'oom'];

/** Thresholds that cost a poll or a stream for each workload, by name. */
const WATCHES = {
  memory: {
    signal: 'memory.utilization',
    above: 0.9,
    clearBelow: 0.8,
    for: '30s',
    severity: 'warning',
  },
  port: { signal: 'probe.tcp', probe: { port: 80, interval: '20s' }, severity: 'critical' },
  disk: { signal: 'disk.writable', path: '/data', severity: 'critical' },
  errors: { signal: 'log.errors', above: 5, window: '2m', severity: 'warning' },
  novel: { signal: 'log.anomaly', window: '5m', severity: 'warning' },
} as const;
/** Nothing is done about it: of what is unusual nobody can tell whether it is trouble. */
const ONLY_TOLD: ReadonlySet<string> = new Set(['novel']);
export const ERROR_WINDOW_MS = 2 * MINUTE_MS;

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
    ...(random.chance(0.3) ? { minHealthy: random.pick([0.3, 0.5, 1]) } : {}),
    stormAbove: random.pick([2, 5, 50]),
    watches: (['memory', 'port', 'disk', 'errors', 'novel'] as const).filter(() =>
      random.chance(0.2),
    ),
    allowLogTriggered: random.chance(0.5),
    ...(random.chance(0.4)
      ? {
          models: {
            choose: random.chance(0.7),
            decisionTimeoutMs: random.pick([1_000, 20_000, 2 * MINUTE_MS]),
            looks: random.pick([0, 0, 2]),
          },
        }
      : {}),
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
  const { mode, maxConcurrent, backoffMs, deniedHour, onFailure, minHealthy, watches } = plan;
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
        ...watches.map((name) => ({ name, ...WATCHES[name] })),
      ],
      remediation: {
        mode,
        allowed: plan.actions.map((action) => actionDocument(action, watches)),
        allowLogTriggered: plan.allowLogTriggered,
        backoff: { initial: `${backoffMs}ms`, max: '15m' },
        budget: {
          maxConcurrent,
          ...(minHealthy === undefined ? {} : { minHealthy: `${minHealthy * 100}%` }),
        },
        storm: { above: plan.stormAbove },
        verify: { within: '90s', healthyFor: '15s', onFailure },
        windows: { deny: deniedHour === undefined ? [] : [`0 ${deniedHour} * * * / 1h UTC`] },
      },
      ...modelDocument(plan),
    },
  };
}

function modelDocument({ models }: PolicyPlan): object {
  if (models === undefined) return {};
  const { choose, decisionTimeoutMs, looks } = models;
  const routes = ['simulated/model'];
  return {
    modelRouting: {
      triage: routes,
      rootCause: routes,
      explain: routes,
      choose: choose ? 'Model' : 'Ladder',
      decisionTimeout: `${decisionTimeoutMs}ms`,
    },
    diagnosis: {
      investigate: { tools: ['docker/get_logs', 'docker/health_check'], maxSteps: looks },
    },
  };
}

function actionDocument(action: ActionPlan, watches: readonly string[]): object {
  const memory = { $expr: 'least(container.memoryLimit * 2, quantity("1Gi"))' };
  return {
    name: action.name,
    tool: action.tool,
    on: action.on === ALL ? [...ALL, ...watches.filter((name) => !ONLY_TOLD.has(name))] : action.on,
    arguments: action.arguments === 'memory' ? { memory } : action.arguments,
    cooldown: `${action.cooldownMs}ms`,
    limit: { max: action.limit.max, per: `${action.limit.perMs}ms` },
    approval: action.needsApproval ? 'Required' : 'NotRequired',
  };
}
