import { isOpen, pendingAttempt } from '#core/incident/incident.ts';
import { type Pause, pauseKey } from '#core/journal/state.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { isHealthy } from '#core/remediation/budget.ts';
import { stormOf } from '#core/remediation/storm.ts';
import type { World } from '#core/remediation/world.ts';
import { formatDuration } from '#lib/duration.ts';
import type { PolicyView } from './policy-object.ts';
import { routeCondition } from './route-condition.ts';
import type { Condition } from './schema.ts';

type Said = Pick<Condition, 'status' | 'reason' | 'message'>;

const yes = (reason: string, message: string): Said => ({ status: 'True', reason, message });
const no = (reason: string, message: string): Said => ({ status: 'False', reason, message });

/** The conditions of a policy in force, always all of them, in a fixed order. */
export function policyConditions(policy: CompiledPolicy, view: PolicyView): Condition[] {
  const { world, before = [] } = view;
  const now = new Date(world.wallMs).toISOString();
  const observedGeneration = world.generationOf(policy.name);
  const parts = {
    Accepted: accepted(policy, view),
    Stalled: stalled(view),
    Paused: paused(policy, world),
    StormActive: storm(policy, world),
    BudgetExhausted: budget(policy, world),
    ModelRouteReady: routeCondition(policy.spec, view.routeReadiness),
    ToolsReady: tools(policy, world),
    Conflict: conflict(policy, world),
  };
  const all: Readonly<Record<string, Said>> = { Ready: ready(parts), ...parts };
  return Object.entries(all).map(([type, said]) => {
    const known = before.find((condition) => condition.type === type);
    const lastTransitionTime = known?.status === said.status ? known.lastTransitionTime : now;
    return { type, ...said, lastTransitionTime, observedGeneration };
  });
}

/** Whether the file that the policy comes from is valid as it is now; the last good one is in force. */
function accepted(policy: CompiledPolicy, { load }: PolicyView): Said {
  const problem = load.problems.find(({ file }) => file === policy.file);
  if (problem === undefined) return yes('Valid', 'its file is valid');
  return no('Invalid', `the version in force is older: ${formatProblem(problem)}`);
}

/** A set is loaded whole or not at all, so one broken file stalls every policy. */
function stalled({ load }: PolicyView): Said {
  const [first] = load.problems;
  if (load.loadedOk || first === undefined) return no('UpToDate', 'the last load succeeded');
  const more = load.problems.length - 1;
  const rest = more === 0 ? '' : ` (and ${more} more)`;
  return yes('LoadFailed', `the last good policies stay in force: ${formatProblem(first)}${rest}`);
}

function ready({
  Conflict,
  ToolsReady,
}: {
  readonly Conflict: Said;
  readonly ToolsReady: Said;
}): Said {
  if (Conflict.status === 'True') return no('Conflict', Conflict.message);
  if (ToolsReady.status === 'False') return no(ToolsReady.reason, ToolsReady.message);
  return yes('InForce', 'the policy is in force');
}

function paused({ name }: CompiledPolicy, { state, nowMs }: World): Said {
  const pauses = [pauseKey('all', ''), pauseKey('policy', name)].map((key) => state.pauses[key]);
  const pause = pauses.find((one) => one !== undefined && isRunning(one, nowMs));
  if (pause === undefined) return no('NotPaused', 'nothing is paused');
  const reason = pause.scope === 'all' ? 'AllPaused' : 'PolicyPaused';
  const rest =
    pause.untilMs === undefined ? '' : `, for another ${formatDuration(pause.untilMs - nowMs)}`;
  return yes(reason, `paused by ${pause.by} since ${pause.setAt} (${pause.reason})${rest}`);
}

function isRunning({ untilMs }: Pause, nowMs: number): boolean {
  return untilMs === undefined || untilMs > nowMs;
}

function storm(policy: CompiledPolicy, world: World): Said {
  const found = stormOf(world, policy);
  if (found === undefined) return no('NoStorm', 'incidents do not come in masses');
  const rest = formatDuration(found.untilMs - world.nowMs);
  return yes('ManyIncidents', `many incidents at once: actions are held for another ${rest}`);
}

function budget(policy: CompiledPolicy, world: World): Said {
  const { maxConcurrent, minHealthy } = policy.spec.remediation.budget;
  const busy = Object.values(world.state.incidents).filter(
    (incident) =>
      incident.policy.name === policy.name && isOpen(incident) && pendingAttempt(incident),
  ).length;
  if (busy >= maxConcurrent) {
    return yes('MaxConcurrent', `${busy} of ${maxConcurrent} actions at once are under way`);
  }
  if (minHealthy === undefined) return no('WithinBudget', 'another action may begin');

  const { counted, healthy } = countHealthy(policy, world);
  const needed = Math.ceil(minHealthy * counted);
  const says = `${healthy} of ${counted} workloads are healthy, and ${needed} must be`;
  return healthy < needed ? yes('MinHealthy', says) : no('WithinBudget', says);
}

function countHealthy(policy: CompiledPolicy, world: World) {
  let counted = 0;
  let healthy = 0;
  for (const view of world.views.values()) {
    const governing = world.governing(view.key);
    if (governing.kind !== 'governed' || governing.policy.name !== policy.name) continue;
    const health = isHealthy(world, policy, view);
    if (health !== 'NotCounted') counted += 1;
    if (health === 'Healthy') healthy += 1;
  }
  return { counted, healthy };
}

function tools({ actions }: CompiledPolicy, world: World): Said {
  if (actions.length === 0) return yes('NotUsed', 'the policy allows no action');
  for (const { tool } of actions) {
    const readiness = world.readiness(tool);
    if (!readiness.ready) return no(readiness.reason, `${tool}: ${readiness.message}`);
  }
  return yes('Ready', 'every tool that the policy allows can be called');
}

function conflict({ name }: CompiledPolicy, world: World): Said {
  let count = 0;
  let example: { readonly key: string; readonly policies: readonly string[] } | undefined;
  for (const key of world.views.keys()) {
    const governing = world.governing(key);
    if (governing.kind !== 'conflict' || !governing.policies.includes(name)) continue;
    count += 1;
    example ??= { key, policies: governing.policies };
  }
  if (example === undefined) return no('NoConflict', 'no other policy ties with it');
  const others = example.policies.filter((other) => other !== name).join(', ');
  const message = `${others} has the same priority for ${example.key} (${count} in all), which nobody governs`;
  return yes('PolicyConflict', message);
}
