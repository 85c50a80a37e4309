/**
 * What expressions may read of one workload, at one instant. An absent field was not measured, is
 * not limited or does not exist: an expression that needs it has no value. Counts and bytes are
 * whole numbers, ratios and rates are not.
 */
export interface CelFacts {
  readonly memory?: {
    /** Share of the limit that cannot be reclaimed; absent without a limit. */
    readonly utilization?: number;
    /** Bytes, as `docker stats` shows them. */
    readonly workingSet?: number;
  };
  readonly cpu?: { readonly utilization?: number; readonly throttled?: number };
  readonly pids?: { readonly utilization?: number };
  /** Bytes per second. */
  readonly network?: { readonly rx?: number; readonly tx?: number };
  /** Bytes per second. */
  readonly blkio?: { readonly read?: number; readonly write?: number };
  /** Docker's health status; absent without a HEALTHCHECK. */
  readonly health?: string;
  /** Docker's `State.Status`. */
  readonly state?: string;
  /** Of the last exit; absent while nothing has exited. */
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  readonly container: CelContainerFacts;
  /** Starts after an exit that neither Sentinel nor a person caused. */
  restarts(windowMs: number): number | undefined;
  /** Lines per second over the window. */
  logRate(windowMs: number): number | undefined;
  /** Lines within the window that match the RE2 pattern. */
  logMatches(pattern: string, windowMs: number): number | undefined;
  /** Lines within the window that report an error. */
  logErrors(windowMs: number): number | undefined;
}

/** Limits are absent where there is none. */
export interface CelContainerFacts {
  /** Bytes. */
  readonly memoryLimit?: number;
  /** Bytes, memory and swap together. */
  readonly memorySwapLimit?: number;
  /** CPUs: 0.5 is half of one. */
  readonly cpuLimit?: number;
  readonly pidsLimit?: number;
  readonly name: string;
  readonly image: string;
  /** Compose project and service. */
  readonly project?: string;
  readonly service?: string;
  readonly labels: Readonly<Record<string, string>>;
}

type FactType = 'int' | 'double' | 'string' | 'map<string, string>';

/** The facts that are grouped under a name, with their CEL types. */
export const FACT_GROUPS = {
  memory: { utilization: 'double', workingSet: 'int' },
  cpu: { utilization: 'double', throttled: 'double' },
  pids: { utilization: 'double' },
  network: { rx: 'double', tx: 'double' },
  blkio: { read: 'double', write: 'double' },
  container: {
    memoryLimit: 'int',
    memorySwapLimit: 'int',
    cpuLimit: 'double',
    pidsLimit: 'int',
    name: 'string',
    image: 'string',
    project: 'string',
    service: 'string',
    labels: 'map<string, string>',
  },
} as const satisfies Record<string, Record<string, FactType>>;

export const FACT_SCALARS = {
  health: 'string',
  state: 'string',
  exitCode: 'int',
  oomKilled: 'bool',
} as const;

export type FactGroup = keyof typeof FACT_GROUPS;
/** Groups that come from the stats of a container: reading one means that stats are collected. */
export const STATS_GROUPS: ReadonlySet<string> = new Set([
  'memory',
  'cpu',
  'pids',
  'network',
  'blkio',
]);

/**
 * The context for an evaluation: only the names that are read, ints as BigInt, absent facts left
 * out. A number that is not finite, or an int that is not whole, counts as absent.
 */
export function celContext(facts: CelFacts, names: ReadonlySet<string>): Record<string, unknown> {
  const context: Record<string, unknown> = {};
  for (const name of names) {
    const value = isGroup(name) ? groupOf(facts, name) : scalarOf(facts, name);
    if (value !== undefined) context[name] = value;
  }
  return context;
}

function isGroup(name: string): name is FactGroup {
  return Object.hasOwn(FACT_GROUPS, name);
}

function groupOf(facts: CelFacts, name: FactGroup): Record<string, unknown> {
  const given: Readonly<Record<string, unknown>> = { ...facts[name] };
  const group: Record<string, unknown> = {};
  for (const [field, type] of Object.entries(FACT_GROUPS[name])) {
    const value = toCel(given[field], type);
    if (value !== undefined) group[field] = value;
  }
  return group;
}

function scalarOf(facts: CelFacts, name: string): unknown {
  if (name === 'exitCode') return toCel(facts.exitCode, 'int');
  if (name === 'health' || name === 'state' || name === 'oomKilled') return facts[name];
  return undefined;
}

function toCel(value: unknown, type: FactType): unknown {
  if (value === undefined) return undefined;
  // A Map: label names such as `constructor` must not meet a prototype.
  if (type === 'map<string, string>') return new Map(Object.entries(value as object));
  if (type === 'string') return value;
  return typeof value === 'number' ? toCelNumber(value, type) : undefined;
}

/** @returns `undefined` for a number that the type cannot hold */
export function toCelNumber(
  value: number | undefined,
  type: 'int' | 'double',
): number | bigint | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  if (type === 'double') return value;
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}
