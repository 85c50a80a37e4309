import type { CompiledPolicySet } from './compile.ts';
import type { CompiledPolicy } from './compiled.ts';
import type { PolicyProblem } from './problems.ts';

interface Version {
  readonly generation: number;
  readonly digest: string;
}

/** The state of a policy source: what is in force, and what the last attempt to load said. */
export interface AppliedPolicies {
  readonly policies: readonly CompiledPolicy[];
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
  readonly lastAppliedRevision: string;
  readonly lastAttemptedRevision: string;
  readonly loadedOk: boolean;
  readonly isKnown: boolean;
  readonly keptSince?: string;
  generationOf(name: string): number;
  /** By policy name; those of policies that are gone stay. */
  readonly versions: ReadonlyMap<string, Version>;
}

export const NO_POLICIES: AppliedPolicies = applied({
  policies: [],
  problems: [],
  warnings: [],
  lastAppliedRevision: '',
  lastAttemptedRevision: '',
  loadedOk: false,
  isKnown: false,
  versions: new Map(),
});

/** One attempt to load: a set with an error leaves everything in force that was. */
export function apply(
  before: AppliedPolicies,
  set: CompiledPolicySet,
  revision: string,
): AppliedPolicies {
  const attempt = {
    problems: set.problems,
    warnings: set.warnings,
    lastAttemptedRevision: revision,
    loadedOk: set.problems.length === 0,
  };
  if (!attempt.loadedOk) return applied({ ...before, ...attempt });

  const versions = new Map(before.versions);
  for (const { name, digest } of set.policies) {
    const version = versions.get(name);
    if (version?.digest === digest) continue;
    versions.set(name, { digest, generation: (version?.generation ?? 0) + 1 });
  }
  return applied({
    ...attempt,
    isKnown: true,
    policies: set.policies,
    lastAppliedRevision: revision,
    versions,
  });
}

/**
 * The last good set of an earlier run, which a start falls back on.
 *
 * @param since when it came into force, ISO 8601
 */
export function restore(set: CompiledPolicySet, revision: string, since: string): AppliedPolicies {
  return applied({ ...apply(NO_POLICIES, set, revision), keptSince: since });
}

/** Whether two states differ in anything that a reader could see. */
export function differs(before: AppliedPolicies, after: AppliedPolicies): boolean {
  return fingerprint(before) !== fingerprint(after);
}

function fingerprint(state: AppliedPolicies): string {
  const { policies, problems, warnings, lastAppliedRevision, lastAttemptedRevision } = state;
  return JSON.stringify([
    policies.map(({ ref, file }) => [ref, file]),
    problems,
    warnings,
    lastAppliedRevision,
    lastAttemptedRevision,
    state.loadedOk,
    state.isKnown,
    state.keptSince,
  ]);
}

function applied(state: Omit<AppliedPolicies, 'generationOf'>): AppliedPolicies {
  return { ...state, generationOf: (name) => state.versions.get(name)?.generation ?? 0 };
}
