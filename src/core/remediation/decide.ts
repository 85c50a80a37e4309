import { diagnoseAgain } from '#core/diagnosis/diagnose.ts';
import { type Incident, pendingAttempt } from '#core/incident/incident.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Governing } from '#core/policy/select.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { defined } from '#lib/defined.ts';
import { act } from './act.ts';
import { followShadow } from './follow-shadow.ts';
import { judgeAll } from './judge-all.ts';
import { closeForPolicyChange, closeForRemoval, join, open, resolve } from './lifecycle.ts';
import {
  EMPTY_MEMORY,
  earlier,
  type JudgedSituation,
  NOTHING,
  recheck,
  type Step,
  type WorkloadMemory,
} from './step.ts';
import { verify } from './verify.ts';
import type { World } from './world.ts';

export interface Decided {
  readonly step: Step;
  readonly memory: WorkloadMemory;
}

/**
 * Decides the next step for one workload. The order is the safety case: what is under way is
 * finished before anything new is begun, people and policy changes end an incident before actions
 * are thought of, and an action comes last.
 */
export function decide(
  world: World,
  key: WorkloadKey,
  memory: WorkloadMemory = EMPTY_MEMORY,
): Decided {
  const incident = world.state.incidents[world.state.openByWorkload[key] ?? ''];
  const view = world.views.get(key) ?? (incident && viewWithoutContainer(incident));
  const governing = governingOf(world, view, incident);
  if (governing.kind !== 'governed') {
    return { step: ungoverned(world, incident, governing.kind), memory: EMPTY_MEMORY };
  }
  const { policy } = governing;
  if (incident !== undefined && incident.policy.name !== policy.name) {
    return { step: closeForPolicyChange(world, incident, 'none'), memory: EMPTY_MEMORY };
  }

  if (view === undefined) return { step: NOTHING, memory };
  return decideGoverned({ world, policy, view, incident, memory });
}

/**
 * What a workload with an open incident is in, for those who look and do not decide.
 *
 * @returns `undefined` where there is no such incident, or its policy does not govern any more
 */
export function situationOf(
  world: World,
  key: WorkloadKey,
  memory: WorkloadMemory = EMPTY_MEMORY,
): (JudgedSituation & { readonly incident: Incident }) | undefined {
  const incident = world.state.incidents[world.state.openByWorkload[key] ?? ''];
  if (incident === undefined) return undefined;
  const view = world.views.get(key) ?? viewWithoutContainer(incident);
  const governing = governingOf(world, view, incident);
  if (governing.kind !== 'governed' || governing.policy.name !== incident.policy.name) {
    return undefined;
  }
  const { situation } = judgedIn({ world, policy: governing.policy, view, incident, memory });
  return { ...situation, incident };
}

type Governed = Pick<JudgedSituation, 'world' | 'policy' | 'view' | 'incident' | 'memory'>;

function judgedIn({ world, policy, view, incident, memory }: Governed) {
  const history = world.state.workloads[view.key] ?? emptyHistory();
  const judged = judgeAll({ world, policy, view, history }, memory, incident);
  const situation: JudgedSituation = { world, policy, view, history, incident, ...judged };
  return { judged, situation };
}

function decideGoverned(governed: Governed): Decided {
  const { judged, situation } = judgedIn(governed);
  const { step, steady } = nextStep(situation);
  const recheckAtMs =
    step.again === true ? undefined : earlier(step.recheckAtMs, judged.recheckAtMs);
  return {
    step: { ...step, ...(recheckAtMs === undefined ? {} : { recheckAtMs }) },
    memory: {
      thresholds: judged.memory.thresholds,
      ...defined({ wellSinceMs: judged.memory.wellSinceMs, steady }),
    },
  };
}

/** Nothing is left that a policy could govern, or no policy governs it. */
function ungoverned(world: World, incident: Incident | undefined, kind: 'none' | 'conflict'): Step {
  if (incident === undefined) return NOTHING;
  const isGone = !world.views.has(incident.workload.key);
  return isGone ? closeForRemoval(world, incident) : closeForPolicyChange(world, incident, kind);
}

/**
 * Selection looks at a container. While there is none, or more than one, an open incident stays with
 * its policy, as long as that exists: the workload may come again, and if it does not, that is what
 * ends the incident.
 */
function governingOf(
  world: World,
  view: WorkloadView | undefined,
  incident: Incident | undefined,
): Governing<CompiledPolicy> {
  if (view === undefined) return { kind: 'none' };
  if (incident === undefined || view.container !== undefined) return world.governing(view.key);
  const policy = world.policies.find(({ name }) => name === incident.policy.name);
  return policy === undefined ? { kind: 'none' } : { kind: 'governed', policy };
}

/** The workload of an incident, as it is when nothing is left of it on the engine. */
function viewWithoutContainer({ workload }: Incident): WorkloadView {
  const { key, host, project, service, container: name } = workload;
  const identity = { host, name, ...defined({ project, service }) };
  return { key, identity, ambiguous: [], gauges: {}, probes: {}, disks: {} };
}

function nextStep(situation: JudgedSituation): { step: Step; steady?: WorkloadMemory['steady'] } {
  const { incident } = situation;
  const followed = followShadow(situation);
  if (followed.drafts.length > 0) return { step: followed };
  const withFollow = (step: Step): { step: Step } => {
    const recheckAtMs = earlier(step.recheckAtMs, followed.recheckAtMs);
    return { step: recheckAtMs === undefined ? step : { ...step, recheckAtMs } };
  };

  if (incident === undefined) return withFollow(open(situation));
  // Words about the cause, also while an action is under way: nothing depends on them.
  const said = diagnoseAgain(situation, incident);
  if (said.length > 0) {
    return { step: { drafts: said, again: true }, ...defined({ steady: situation.memory.steady }) };
  }
  const attempt = pendingAttempt(incident);
  // A call that has not ended: whoever made it, or the start-up that finds it open, ends it.
  if (attempt !== undefined && attempt.outcome === undefined) return withFollow(recheck(undefined));
  if (attempt !== undefined) return verify(situation, incident, attempt);
  const step =
    resolve(situation, incident) ?? join(situation, incident) ?? act(situation, incident);
  return withFollow(step);
}
