import type { CompiledPolicy } from '#core/policy/compile.ts';
import { type PolicyView, policyObject } from '#core/projection/policy-object.ts';
import type { Condition, PolicyObject } from '#core/projection/schema.ts';
import type { HttpSources } from './options.ts';

export type PolicySources = Pick<HttpSources, 'world' | 'policies' | 'models'>;

/** What conditions are judged by, at this instant. */
export function viewOf({ world, policies, models }: PolicySources): Omit<PolicyView, 'before'> {
  const view = { world: world(), load: policies() };
  return models === undefined
    ? view
    : { ...view, routeReadiness: (route) => models.readiness(route) };
}

/**
 * Remembers the conditions of policies, so that each says since when it holds. It starts anew with
 * Sentinel: a condition then holds since the first look.
 */
export class ConditionMemory {
  #known = new Map<string, readonly Condition[]>();

  object(policy: CompiledPolicy, view: Omit<PolicyView, 'before'>): PolicyObject {
    const before = this.#known.get(policy.name) ?? [];
    const object = policyObject(policy, { ...view, before });
    this.#known.set(policy.name, object.status.conditions);
    return object;
  }

  /** Looks at all policies, and forgets those that are gone. */
  refresh(policies: readonly CompiledPolicy[], view: Omit<PolicyView, 'before'>): void {
    for (const policy of policies) this.object(policy, view);
    const names = new Set(policies.map(({ name }) => name));
    this.#known = new Map([...this.#known].filter(([name]) => names.has(name)));
  }
}
