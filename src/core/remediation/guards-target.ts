import { LABEL } from '#core/workload/container.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { dependenciesOf } from './affects.ts';
import { type GuardContext, type Guards, until } from './guard.ts';
import { UPDATE_RESOURCES } from './tools.ts';
import type { World } from './world.ts';

/** Tools that take a container away, which `--rm` would turn into its loss. */
const LOSES_AUTO_REMOVED = new Set(['docker/stop_container', 'docker/kill_container']);
const UNPAUSE = 'docker/unpause_container';

/** Guards on what the target is and what state it is in. */
export const TARGET_GUARDS: Guards = {
  ModeOff({ policy }) {
    if (policy.spec.remediation.mode !== 'Off') return undefined;
    return { message: `policy ${policy.name} has mode Off` };
  },

  SelfProtection({ world, candidate }) {
    for (const key of candidate.affects) {
      const id = world.views.get(key)?.container?.id;
      const what = id === undefined ? undefined : world.protected.get(id);
      if (what !== undefined) return { message: `${key} is ${what}` };
    }
    return undefined;
  },

  Unsupported(context) {
    const message = unsupported(context);
    return message === undefined ? undefined : { message };
  },

  AmbiguousWorkload({ view }) {
    if (view.ambiguous.length === 0) return undefined;
    const ids = view.ambiguous.map((id) => id.slice(0, 12)).join(', ');
    return { message: `${view.ambiguous.length} containers claim this workload: ${ids}` };
  },

  PolicyConflict({ world, view }) {
    const governing = world.governing(view.key);
    if (governing.kind !== 'conflict') return undefined;
    return { message: `policies ${governing.policies.join(', ')} tie for this workload` };
  },

  EngineRestarting({ view, candidate }) {
    const state = view.container?.state;
    // A limit that is changed between two runs holds from the next on: what is killed at each start
    // for lack of memory is rarely met running.
    if (state === 'restarting' && candidate.action.tool === UPDATE_RESOURCES) return undefined;
    if (state !== 'restarting' && state !== 'removing' && state !== 'dead') return undefined;
    return { message: `the engine has the container in state ${state}` };
  },

  Settling(context) {
    const { settlingUntilMs, nowMs } = context.world;
    if (settlingUntilMs === undefined || settlingUntilMs <= nowMs) return undefined;
    return until(
      context,
      'the way to the Docker daemon is broken, or came back a moment ago',
      settlingUntilMs,
    );
  },

  NeedsRecreate({ world, view }) {
    const lost = view.container?.shares.find(({ owner }) => world.workloadOf(owner) === undefined);
    if (lost === undefined) return undefined;
    const service = view.identity.service ?? view.identity.name;
    return {
      message:
        `the ${lost.kind} namespace belongs to container ${lost.owner.slice(0, 12)}, which is gone; ` +
        `run: docker compose up -d --force-recreate --no-deps ${service}`,
    };
  },

  DependencyFailing({ world, view }) {
    for (const { key, condition } of dependenciesOf(world, view)) {
      const dependency = world.views.get(key);
      const what = dependency && failing(world, dependency, condition);
      if (what !== undefined) return { message: `${key}, which it depends on, ${what}` };
    }
    return undefined;
  },
};

function unsupported({ view, candidate, world }: GuardContext): string | undefined {
  const { container } = view;
  if (container === undefined) return 'there is no container to act on';
  if (container.labels[LABEL.swarmTask] !== undefined) return 'it is a task of Docker Swarm';
  const { tool } = candidate.action;
  if (
    container.autoRemove &&
    (LOSES_AUTO_REMOVED.has(tool) || candidate.tool?.multiStep === true)
  ) {
    return 'it was started with --rm: stopping it would remove it';
  }
  if (container.state === 'paused' && tool !== UNPAUSE) {
    return 'it is paused: only unpause_container applies';
  }
  const readiness = world.readiness(tool);
  if (!readiness.ready && readiness.reason === 'ToolForbidden') return readiness.message;
  return undefined;
}

/** How a dependency fails, seen from the workload that needs it; `undefined` when it does not. */
function failing(
  world: World,
  { key, container }: WorkloadView,
  condition: string,
): string | undefined {
  if (container === undefined) return 'does not exist';
  if (condition === 'service_completed_successfully') {
    const succeeded = container.state === 'exited' && container.exitCode === 0;
    return succeeded ? undefined : `has not completed successfully`;
  }
  if (container.state !== 'running') return `is ${container.state}`;
  if (container.health?.status === 'unhealthy') return 'is unhealthy';
  const name = world.state.openByWorkload[key];
  const incident = name === undefined ? undefined : world.state.incidents[name];
  return incident?.severity === 'critical' ? `has open incident ${incident.name}` : undefined;
}
