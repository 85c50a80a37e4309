import type { OperatorState, WorkloadHistory } from '#core/journal/state.ts';
import { pauseKey } from '#core/journal/state.ts';
import { type ContainerState, LABEL } from '#core/workload/container.ts';
import { isWitnessedExit } from '#core/workload/found.ts';
import type { WorkloadIdentity, WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { formatDuration } from '#lib/duration.ts';
import { type GuardContext, type Guards, type No, until } from './guard.ts';
import type { World } from './world.ts';

/** Compose creates, renames and removes within seconds; a slow image pull comes before all that. */
export const DEPLOYMENT_SETTLE_MS = 20_000;

/** Guards that keep Sentinel out of people's way. */
export const PEOPLE_GUARDS: Guards = {
  SentinelPaused({ world, policy, view }) {
    return sentinelPaused(world, policy.name, view.key);
  },
  WorkloadPaused({ view }) {
    return isLabelPaused(view) ? { message: `label ${LABEL.pause} is set` } : undefined;
  },
  HumanAction(context) {
    const { world, view, history, policy } = context;
    return humanAction(world, view, history, policy.spec.startPeriod) ?? startedByPerson(context);
  },
  IntentUnknown({ view, history, incident, candidate }) {
    if (!isIntentUnknown(view, history) || incident.approved === candidate.id) return undefined;
    return {
      message: `found ${view.container?.state ?? 'gone'}, and nobody saw who caused it; it waits for the next start or for an approval`,
    };
  },
  DeploymentInProgress(context) {
    const atMs = deployedAtMs(context.world, context.view);
    if (atMs === undefined) return undefined;
    return until(
      context,
      'containers of this project were created, renamed or removed',
      atMs + DEPLOYMENT_SETTLE_MS,
    );
  },
  Denied({ candidate, incident }: GuardContext) {
    return incident.denied === true
      ? { message: `a person said no to ${candidate.action.name}` }
      : undefined;
  },

  ApprovalRequired({ policy, candidate, incident }: GuardContext) {
    const asks =
      policy.spec.remediation.mode === 'Approve' || candidate.action.approval === 'Required';
    const isAnswered = incident.denied === true || incident.approved === candidate.id;
    if (!asks || isAnswered) return undefined;
    return { message: `${candidate.action.name} waits for a person to approve it` };
  },
};

export function sentinelPaused(world: World, policy: string, key: WorkloadKey): No | undefined {
  const { pauses } = world.state;
  for (const name of [pauseKey('all', ''), pauseKey('policy', policy), pauseKey('workload', key)]) {
    const pause = pauses[name];
    if (pause === undefined) continue;
    const { untilMs, reason, by } = pause;
    if (untilMs !== undefined && untilMs <= world.nowMs) continue;
    const rest =
      untilMs === undefined ? '' : `, for another ${formatDuration(untilMs - world.nowMs)}`;
    return {
      message: `paused by ${by} (${reason})${rest}`,
      ...(untilMs === undefined ? {} : { recheckAtMs: untilMs }),
    };
  }
  return undefined;
}

/** `sre-sentinel.pause=true`; a value that cannot be read pauses too: labels only ever narrow. */
export function isLabelPaused({ container }: WorkloadView): boolean {
  const value = container?.labels[LABEL.pause];
  return value !== undefined && !/^(?:false|0|no|off)$/i.test(value.trim());
}

/** Whether the workload belongs to a person now. */
export function humanAction(
  world: World,
  view: WorkloadView,
  history: WorkloadHistory,
  startPeriodMs: number,
): No | undefined {
  const { hold } = history;
  if (hold === undefined) return undefined;
  if (hold.kind === 'restart') {
    const endsAtMs = hold.sinceMs + startPeriodMs;
    if (endsAtMs <= world.nowMs) return undefined;
    return { message: `restarted by a person at ${hold.since}`, recheckAtMs: endsAtMs };
  }
  if (hold.untilMs !== undefined && hold.untilMs <= world.nowMs) return undefined;
  if (hold.kind === 'pause' && view.container?.state === 'running') return undefined;
  return {
    message: `${HOLD_WORDS[hold.kind]} by a person at ${hold.since}`,
    ...(hold.untilMs === undefined ? {} : { recheckAtMs: hold.untilMs }),
  };
}

/**
 * An exit stays breached until the container has run for `healthyFor`. Whoever has just started it
 * must not see it restarted for the exit that the start was the answer to.
 */
function startedByPerson({ world, view, history, policy }: GuardContext): No | undefined {
  const started = history.starts.at(-1);
  if (started?.cause !== 'Human' || view.container?.state !== 'running') return undefined;
  const endsAtMs = started.atMs + policy.spec.remediation.verify.healthyFor;
  if (endsAtMs <= world.nowMs) return undefined;
  const agoMs = world.nowMs - started.atMs;
  return {
    message: `started by a person ${formatDuration(agoMs)} ago`,
    recheckAtMs: endsAtMs,
  };
}

const HOLD_WORDS = {
  stop: 'stopped',
  kill: 'sent a signal',
  pause: 'paused',
  restart: 'restarted',
  remove: 'removed',
} as const;

/**
 * It does not run, and no event told who ended or paused it. Ends with the next start. Asked of the
 * container as it is: what was never recorded was never witnessed.
 */
export function isIntentUnknown({ container }: WorkloadView, history: WorkloadHistory): boolean {
  if (container === undefined) return history.unknown !== undefined;
  if (container.state === 'paused') {
    return history.own?.byContainer[container.id]?.['pause'] === undefined;
  }
  if (!IS_DOWN.has(container.state)) return false;
  if (history.unknown !== undefined) return true;
  // A start that failed tells of itself.
  return container.error === '' && !isWitnessedExit(container, history);
}

const IS_DOWN: ReadonlySet<ContainerState> = new Set(['created', 'exited', 'dead']);

/** The newest sign of a deployment in the workload's project, if it has not settled yet. */
export function deployedAtMs(
  world: World,
  view: {
    readonly key: WorkloadKey;
    readonly identity: Pick<WorkloadIdentity, 'host' | 'project'>;
  },
): number | undefined {
  const { project, host } = view.identity;
  const keys =
    project === undefined ? [view.key] : keysOfProject(world.state, `${prefixOf(host, project)}/`);
  const newest = Math.max(
    ...keys.map((key) => world.state.workloads[key]?.deployedAtMs ?? -Infinity),
  );
  return newest + DEPLOYMENT_SETTLE_MS > world.nowMs ? newest : undefined;
}

function keysOfProject(state: OperatorState, prefix: string): WorkloadKey[] {
  return Object.keys(state.workloads).filter((key) => key.startsWith(prefix));
}

function prefixOf(host: string, project: string): string {
  return [host, project].map(encodeURIComponent).join('/');
}
