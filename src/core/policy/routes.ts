import type { PolicySpec } from './schema.ts';

/**
 * What a model is asked for, and the label `stage` of metrics: whether a log window is anomalous,
 * what the cause of an incident is, how to say it in plain words.
 */
export const MODEL_STAGES = ['triage', 'rootCause', 'explain'] as const;
export type ModelStage = (typeof MODEL_STAGES)[number];

/** A route, and what it is named for. */
export interface NamedRoute {
  readonly name: string;
  readonly stages: readonly ModelStage[];
}

/** The stages for which a policy names routes to models, with those routes in its order. */
export function stagesOf({ modelRouting }: Pick<PolicySpec, 'modelRouting'>): {
  readonly stage: ModelStage;
  readonly routes: readonly string[];
}[] {
  return MODEL_STAGES.map((stage) => ({ stage, routes: modelRouting[stage] })).filter(
    ({ routes }) => routes.length > 0,
  );
}

/** Every route that policies name, once. */
export function routesOf(
  policies: readonly { readonly spec: Pick<PolicySpec, 'modelRouting'> }[],
): NamedRoute[] {
  const named = new Map<string, Set<ModelStage>>();
  for (const { stage, routes } of policies.flatMap(({ spec }) => stagesOf(spec))) {
    for (const route of routes) named.set(route, (named.get(route) ?? new Set()).add(stage));
  }
  return [...named].map(([name, stages]) => ({
    name,
    stages: MODEL_STAGES.filter((stage) => stages.has(stage)),
  }));
}
