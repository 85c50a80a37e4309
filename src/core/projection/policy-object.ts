import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { PolicyProblem } from '#core/policy/problems.ts';
import { API_VERSION } from '#core/policy/schema.ts';
import type { Readiness, World } from '#core/remediation/world.ts';
import { policyConditions } from './policy-conditions.ts';
import { policySpec } from './policy-spec.ts';
import type { Condition, PolicyObject } from './schema.ts';

/** What the source of policies says of its last attempt to load. */
export interface PolicyLoad {
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
  readonly loadedOk: boolean;
  readonly lastAppliedRevision: string;
  readonly lastAttemptedRevision: string;
}

export interface PolicyView {
  readonly world: World;
  readonly load: PolicyLoad;
  /** Of routes to language models; absent: nothing asks models here. */
  readonly routeReadiness?: (route: string) => Readiness;
  /** The conditions as they were: times of transition are taken over where nothing changed. */
  readonly before?: readonly Condition[];
}

/** The public object of a policy in force, status included, which no file ever holds. */
export function policyObject(policy: CompiledPolicy, view: PolicyView): PolicyObject {
  const { world, load } = view;
  const generation = world.generationOf(policy.name);
  const { mode } = policy.spec.remediation;
  return {
    apiVersion: API_VERSION,
    kind: 'SentinelPolicy',
    metadata: { name: policy.name, generation, labels: { ...policy.labels } },
    spec: policySpec(policy.spec),
    status: {
      observedGeneration: generation,
      conditions: policyConditions(policy, view),
      lastAppliedRevision: load.lastAppliedRevision,
      lastAttemptedRevision: load.lastAttemptedRevision,
      digest: policy.digest,
      file: policy.file,
      mode: world.shadowAll && mode !== 'Off' ? 'Shadow' : mode,
      workloads: governed(policy, world),
      openIncidents: openIncidents(policy, world),
      problems: [...load.problems, ...load.warnings]
        .filter(({ file }) => file === policy.file)
        .map((problem) => ({ ...problem })),
    },
  };
}

function governed({ name }: CompiledPolicy, world: World): number {
  let count = 0;
  for (const key of world.views.keys()) {
    const governing = world.governing(key);
    if (governing.kind === 'governed' && governing.policy.name === name) count += 1;
  }
  return count;
}

function openIncidents({ name }: CompiledPolicy, { state }: World): number {
  return Object.values(state.openByWorkload).filter(
    (incident) => state.incidents[incident]?.policy.name === name,
  ).length;
}
