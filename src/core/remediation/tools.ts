import { z } from 'zod';
import type { ContainerState, ObservedContainer } from '#core/workload/container.ts';
import type { EventAction } from '#core/workload/event.ts';
import { ENGINE_CALL_DEADLINE_MS, startingDeadlineMs, stopDeadlineMs } from './deadlines.ts';
import { type BuiltinToolName, isBuiltinToolName, TOOL_ARGUMENTS } from './tool-arguments.ts';

export type { BuiltinToolName } from './tool-arguments.ts';

/** The server whose tools are built in. No configured server may take its name. */
export const BUILTIN_SERVER = 'docker';

/** The tool whose arguments the gate weighs against the present limits, and that is undone by values. */
export const UPDATE_RESOURCES = `${BUILTIN_SERVER}/update_resources`;

/** One call to the Docker Engine API that a tool needs, for the filter of a socket proxy. */
export interface DockerPath {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A regular expression over the path, to be anchored at both ends. */
  readonly path: string;
}

/** Action of an event → most often that one call can cause it. */
export type EventAllowance = Readonly<Partial<Record<EventAction, number>>>;

/** What a policy's author, the gate and the caller need to know of a tool, whoever offers it. */
export interface ToolDescription {
  /** `server/tool`, as policies name it. */
  readonly name: string;
  readonly builtin: boolean;
  /** One sentence for people; never part of a prompt. Empty for tools of other servers. */
  readonly summary: string;
  readonly readOnly: boolean;
  /** Whether Sentinel can undo it: previous values are returned, or the old container is kept. */
  readonly reversible: boolean;
  /** It can change what runs, so `tools.enable` must name it too. */
  readonly needsEnable: boolean;
  /** It makes and sets aside containers: `recover` and `settle` apply. */
  readonly multiStep: boolean;
  /** Those who share the target's network, pid or ipc namespace are cut off by it. */
  readonly cutsSharers: boolean;
  readonly dockerPaths: readonly DockerPath[];
  /** Events that a call causes on its target: one more than that is somebody else's. */
  readonly events: EventAllowance;
  /** The state that it leaves its target in, where that is not running: what verification looks for. */
  readonly leaves?: ContainerState;
  /** Events that it causes on each further container of the call. */
  readonly sharerEvents: EventAllowance;
  /** JSON Schema of what a policy may give; the bound part is not in it. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /**
   * Problems with arguments from a policy, for people; empty when there are none.
   *
   * @param dynamic names whose values are not known yet (an expression, a secret): not complained of
   */
  validate(args: unknown, dynamic?: readonly string[]): readonly string[];
  /** How long a call may take, in milliseconds. */
  timeoutMs(args: unknown, targets: readonly ToolTarget[]): number;
}

/** What the duration of a call depends on. */
export type ToolTarget = Pick<ObservedContainer, 'stopTimeoutSeconds' | 'health'>;

const ID = '/containers/[^/]+';
const INSPECT: DockerPath = { method: 'GET', path: `${ID}/json` };
const RESTART: DockerPath = { method: 'POST', path: `${ID}/restart` };
const RECREATE_PATHS: readonly DockerPath[] = [
  INSPECT,
  { method: 'GET', path: '/containers/json' },
  { method: 'GET', path: '/images/[^/]+(/.*)?/json' },
  { method: 'POST', path: '/containers/create' },
  { method: 'POST', path: `${ID}/(start|stop|restart|rename|update)` },
  { method: 'DELETE', path: ID },
  { method: 'POST', path: '/networks/[^/]+/(connect|disconnect)' },
];

/** Docker stops with its signal, then with SIGKILL when the grace is over. */
const STOP_EVENTS = { kill: 2, die: 1, stop: 1 } as const satisfies EventAllowance;
const RESTART_EVENTS: EventAllowance = { ...STOP_EVENTS, start: 1, restart: 1 };
/** The way there, and the way back when the new container does not come up; old or new. */
const REPLACED_EVENTS: EventAllowance = {
  ...STOP_EVENTS,
  create: 1,
  start: 1,
  rename: 2,
  update: 2,
  destroy: 1,
};

interface Traits {
  readonly leaves?: ContainerState;
  readonly readOnly?: boolean;
  readonly reversible?: boolean;
  readonly needsEnable?: boolean;
  readonly multiStep?: boolean;
  readonly cutsSharers?: boolean;
  readonly dockerPaths: readonly DockerPath[];
  readonly events?: EventAllowance;
  readonly sharerEvents?: EventAllowance;
}

function reads(...dockerPaths: DockerPath[]): Traits {
  return { readOnly: true, dockerPaths };
}

function actsBy(operation: string, events: EventAllowance, more: Partial<Traits> = {}): Traits {
  const path: DockerPath = { method: 'POST', path: `${ID}/${operation}` };
  const dockerPaths = more.sharerEvents === undefined ? [INSPECT, path] : [INSPECT, path, RESTART];
  return { dockerPaths: dockerPaths.filter(unique), events, ...more };
}

function unique(path: DockerPath, index: number, all: readonly DockerPath[]): boolean {
  return (
    all.findIndex((other) => other.method === path.method && other.path === path.path) === index
  );
}

const RESTARTS_SHARERS = { cutsSharers: true, sharerEvents: RESTART_EVENTS } as const;
const REPLACES: Traits = {
  reversible: true,
  needsEnable: true,
  multiStep: true,
  cutsSharers: true,
  dockerPaths: RECREATE_PATHS,
  events: REPLACED_EVENTS,
  // One that was not reached yet is restarted when its owner comes back.
  sharerEvents: { ...REPLACED_EVENTS, restart: 1 },
};

const TRAITS: Readonly<Record<BuiltinToolName, Traits>> = {
  list_containers: reads({ method: 'GET', path: '/containers/json' }),
  health_check: reads(INSPECT),
  get_logs: reads(INSPECT, { method: 'GET', path: `${ID}/logs` }),
  get_stats: reads(INSPECT, { method: 'GET', path: `${ID}/stats` }),
  inspect_container: reads(INSPECT),
  restart_container: actsBy('restart', RESTART_EVENTS, RESTARTS_SHARERS),
  start_container: actsBy('start', { start: 1 }, RESTARTS_SHARERS),
  // Nothing is done to the sharers of a stopped container: there is nothing to join again.
  stop_container: actsBy('stop', STOP_EVENTS, { cutsSharers: true, leaves: 'exited' }),
  pause_container: actsBy('pause', { pause: 1 }, { leaves: 'paused' }),
  unpause_container: actsBy('unpause', { unpause: 1 }),
  kill_container: actsBy('kill', { kill: 1, die: 1 }, RESTARTS_SHARERS),
  update_resources: actsBy('update', { update: 1 }, { reversible: true }),
  exec_command: {
    needsEnable: true,
    dockerPaths: [
      INSPECT,
      { method: 'POST', path: `${ID}/exec` },
      { method: 'POST', path: '/exec/[^/]+/start' },
      { method: 'GET', path: '/exec/[^/]+/json' },
    ],
  },
  update_env_vars: REPLACES,
  recreate_container: REPLACES,
  rollback_image: {
    ...REPLACES,
    dockerPaths: [...RECREATE_PATHS, { method: 'GET', path: '/images/json' }],
  },
};

const SUMMARIES: Readonly<Record<BuiltinToolName, string>> = {
  list_containers: 'Lists all containers with their state and health.',
  health_check: 'Reads state, exit code and health of one container.',
  get_logs: 'Reads the newest log lines of one container.',
  get_stats: 'Reads resource counters and limits of one container.',
  inspect_container: 'Reads one container’s configuration, without labels or values of variables.',
  restart_container: 'Restarts the target, then those who share its namespaces.',
  start_container: 'Starts the target, then restarts those who share its namespaces.',
  stop_container: 'Stops the target. Its restart policy does not start it again.',
  pause_container: 'Freezes all processes of the target.',
  unpause_container: 'Lets a paused target go on.',
  kill_container: 'Sends a signal to the target’s first process; SIGKILL unless told otherwise.',
  update_resources: 'Sets memory (with swap), CPU or pids limits; returns the previous ones.',
  exec_command: 'Runs a command inside the target, without a shell.',
  update_env_vars: 'Replaces the target by one with other variables; the old one is kept aside.',
  recreate_container: 'Replaces the target by a new one of the same configuration.',
  rollback_image: 'Replaces the target by one of an earlier image that the host still has.',
};

function describe(tool: BuiltinToolName): ToolDescription {
  const schema: z.ZodType = TOOL_ARGUMENTS[tool];
  const traits = TRAITS[tool];
  return {
    name: `${BUILTIN_SERVER}/${tool}`,
    builtin: true,
    summary: SUMMARIES[tool],
    ...(traits.leaves === undefined ? {} : { leaves: traits.leaves }),
    readOnly: traits.readOnly ?? false,
    reversible: traits.reversible ?? false,
    needsEnable: traits.needsEnable ?? false,
    multiStep: traits.multiStep ?? false,
    cutsSharers: traits.cutsSharers ?? false,
    dockerPaths: traits.dockerPaths,
    events: traits.events ?? {},
    sharerEvents: traits.sharerEvents ?? {},
    inputSchema: z.toJSONSchema(schema, { io: 'input' }),
    validate: (args, dynamic = []) => problems(schema, args, dynamic),
    timeoutMs: (args, targets) => callTimeoutMs(tool, args, targets),
  };
}

function problems(schema: z.ZodType, args: unknown, dynamic: readonly string[]): string[] {
  const known = withoutDynamic(args, dynamic);
  const result = schema.safeParse(known);
  if (result.success) return [];
  return (
    result.error.issues
      .filter(({ path }) => !dynamic.includes(String(path[0])))
      // "At least one of" cannot be judged while a value is still to come.
      .filter(({ path }) => dynamic.length === 0 || path.length > 0)
      .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
      .concat(unknownNames(schema, args, dynamic))
  );
}

function withoutDynamic(args: unknown, dynamic: readonly string[]): unknown {
  if (typeof args !== 'object' || args === null || dynamic.length === 0) return args;
  return Object.fromEntries(Object.entries(args).filter(([name]) => !dynamic.includes(name)));
}

/** A dynamic value was taken out before parsing; its name must exist all the same. */
function unknownNames(schema: z.ZodType, args: unknown, dynamic: readonly string[]): string[] {
  if (!(schema instanceof z.ZodObject) || typeof args !== 'object' || args === null) return [];
  return dynamic
    .filter((name) => Object.hasOwn(args, name) && !Object.hasOwn(schema.shape, name))
    .map((name) => `Unrecognized key: "${name}"`);
}

/**
 * The time that a call may need on these containers: each stop has its grace, each start its
 * HEALTHCHECK, one after the other, and each step the engine's margin.
 */
function callTimeoutMs(
  tool: BuiltinToolName,
  args: unknown,
  targets: readonly ToolTarget[],
): number {
  const seconds = timeoutSecondsOf(args);
  if (tool === 'exec_command') return (seconds ?? 30) * 1_000 + ENGINE_CALL_DEADLINE_MS;
  if (TRAITS[tool].multiStep === true) {
    return sum(
      targets,
      (it) => 2 * (stopDeadlineMs(it, undefined) + startingDeadlineMs(it.health)),
    );
  }
  const [target, ...sharers] = targets;
  const own = stopsTarget(tool) ? stopDeadlineMs(target ?? {}, seconds) : ENGINE_CALL_DEADLINE_MS;
  if (sharers.length === 0 || TRAITS[tool].sharerEvents === undefined) return own;
  return (
    own + startingDeadlineMs(target?.health) + sum(sharers, (it) => stopDeadlineMs(it, undefined))
  );
}

function stopsTarget(tool: BuiltinToolName): boolean {
  return tool === 'restart_container' || tool === 'stop_container';
}

function timeoutSecondsOf(args: unknown): number | undefined {
  const given = z.looseObject({ timeoutSeconds: z.number().optional() }).safeParse(args);
  return given.success ? given.data.timeoutSeconds : undefined;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Every built-in tool, by its name without the server. */
export const BUILTIN_TOOLS: Readonly<Record<BuiltinToolName, ToolDescription>> = Object.fromEntries(
  Object.keys(TOOL_ARGUMENTS)
    .filter(isBuiltinToolName)
    .map((tool) => [tool, describe(tool)]),
) as Record<BuiltinToolName, ToolDescription>;

/** `docker/restart_container`, … */
export const BUILTIN_TOOL_NAMES: readonly string[] = Object.values(BUILTIN_TOOLS).map(
  ({ name }) => name,
);

/** @param name `server/tool` */
export function builtinTool(name: string): ToolDescription | undefined {
  const [server, tool] = splitToolName(name);
  return server === BUILTIN_SERVER && isBuiltinToolName(tool) ? BUILTIN_TOOLS[tool] : undefined;
}

/** `server/tool` into its halves; a name without a slash has no tool. */
export function splitToolName(name: string): [server: string, tool: string] {
  const slash = name.indexOf('/');
  return slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
}
