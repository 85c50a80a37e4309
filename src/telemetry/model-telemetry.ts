import { forgetSeries } from './forget-series.ts';
import { LLM_DIRECTIONS, LLM_OUTCOMES, type LLM_STAGES } from './label-values.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

type Stage = (typeof LLM_STAGES)[number];

/** One request that was sent to a language model, when it has ended. */
export interface ModelRequestEnd {
  readonly route: string;
  readonly stage: Stage;
  readonly outcome: (typeof LLM_OUTCOMES)[number];
  readonly durationMs: number;
  readonly usage: {
    readonly promptTokens: number;
    readonly completionTokens: number;
    readonly costUsd?: number;
  };
}

/** A route that policies name, and what for. */
export interface NamedRoute {
  readonly name: string;
  readonly stages: readonly Stage[];
}

/** So many routes have series of their own; what the rest do is counted under `other`. */
const ROUTES_MAX = 64;
const OTHER = 'other';

/** Follows the routes to language models: what was asked over them, and whether they can be asked. */
export function modelTelemetry(metrics: Metrics, log: Logger) {
  let known: ReadonlySet<string> = new Set();
  const labelOf = (route: string) => (known.has(route) ? route : OTHER);

  return {
    /** @param routes all that the policies in force name */
    onRoutes(routes: readonly NamedRoute[]): void {
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

    onRequest({ route, stage, outcome, durationMs, usage }: ModelRequestEnd): void {
      const labels = { route: labelOf(route) };
      metrics.llmRequests.inc({ ...labels, stage, outcome });
      metrics.llmDuration.observe({ ...labels, stage }, durationMs / 1_000);
      metrics.llmTokens.inc({ ...labels, direction: 'in' }, usage.promptTokens);
      metrics.llmTokens.inc({ ...labels, direction: 'out' }, usage.completionTokens);
      if (usage.costUsd !== undefined) metrics.llmCost.inc(labels, usage.costUsd);
    },

    /** A route can be asked now, or no longer: told once per change. */
    onReadiness(
      route: string,
      readiness:
        | { readonly ready: true }
        | { readonly ready: false; readonly reason: string; readonly message: string },
    ): void {
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
