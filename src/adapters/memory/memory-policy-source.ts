import { type CompileContext, compilePolicySet } from '#core/policy/compile.ts';
import { apply, differs, NO_POLICIES } from '#core/policy/policy-history.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';

/** Policies that a test, or a dry run, hands over as values. */
export interface MemoryPolicySource extends PolicySource {
  /** Replaces all of them, as one set, and tells the listeners. */
  set(policies: readonly unknown[], revision?: string): PolicySet;
}

/**
 * Keeps policies in memory. Problems are reported as of files `policy-1`, `policy-2`, …, always at
 * line 1, column 1.
 */
export function createMemoryPolicySource(
  policies: readonly unknown[],
  context: CompileContext,
): MemoryPolicySource {
  let given = policies;
  let revision = '';
  let state = load(NO_POLICIES);
  const listeners = new Set<(set: PolicySet) => void>();

  function load(before: typeof NO_POLICIES) {
    const documents = given.map((value, index) => ({
      file: `policy-${index + 1}`,
      value,
      commit: revision,
      positionOf: () => ({ line: 1, column: 1 }),
    }));
    return apply(before, compilePolicySet(documents, context), revision);
  }

  function reload(): PolicySet {
    const before = state;
    state = load(before);
    if (differs(before, state)) for (const listener of listeners) listener(state);
    return state;
  }

  return {
    current: () => state,
    reload: async () => reload(),
    set(next, nextRevision = '') {
      given = next;
      revision = nextRevision;
      return reload();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
    },
  };
}
