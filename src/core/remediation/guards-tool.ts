import type { LedgerEntry } from '#core/journal/state.ts';
import type { CompiledAction, CompiledPolicy } from '#core/policy/compile.ts';
import type { Mode } from '#core/policy/schema.ts';
import { LABEL, type ResourceLimits } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { formatBytes, parseQuantity } from '#lib/quantity.ts';
import type { GuardContext, Guards, No } from './guard.ts';
import { deployedAtMs, humanAction, isLabelPaused, sentinelPaused } from './guards-people.ts';
import { inCooldown, inDeniedWindow, isShadow, limitReached } from './guards-rate.ts';
import { UPDATE_RESOURCES } from './tools.ts';
import type { World } from './world.ts';

const LAXNESS: Readonly<Record<Mode, number>> = { Off: 0, Shadow: 1, Approve: 2, Auto: 3 };

/** Guards on the tool, its arguments, and what else it touches. */
export const TOOL_GUARDS: Guards = {
  DependentNotPermitted(context) {
    for (const key of context.candidate.affects.slice(1)) {
      const no = dependentRefuses(context, key);
      if (no !== undefined) return { ...no, message: `it also touches ${key}: ${no.message}` };
    }
    return undefined;
  },

  ToolsNotReady({ world, candidate }) {
    const readiness = world.readiness(candidate.action.tool);
    if (readiness.ready || readiness.reason === 'ToolForbidden') return undefined;
    const message = `${readiness.reason}: ${readiness.message}`;
    if (readiness.reason !== 'ServerUnavailable') return { message };
    return { message, isPassing: true, recheckAtMs: world.nowMs + SERVER_RECHECK_MS };
  },

  NoChange(context) {
    return noChange(context);
  },

  ArgumentsInvalid({ world, candidate, view }) {
    const args = candidate.arguments;
    if (!args.ok) return { message: args.reason };
    const missing = world.missingSecret(args.arguments);
    if (missing !== undefined) return { message: `secret ${missing} is not set` };
    if (candidate.action.tool !== UPDATE_RESOURCES) return undefined;
    const lowered = changes(args.arguments, view.container?.limits ?? {}).find(
      ({ wanted, current }) => current === undefined || wanted < current,
    );
    if (lowered === undefined) return undefined;
    const now = lowered.current === undefined ? 'unlimited' : lowered.show(lowered.current);
    return {
      message: `it would lower ${lowered.what} from ${now} to ${lowered.show(lowered.wanted)}`,
    };
  },

  JournalUnavailable({ world }) {
    if (world.journalAvailable) return undefined;
    return {
      message: 'the journal cannot be written, and nothing is done off the record',
      recheckAtMs: world.nowMs + JOURNAL_RECHECK_MS,
    };
  },

  Shadow(context) {
    if (!isShadow(context)) return undefined;
    const why = context.world.shadowAll ? 'Sentinel runs' : `policy ${context.policy.name} is`;
    return { message: `${why} in Shadow mode` };
  },
};

const JOURNAL_RECHECK_MS = 2_000;

/** How soon those look again who wait for a server that comes back by itself. */
const SERVER_RECHECK_MS = 5_000;
const DEPENDENT_RECHECK_MS = 5_000;

/** Why the policy of another touched workload, or that workload, says no. */
function dependentRefuses(context: GuardContext, key: WorkloadKey): No | undefined {
  const { world, policy, candidate } = context;
  const governing = world.governing(key);
  const view = world.views.get(key);
  if (view === undefined) return { message: 'it is not known' };
  if (governing.kind !== 'governed') return { message: 'no policy governs it' };
  const unsupported = dependentUnsupported(context, view);
  if (unsupported !== undefined) return { message: unsupported };

  const own = policy.spec.remediation.mode;
  const theirs = governing.policy.spec.remediation.mode;
  const { name } = governing.policy;
  if (LAXNESS[theirs] < LAXNESS[own]) return { message: `policy ${name} has mode ${theirs}` };
  const action = actionOn(governing.policy, candidate.action);
  if (action === undefined) {
    return { message: `policy ${name} does not allow ${candidate.action.tool}` };
  }
  if (action.approval === 'Required' && candidate.action.approval !== 'Required') {
    return { message: `policy ${name} asks for an approval of ${action.name}` };
  }
  const place = { key, policy: governing.policy, action, context };
  return (
    dependentIsSpent(place) ??
    dependentIsHeld(context, view, governing.policy) ??
    dependentRests(place)
  );
}

/** The tool would refuse it, at each attempt anew. */
function dependentUnsupported(
  { candidate }: GuardContext,
  { container }: WorkloadView,
): string | undefined {
  if (container?.labels[LABEL.swarmTask] !== undefined) return 'it is a task of Docker Swarm';
  if (container?.autoRemove !== true || candidate.tool?.multiStep !== true) return undefined;
  return 'it was started with --rm: recreating it would remove it';
}

/** What another policy calls the use of the same tool; of several, the one of the same name. */
function actionOn(
  { actions }: CompiledPolicy,
  { name, tool }: CompiledAction,
): CompiledAction | undefined {
  const same = actions.filter((action) => action.tool === tool);
  return same.find((action) => action.name === name) ?? same[0];
}

interface Dependent {
  readonly key: WorkloadKey;
  readonly policy: CompiledPolicy;
  /** That policy's own action with the tool of the candidate. */
  readonly action: CompiledAction;
  readonly context: GuardContext;
}

/** A limit lasts: the ladder goes on, as it does for a limit of the target's own. */
function dependentIsSpent({ key, policy, action, context }: Dependent): No | undefined {
  const no = limitReached(context, action, startsOn({ key, policy, action, context }));
  return no && { ...no, message: `policy ${policy.name}: ${no.message}` };
}

/** The hours and the rest that the other policy wants for its workload. */
function dependentRests(dependent: Dependent): No | undefined {
  const { policy, action, context } = dependent;
  // The hours of the candidate's own policy are another guard's.
  const denied = policy === context.policy ? undefined : inDeniedWindow(context, policy);
  const no = denied ?? inCooldown(context, action, startsOn(dependent));
  return no && { ...no, message: `policy ${policy.name}: ${no.message}`, isPassing: true };
}

/**
 * What really was done to the workload, also where the candidate is only thought of: under the name
 * of its own policy's action, or with the same tool for another policy's sake.
 */
function startsOn({ key, policy, action, context }: Dependent) {
  const { world, ownIntent } = context;
  return (world.state.ledger[key] ?? []).filter((start) => {
    if (start.intent === ownIntent) return false;
    if (start.action === action.name) return true;
    return start.policy !== policy.name && toolOf(world, start) === action.tool;
  });
}

function toolOf({ state }: World, { incident, intent }: LedgerEntry): string | undefined {
  return state.incidents[incident]?.attempts.find((one) => one.intent === intent)?.tool;
}

/** What keeps a dependent for now, and will pass. */
function dependentIsHeld(
  { world }: GuardContext,
  view: WorkloadView,
  { name, spec }: CompiledPolicy,
): No | undefined {
  const history = world.state.workloads[view.key];
  const held = (message: string): No => ({
    message,
    isPassing: true,
    recheckAtMs: world.nowMs + DEPENDENT_RECHECK_MS,
  });
  if (isLabelPaused(view)) return held('its label pauses it');
  if (deployedAtMs(world, view) !== undefined) return held('a deployment is in progress');
  const no =
    sentinelPaused(world, name, view.key) ??
    (history && humanAction(world, view, history, spec.startPeriod));
  return no === undefined ? undefined : held(no.message);
}

function noChange({ candidate, view }: GuardContext): No | undefined {
  const state = view.container?.state;
  const { tool } = candidate.action;
  const already = ALREADY[tool];
  if (already !== undefined && state !== undefined && already.includes(state)) {
    return { message: `the container is already ${state}` };
  }
  const args = candidate.arguments;
  if (tool !== UPDATE_RESOURCES || !args.ok) return undefined;
  const wanted = changes(args.arguments, view.container?.limits ?? {});
  if (!wanted.every(({ wanted: value, current }) => value === current)) return undefined;
  return {
    message: wanted
      .map(({ what, show, wanted: value }) => `${what} is ${show(value)} already`)
      .join(', '),
  };
}

/** States in which a tool has nothing to do. */
const ALREADY: Readonly<Record<string, readonly string[]>> = {
  'docker/start_container': ['running'],
  'docker/stop_container': ['exited', 'created'],
  'docker/kill_container': ['exited', 'created'],
  'docker/pause_container': ['paused', 'exited', 'created'],
  'docker/unpause_container': ['running', 'exited', 'created'],
  'docker/exec_command': ['exited', 'created'],
};

interface Change {
  readonly what: string;
  readonly wanted: number;
  /** Absent: there is no limit now, and any limit lowers it. */
  readonly current: number | undefined;
  readonly show: (value: number) => string;
}

function changes(args: Readonly<Record<string, unknown>>, limits: ResourceLimits): Change[] {
  const memory =
    typeof args['memory'] === 'string' ? parseQuantity(args['memory']) : args['memory'];
  const candidates: (Omit<Change, 'wanted'> & { readonly wanted: unknown })[] = [
    { what: 'the memory limit', wanted: memory, current: limits.memoryBytes, show: formatBytes },
    {
      what: 'the CPU limit',
      wanted: args['cpus'],
      current: limits.nanoCpus === undefined ? undefined : limits.nanoCpus / 1e9,
      show: String,
    },
    { what: 'the process limit', wanted: args['pids'], current: limits.pids, show: String },
  ];
  return candidates.filter((change): change is Change => typeof change.wanted === 'number');
}
