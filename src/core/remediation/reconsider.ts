import type { Attempt } from '#core/incident/incident.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { consider } from './act.ts';
import { type Candidate, candidateId } from './candidate.ts';
import type { Considered } from './choose.ts';
import { judgeAll } from './judge-all.ts';
import type { WorkloadMemory } from './step.ts';
import type { World } from './world.ts';

/**
 * The second look, right before the call: the same candidate, on the policies and the state of now,
 * through the whole gate. Its own intent does not stand in its way.
 *
 * @returns `undefined` when the candidate is no longer one: nothing asks for it, the policy no
 *   longer offers it, or its arguments or target have come to be others
 */
export function reconsider(
  world: World,
  key: WorkloadKey,
  {
    incident: name,
    attempt,
    memory,
  }: { incident: string; attempt: Attempt; memory: WorkloadMemory | undefined },
): Considered | undefined {
  const incident = world.state.incidents[name];
  const governing = world.governing(key);
  const view = world.views.get(key);
  if (incident === undefined || view === undefined || governing.kind !== 'governed')
    return undefined;
  const { policy } = governing;
  if (policy.name !== incident.policy.name) return undefined;

  const history = world.state.workloads[key] ?? emptyHistory();
  const judged = judgeAll({ world, policy, view, history }, memory, incident);
  const situation = { world, policy, view, history, incident, ...judged };
  // An edit gives the same call another name; whether it still is permitted the gate says.
  const named = { view, policy: { digest: attempt.policy } };
  const isSame = ({ id, action, arguments: args, trigger }: Candidate) => {
    const idThen = candidateId(named, action, args.ok ? args.arguments : null);
    return (
      trigger === attempt.trigger && (id === attempt.candidate || idThen === attempt.candidate)
    );
  };
  return consider(situation, incident, attempt.intent).find(({ candidate }) => isSame(candidate));
}
