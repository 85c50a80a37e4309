// Asks the deep model about a recorded incident as the product does: the same question, the same
// client, the same reading of the answer.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { parseExchanges, recordExchanges, replayExchanges } from '#adapters/llm/recording.ts';
import { createTransport, type Transport } from '#adapters/llm/transport.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { ModelTalk } from '#controller/model-talk.ts';
import { conclusionOf, rootCauseQuestion } from '#core/advice/root-cause.ts';
import type { Matter } from '#core/advice/sections.ts';
import type { ModelUse } from '#core/incident/incident.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { loadModels } from '#entry/models.ts';
import { readConfiguration } from '#entry/wiring.ts';
import { VERSION } from '#lib/version.ts';
import type { ModelClient } from '#ports/model-client.ts';

export interface AskOptions {
  /** `provider/alias` or `provider/model`; the first of the defaults with a key unless given. */
  readonly model?: string;
  /** Where the provider of `model` is, `local` unless it is named; goes before the SentinelConfig. */
  readonly baseUrl?: string;
  /** File that exchanges are written to, or answered from. */
  readonly record?: string;
  readonly replay?: string;
  /** Of one question. */
  readonly withinMs: number;
}

export interface Asker {
  readonly route: string;
  ask(matter: Matter): Promise<Asked>;
}

export interface Asked {
  /** Cause and explanation; empty where nobody answered. */
  readonly text: string;
  readonly use: ModelUse;
  /** From the question to the answer, repairs and repetitions included. */
  readonly tookMs: number;
}

/** The deep models that need no more than a key. */
export const DEFAULT_ROUTES = ['openrouter/deep', 'cerebras/deep'] as const;
const NEVER = new AbortController().signal;
/** What a policy may spend does not bound a measurement. */
const BUDGET = { tokensPerHour: 100_000_000, usdPerDay: 10_000 };

/** @returns why no model is at hand where there is none */
export async function openAsker(
  env: Readonly<Record<string, string | undefined>>,
  options: AskOptions,
): Promise<Asker | { readonly missing: string }> {
  const { config, settings } = await readConfiguration(env, {});
  const transport = transportOf(options);
  const providers = withAddress(settings.providers, options);
  const secret = options.replay === undefined ? config.secret : withAnyKey(config.secret);
  const models = await loadModels({
    config: { secret },
    settings: { providers },
    clock: createSystemClock(),
    transport,
  });
  const routes = options.model === undefined ? DEFAULT_ROUTES : [options.model];
  const route = routes.find((name) => isConfigured(models, name));
  if (route === undefined)
    return { missing: routes.map((name) => problemOf(models, name)).join('; ') };
  return { route, ask: (matter) => ask(models, { route, withinMs: options.withinMs }, matter) };
}

async function ask(
  models: ModelClient,
  { route, withinMs }: { readonly route: string; readonly withinMs: number },
  matter: Matter,
): Promise<Asked> {
  const { policy, view } = matter.situation;
  const modelRouting = { ...policy.spec.modelRouting, rootCause: [route], budget: BUDGET };
  const talk = new ModelTalk({
    clock: createSystemClock(),
    models,
    policy: { ...policy, spec: { ...policy.spec, modelRouting } },
    withinMs,
    signal: NEVER,
  });
  const begunAtMs = performance.now();
  const { value, use } = await talk.ask('rootCause', rootCauseQuestion(matter));
  const tookMs = performance.now() - begunAtMs;
  const conclusion =
    value === undefined
      ? undefined
      : conclusionOf(value, {
          incident: matter.incident,
          refs: matter.refs,
          offered: matter.offered.map(({ candidate }) => candidate.id),
          redactor: view.container?.secrets?.redactor,
        });
  const text = conclusion === undefined ? '' : `${conclusion.rootCause}: ${conclusion.explanation}`;
  return { text, use, tookMs };
}

function transportOf({ record, replay }: AskOptions): Transport {
  if (replay !== undefined) {
    return replayExchanges(parseExchanges(readFileSync(replay, 'utf8'))).transport;
  }
  const network = createTransport(VERSION);
  if (record === undefined) return network;
  writeFileSync(record, '');
  return recordExchanges(network, (line) => appendFileSync(record, line));
}

type Providers = SentinelConfig['spec']['providers'];

/** A model of one's own may take longer than providers do. */
function withAddress(
  providers: Providers,
  { model = '', baseUrl, withinMs }: AskOptions,
): Providers {
  if (baseUrl === undefined) return providers;
  const name = model.split('/')[0] || 'local';
  const { spec } = SentinelConfig.parse({
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelConfig',
    spec: { providers: { [name]: { baseUrl, timeout: `${Math.ceil(withinMs / 1_000)}s` } } },
  });
  const configured = providers[name];
  return configured === undefined
    ? { ...providers, ...spec.providers }
    : { ...providers, [name]: { ...configured, baseUrl } };
}

/** A key that nobody checks: prices are known without one, and recordings hold none. */
export function withAnyKey(secret: (name: string) => string | undefined) {
  return (name: string) => secret(name) ?? (name.endsWith('_KEY') ? 'none-is-needed' : undefined);
}

function isConfigured(models: ModelClient, route: string): boolean {
  const readiness = models.readiness(route);
  return readiness.ready || readiness.reason === 'NotProbed';
}

function problemOf(models: ModelClient, route: string): string {
  const readiness = models.readiness(route);
  return readiness.ready ? `${route} is ready` : readiness.message;
}
