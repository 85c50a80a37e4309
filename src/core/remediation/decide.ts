import { type Incident, pendingAttempt } from '#core/incident/incident.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
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
  const governing = world.governing(key);
  if (governing.kind !== 'governed') {
    return { step: ungoverned(world, incident, governing.kind), memory: EMPTY_MEMORY };
  }
  const { policy } = governing;
  if (incident !== undefined && incident.policy.name !== policy.name) {
    return { step: closeForPolicyChange(incident, 'none'), memory: EMPTY_MEMORY };
  }

  const view = world.views.get(key);
  if (view === undefined) return { step: NOTHING, memory };
  const history = world.state.workloads[key] ?? emptyHistory();
  const judged = judgeAll({ world, policy, view, history }, memory, incident);
  const situation: JudgedSituation = { world, policy, view, history, incident, ...judged };
  const { step, steady } = nextStep(situation);
  const recheckAtMs =
    step.again === true ? undefined : earlier(step.recheckAtMs, judged.recheckAtMs);
  return {
    step: { ...step, ...(recheckAtMs === undefined ? {} : { recheckAtMs }) },
    memory: { thresholds: judged.memory.thresholds, ...(steady === undefined ? {} : { steady }) },
  };
}

/** Nothing is left that a policy could govern, or no policy governs it. */
function ungoverned(world: World, incident: Incident | undefined, kind: 'none' | 'conflict'): Step {
  if (incident === undefined) return NOTHING;
  const isGone = !world.views.has(incident.workload.key);
  return isGone ? closeForRemoval(world, incident) : closeForPolicyChange(incident, kind);
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
  const attempt = pendingAttempt(incident);
  // A call that has not ended: whoever made it, or the start-up that finds it open, ends it.
  if (attempt !== undefined && attempt.outcome === undefined) return withFollow(recheck(undefined));
  if (attempt !== undefined) return verify(situation, incident, attempt);
  const step =
    resolve(situation, incident) ?? join(situation, incident) ?? act(situation, incident);
  return withFollow(step);
}
