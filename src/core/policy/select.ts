import { LABEL } from '#core/workload/container.ts';
import type { Selectable, SelectorMatch } from './selector.ts';

/** What deciding between policies needs of one; a CompiledPolicy has it. */
export interface Candidate {
  readonly name: string;
  readonly spec: { readonly priority: number };
  readonly selects: SelectorMatch;
}

export type Governing<Policy extends Candidate> =
  | { readonly kind: 'none' }
  | { readonly kind: 'governed'; readonly policy: Policy }
  /** Names in alphabetical order. Neither an incident nor an action comes of it. */
  | { readonly kind: 'conflict'; readonly policies: readonly string[] };

/**
 * Finds the one policy that governs a workload: the highest priority, whole, whatever its mode.
 * The label `sre-sentinel.policy` chooses only among those tied there; it cannot bring in a policy
 * that does not select the workload, nor one of a lower priority.
 */
export function governing<Policy extends Candidate>(
  policies: readonly Policy[],
  workload: Selectable,
): Governing<Policy> {
  const selecting = policies.filter(({ selects }) => selects(workload));
  const highest = selecting.reduce((most, { spec }) => Math.max(most, spec.priority), -Infinity);
  const tied = selecting.filter(({ spec }) => spec.priority === highest);

  const wanted = Object.hasOwn(workload.labels, LABEL.policy)
    ? workload.labels[LABEL.policy]
    : undefined;
  const policy = tied.length > 1 ? tied.find(({ name }) => name === wanted) : tied[0];
  if (policy !== undefined) return { kind: 'governed', policy };
  if (tied.length === 0) return { kind: 'none' };
  return { kind: 'conflict', policies: tied.map(({ name }) => name).sort() };
}
