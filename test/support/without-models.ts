import type { Incident } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import { canonicalJson } from '#core/journal/record.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { affectedContainers, consider } from '#core/remediation/act.ts';
import { situationOf } from '#core/remediation/decide.ts';
import type { WorkloadMemory } from '#core/remediation/step.ts';
import type { World } from '#core/remediation/world.ts';
import type { WorkloadKey } from '#core/workload/key.ts';

type Intended = RecordData['remediation.intended'];

/**
 * Whether the gate lets this very call pass, tool, arguments and containers, in a world without models.
 *
 * @param ownIntent where the intent is in the state of that world already
 */
export function isPermitted(
  without: World,
  key: WorkloadKey,
  intended: Intended,
  { memory, ownIntent }: { readonly memory?: WorkloadMemory; readonly ownIntent?: string } = {},
): boolean {
  const situation = situationOf(without, key, memory);
  if (situation === undefined) return false;
  const { container } = situation.view;
  const [first] = intended.affects;
  if (first?.workload !== key || first.container !== container?.id) return false;
  return consider(situation, situation.incident, ownIntent)
    .filter(({ blockedBy }) => blockedBy.length === 0)
    .some(({ candidate }) => {
      const { action, arguments: args } = candidate;
      const argumentsMac = args.ok ? without.mac(canonicalJson(args.arguments)) : '';
      const affects = affectedContainers(situation, candidate);
      return callOf({ tool: action.tool, argumentsMac, affects }) === callOf(intended);
    });
}

function callOf({
  tool,
  argumentsMac,
  affects,
}: Pick<Intended, 'tool' | 'argumentsMac' | 'affects'>): string {
  return canonicalJson([tool, argumentsMac, affects]);
}

const WITHOUT = new WeakMap<CompiledPolicy, CompiledPolicy>();

function policyWithout(policy: CompiledPolicy): CompiledPolicy {
  const known = WITHOUT.get(policy);
  if (known !== undefined) return known;
  const { spec } = policy;
  const off = { choose: 'Ladder', rootCause: [], explain: [], triage: [] } as const;
  const modelRouting = { ...spec.modelRouting, ...off, rootCause: [], explain: [], triage: [] };
  // Its digest stays: what a person was asked about is asked by this policy.
  const without = { ...policy, spec: { ...spec, modelRouting } };
  WITHOUT.set(policy, without);
  return without;
}

/** The same instant of the same world, in which no model was ever heard of. */
export function withoutModels(world: World): World {
  const incidents = Object.fromEntries(
    Object.entries(world.state.incidents).map(([name, incident]) => [name, unasked(incident)]),
  );
  return {
    ...world,
    state: { ...world.state, incidents },
    policies: world.policies.map(policyWithout),
    governing: (key) => {
      const found = world.governing(key);
      return found.kind === 'governed' ? { ...found, policy: policyWithout(found.policy) } : found;
    },
  };
}

function unasked({ isAsking: _asking, askedAtMs: _asked, ...incident }: Incident): Incident {
  if (incident.diagnosis === undefined) return incident;
  const { advice: _advice, models: _models, ...diagnosis } = incident.diagnosis;
  return { ...incident, diagnosis: { ...diagnosis, source: 'rules' } };
}
