import { z } from 'zod';
import { defined } from '#lib/defined.ts';
import type { JsonObject } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type { RouteReadiness } from '#ports/model-client.ts';
import { failureOf } from './failure.ts';
import { createKeyGuard } from './key-guard.ts';
import { parseJson } from './reply.ts';
import type { Route } from './settings.ts';
import type { Transport, WireAnswer } from './transport.ts';
import { who } from './verdict.ts';

/** OpenRouter lists several hundred models, each with a page of text. */
const LIST_BYTES_MAX = 16 * 2 ** 20;
const MODELS_MAX = 20_000;

const ModelList = z.object({ data: z.array(z.object({ id: z.string() })).max(MODELS_MAX) });

export interface ProbeContext {
  readonly transport: Transport;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/**
 * Asks whether a route would take a request: is the key good, and does the provider have the model?
 * The list of models tells; a server without one is asked for a single token.
 */
export async function probeRoute(
  route: Route,
  context: ProbeContext,
  signal: AbortSignal,
): Promise<RouteReadiness> {
  const { profile } = route.provider;
  const ask: Ask = (method, path, body) => send(route, context, { method, path, body, signal });
  if (profile.keyPath !== undefined) {
    const key = await ask('GET', profile.keyPath);
    if (goodText(key) === undefined) return notReady(route, context, key);
  }
  const listed = await ask('GET', '/models');
  const text = goodText(listed);
  const models = ModelList.safeParse(parseJson(text ?? ''));
  if (models.success) return isListed(route, models.data);
  const hasNoList = text !== undefined || (listed.kind === 'Answered' && listed.status === 404);
  if (!hasNoList) return notReady(route, context, listed);
  const answer = await ask('POST', '/chat/completions', {
    model: route.model.name,
    messages: [{ role: 'user', content: 'Say yes.' }],
    [profile.tokensField]: 1,
  });
  return goodText(answer) === undefined ? notReady(route, context, answer) : { ready: true };
}

type Ask = (method: 'GET' | 'POST', path: string, body?: JsonObject) => Promise<WireAnswer>;

function send(
  { provider }: Route,
  { transport }: ProbeContext,
  request: Pick<Parameters<Transport>[0], 'method'> & {
    readonly path: string;
    readonly body: JsonObject | undefined;
    readonly signal: AbortSignal;
  },
): Promise<WireAnswer> {
  const { method, path, body, signal } = request;
  const url = `${provider.baseUrl}${path}`;
  const { apiKey } = provider;
  return transport({ method, url, bytesMax: LIST_BYTES_MAX, ...defined({ apiKey, body }) }, signal);
}

function isListed(route: Route, { data }: z.infer<typeof ModelList>): RouteReadiness {
  if (data.some(({ id }) => id === route.model.name)) return { ready: true };
  const message = `${who(route)} has no model ${route.model.name}: see its list of models`;
  return { ready: false, reason: 'ModelUnknown', message };
}

function goodText(answer: WireAnswer): string | undefined {
  const isGood = answer.kind === 'Answered' && answer.status >= 200 && answer.status < 300;
  return isGood ? answer.text : undefined;
}

function notReady(route: Route, { clock }: ProbeContext, answer: WireAnswer): RouteReadiness {
  const guard = createKeyGuard(route.provider.apiKey);
  const failure = failureOf(answer, { who: who(route), guard, wallMs: clock.wallMs() });
  const { reason, message, next } = failure;
  if (reason === 'RateLimited') return { ready: false, reason, message };
  const mayRecover = next === 'Again' || next === 'Late';
  return { ready: false, reason: mayRecover ? 'Unreachable' : 'Refused', message };
}
