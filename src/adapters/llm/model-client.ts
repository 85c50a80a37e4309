import { createHash } from 'node:crypto';
import { withDeadline } from '#lib/deadline.ts';
import type { Clock } from '#ports/clock.ts';
import type {
  ModelClient,
  ModelRequest,
  ModelResult,
  ModelUnavailableReason,
  ModelUsage,
  RouteReadiness,
} from '#ports/model-client.ts';
import { createJudge } from './answer.ts';
import { createAnswerCache } from './answer-cache.ts';
import { askRoute, type RequestEvent } from './ask-route.ts';
import { type Budget, createBudget } from './budget.ts';
import { probeRoute } from './probe.ts';
import { createRouteStates, type RouteStates } from './route-state.ts';
import { type ProviderSettings, resolveRoute } from './settings.ts';
import { added, NOTHING_USED } from './spending.ts';
import type { Transport } from './transport.ts';

export interface ModelClientOptions {
  readonly providers: ReadonlyMap<string, ProviderSettings>;
  readonly clock: Clock;
  readonly transport: Transport;
  /** Told of each request that was sent, when it has ended. */
  readonly onRequest?: (event: RequestEvent) => void;
}

const CACHE = { entriesMax: 256, ttlMs: 600_000 };
/** Requests are stopped so long before the time is over, to hear what became of them. */
const GRACE_MS = 250;
/** Nobody waits for longer, and timers take no more than some weeks. */
const TIMEOUT_MS_MAX = 3_600_000;
const PROBE_MS = 10_000;

type Answer = Extract<ModelResult, { readonly kind: 'Answer' }>;
type Kept = Pick<Answer, 'value' | 'route' | 'model'>;

/** Asks models of any provider that speaks the OpenAI protocol. */
export function createModelClient(options: ModelClientOptions): ModelClient {
  const { providers, clock, onRequest = () => undefined } = options;
  const states = createRouteStates(clock);
  const shared: Shared = { ...options, states, budget: createBudget(clock) };
  const cache = createAnswerCache<Kept>(clock, CACHE);

  async function complete(request: ModelRequest, cancelled: AbortSignal): Promise<ModelResult> {
    const promptDigest = digestOf(request);
    const key = `${promptDigest} ${request.maxTokens} ${request.routes.join(' ')}`;
    const kept = cache.get(key);
    if (kept !== undefined) {
      return { kind: 'Answer', ...kept, usage: NOTHING_USED, promptDigest, isCached: true };
    }
    let usage: ModelUsage = NOTHING_USED;
    const ended = await inTime(
      clock,
      Math.min(request.timeoutMs, TIMEOUT_MS_MAX),
      cancelled,
      (bounds) =>
        askInTurn(shared, request, {
          ...bounds,
          onRequest(event) {
            usage = added(usage, event.usage);
            onRequest(event);
          },
        }),
    );
    if (ended.kind === 'Unavailable') return { ...ended, usage, promptDigest };
    cache.set(key, ended.kept);
    return { kind: 'Answer', ...ended.kept, usage, promptDigest, isCached: false };
  }

  async function probe(name: string, signal: AbortSignal): Promise<RouteReadiness> {
    const route = resolveRoute(name, providers);
    if ('ready' in route) return route;
    const state = states(route);
    const ask = (limited: AbortSignal) => probeRoute(route, options, limited);
    const readiness = await withDeadline(clock, PROBE_MS, ask, signal);
    // Who gives up has not found anything out.
    if (signal.aborted) return readiness;
    state.readiness = readiness;
    if (readiness.ready) state.breaker.close();
    return readiness;
  }

  function readiness(name: string): RouteReadiness {
    const route = resolveRoute(name, providers);
    if ('ready' in route) return route;
    const { breaker, readiness: known } = states(route);
    const failing = breaker.openFor();
    if (failing !== undefined && known?.ready !== false) {
      return { ready: false, reason: 'Unreachable', message: failing };
    }
    return known ?? { ready: false, reason: 'NotProbed', message: `${name} was not asked yet` };
  }

  return { complete, readiness, probe };
}

interface Shared extends Pick<ModelClientOptions, 'providers' | 'clock' | 'transport'> {
  readonly states: RouteStates;
  readonly budget: Budget;
}

/** One route after the other, until one answers. */
async function askInTurn(shared: Shared, request: ModelRequest, run: Run): Promise<Ended> {
  const { providers, states, clock, budget, transport } = shared;
  const judge = await createJudge(request.schema);
  const said: string[] = [];
  let reason: ModelUnavailableReason = 'NoRoute';
  const routes = request.routes.flatMap((name) => {
    const route = resolveRoute(name, providers);
    if ('ready' in route) said.push(route.message);
    return 'ready' in route ? [] : [route];
  });
  for (const [index, route] of routes.entries()) {
    if (run.stop.aborted) {
      said.push(`no time was left for ${route.name}`);
      return { kind: 'Unavailable', reason: 'TimedOut', message: said.join('; ') };
    }
    const { system, user, schema, stage, allowance, maxTokens } = request;
    const prompt = { system, user, schema };
    const hasNext = index < routes.length - 1;
    const asked = { stage, allowance, maxTokens, judge, prompt, hasNext, clock, budget, transport };
    const outcome = await askRoute({ ...run, ...asked, route, state: states(route) });
    if (outcome.ok) {
      const { value, model } = outcome;
      return { kind: 'Answer', kept: { value, model, route: route.name } };
    }
    said.push(outcome.message);
    reason = outcome.reason;
  }
  const message = said.length === 0 ? 'no route is given' : said.join('; ');
  return { kind: 'Unavailable', reason, message };
}

type Ended =
  | { readonly kind: 'Answer'; readonly kept: Kept }
  | {
      readonly kind: 'Unavailable';
      readonly reason: ModelUnavailableReason;
      readonly message: string;
    };

interface Bounds {
  readonly cancelled: AbortSignal;
  readonly stop: AbortSignal;
  readonly remainingMs: () => number;
}
interface Run extends Bounds {
  readonly onRequest: (event: RequestEvent) => void;
}

/**
 * Does the work until the time is over or the caller cancels. The work is told to stop shortly
 * before, and not waited for when it does not.
 */
async function inTime(
  clock: Clock,
  timeoutMs: number,
  cancelled: AbortSignal,
  work: (bounds: Bounds) => Promise<Ended>,
): Promise<Ended> {
  const softMs = timeoutMs - Math.min(GRACE_MS, timeoutMs / 10);
  const endsAtMs = clock.bootMs() + softMs;
  const deadline = new AbortController();
  const over = Promise.withResolvers<Ended>();
  const end = (reason: ModelUnavailableReason, message: string) =>
    over.resolve({ kind: 'Unavailable', reason, message });
  const onCancel = () => end('Cancelled', 'the answer is no longer wanted');
  if (cancelled.aborted) onCancel();
  cancelled.addEventListener('abort', onCancel);
  const timers = [
    clock.after(softMs, () => deadline.abort()),
    clock.after(timeoutMs, () => end('TimedOut', `no answer within ${timeoutMs} ms`)),
  ];
  try {
    const bounds: Bounds = {
      cancelled,
      stop: AbortSignal.any([cancelled, deadline.signal]),
      remainingMs: () => endsAtMs - clock.bootMs(),
    };
    return await Promise.race([over.promise, work(bounds)]);
  } finally {
    cancelled.removeEventListener('abort', onCancel);
    for (const cancel of timers) cancel();
  }
}

function digestOf({ system, user, schema }: ModelRequest): string {
  const text = JSON.stringify([system, user, schema]);
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
