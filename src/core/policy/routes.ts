import type { PolicySpec } from './schema.ts';

/** What a policy may ask language models for, in the order in which it is told. */
const STAGES = ['triage', 'rootCause', 'explain'] as const;
type Stage = (typeof STAGES)[number];

/** A route, and what it is named for. */
export interface NamedRoute {
  readonly name: string;
  readonly stages: readonly Stage[];
}

/** The stages for which a policy names routes to models, with those routes in its order. */
export function stagesOf({ modelRouting }: Pick<PolicySpec, 'modelRouting'>): {
  readonly stage: Stage;
  readonly routes: readonly string[];
}[] {
  return STAGES.map((stage) => ({ stage, routes: modelRouting[stage] })).filter(
    ({ routes }) => routes.length > 0,
  );
}

/** Every route that policies name, once. */
export function routesOf(
  policies: readonly { readonly spec: Pick<PolicySpec, 'modelRouting'> }[],
): NamedRoute[] {
  const named = new Map<string, Set<Stage>>();
  for (const { stage, routes } of policies.flatMap(({ spec }) => stagesOf(spec))) {
    for (const route of routes) named.set(route, (named.get(route) ?? new Set()).add(stage));
  }
  return [...named].map(([name, stages]) => ({
    name,
    stages: STAGES.filter((stage) => stages.has(stage)),
  }));
}
