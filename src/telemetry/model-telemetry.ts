import type { ModelStage, NamedRoute } from '#core/policy/routes.ts';
import { forgetSeries } from './forget-series.ts';
import { LLM_DIRECTIONS, LLM_OUTCOMES } from './label-values.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** One request that was sent to a language model, when it has ended. */
export interface ModelRequestEnd {
  readonly route: string;
  readonly stage: ModelStage;
  readonly outcome: (typeof LLM_OUTCOMES)[number];
  readonly durationMs: number;
  readonly usage: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly costUsd?: number;
  };
}

export interface ModelTelemetry {
  /** @param routes all that the policies in force name */
  readonly onRoutes: (routes: readonly NamedRoute[]) => void;
  readonly onRequest: (end: ModelRequestEnd) => void;
  /** A route can be asked now, or no longer. */
  readonly onReadiness: (
    route: string,
    readiness:
      | { readonly ready: true }
      | { readonly ready: false; readonly reason: string; readonly message: string },
  ) => void;
}

/** So many routes have series of their own; what the rest do is counted under `other`. */
const ROUTES_MAX = 64;
const OTHER = 'other';

/** Follows the routes to language models: what was asked over them, and whether they can be asked. */
export function modelTelemetry(metrics: Metrics, log: Logger): ModelTelemetry {
  let known: ReadonlySet<string> = new Set();
  const labelOf = (route: string) => (known.has(route) ? route : OTHER);

  return {
    onRoutes(routes) {
      // Who has series keeps them, however many come.
      const held = routes.filter(({ name }) => known.has(name));
      const fresh = routes.filter(({ name }) => !known.has(name));
      const now = [...held, ...fresh].slice(0, ROUTES_MAX);
      const names = new Set(now.map(({ name }) => name));
      for (const name of known) {
        if (!names.has(name)) void forgetSeries(metrics.registry, 'route', name);
      }
      known = names;
      for (const route of now) beginSeries(metrics, route);
    },

    onRequest({ route, stage, outcome, durationMs, usage }) {
      const labels = { route: labelOf(route) };
      metrics.llmRequests.inc({ ...labels, stage, outcome });
      metrics.llmDuration.observe({ ...labels, stage }, durationMs / 1_000);
      metrics.llmTokens.inc({ ...labels, direction: 'in' }, usage.promptTokens);
      metrics.llmTokens.inc({ ...labels, direction: 'out' }, usage.completionTokens);
      if (usage.costUsd !== undefined) metrics.llmCost.inc(labels, usage.costUsd);
    },

    onReadiness(route, readiness) {
      if (readiness.ready) log.info({ route }, 'a language model can be asked');
      else {
        const { reason, message: detail } = readiness;
        log.warn({ route, reason, detail }, 'a language model cannot be asked');
      }
    },
  };
}

/** A series that begins at one has not increased. */
function beginSeries(metrics: Metrics, { name: route, stages }: NamedRoute): void {
  for (const stage of stages) {
    for (const outcome of LLM_OUTCOMES) metrics.llmRequests.inc({ route, stage, outcome }, 0);
  }
  for (const direction of LLM_DIRECTIONS) metrics.llmTokens.inc({ route, direction }, 0);
  metrics.llmCost.inc({ route }, 0);
}
