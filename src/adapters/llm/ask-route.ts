import type { JsonObject } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelAllowance, ModelStage, ModelUsage } from '#ports/model-client.ts';
import type { Budget } from './budget.ts';
import type { Failure } from './failure.ts';
import { createKeyGuard } from './key-guard.ts';
import {
  firstVariant,
  nextVariant,
  type Prompt,
  type Repair,
  requestBody,
  type Variant,
} from './request-body.ts';
import { mostOf, spendingOf } from './spending.ts';
import type { Transport, WireAnswer } from './transport.ts';
import {
  type Asking,
  done,
  judgeAnswer,
  type Outcome,
  type RouteOutcome,
  refused,
  type Step,
  UNKNOWN,
  type Verdict,
  who,
} from './verdict.ts';

/** One request that was sent, for metrics. */
export interface RequestEvent {
  readonly route: string;
  readonly stage: ModelStage;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly usage: ModelUsage;
}

export interface Ask extends Asking {
  readonly prompt: Prompt;
  readonly stage: ModelStage;
  readonly allowance: ModelAllowance;
  readonly maxTokens: number;
  /** Fires when the caller wants no answer any more, and when the time of the whole is over. */
  readonly stop: AbortSignal;
  /** Milliseconds until the time of the whole is over. */
  readonly remainingMs: () => number;
  /** Whether another route waits behind this one: then it is not waited for long. */
  readonly hasNext: boolean;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly transport: Transport;
  readonly onRequest: (event: RequestEvent) => void;
}

/** The first try and two more. */
const TRIES_MAX = 3;
/** Tries, changes of form and the repair together: a bound on what one question may send. */
const REQUESTS_MAX = 8;
const BACKOFF_MS = 500;
const PATIENCE_MS = 2_000;
/** A second chance for an answer that was cut off may take so many tokens. */
const REPAIR_TOKENS_MAX = 8_192;
const ANSWER_BYTES_MAX = 1_048_576;
/** A request that is not taken in any form may be this one's fault alone. */
const SHUT_FOR_REQUEST_MS = 60_000;

/** Asks one route, again where that may help, until it answers or there is no use. Never throws. */
export async function askRoute(ask: Ask): Promise<RouteOutcome> {
  const { route, state, prompt } = ask;
  const first = firstVariant(route, prompt.schema, state.variant);
  const maxTokens = Math.min(ask.maxTokens, route.model.maxTokens ?? Number.POSITIVE_INFINITY);
  let form: Form = { variant: first, maxTokens, failures: 0 };
  for (let sent = 0; sent < REQUESTS_MAX; sent += 1) {
    const step = await askOnce(ask, form);
    if (step.kind === 'Done') {
      if (step.outcome.ok && form.variant !== first) state.variant = form.variant;
      return step.outcome;
    }
    const next = await afterwards(ask, form, step);
    if ('ok' in next) return next;
    form = next;
  }
  return { ok: false, reason: 'Refused', message: `${who(route)} takes the request in no form` };
}

interface Form {
  readonly variant: Variant;
  readonly maxTokens: number;
  readonly repair?: Repair;
  /** So often the same request was to be sent again. */
  readonly failures: number;
}

/** @returns the form of the next request, once it may be sent; or what it has come to */
async function afterwards(
  ask: Ask,
  form: Form,
  step: Exclude<Step, { kind: 'Done' }>,
): Promise<Form | RouteOutcome> {
  switch (step.kind) {
    case 'Wait':
      return (await hasWaited(ask, step.waitMs)) ? form : step.instead;
    case 'Again': {
      const failures = form.failures + 1;
      const waitMs = step.failure.restMs ?? backoff(failures, ask.clock);
      const mayTry = failures < TRIES_MAX && (await hasWaited(ask, waitMs));
      return mayTry ? { ...form, failures } : refused(step.failure);
    }
    case 'Otherwise': {
      const { error } = step.failure;
      const variant = error === undefined ? undefined : nextVariant(form.variant, error, ask.route);
      return variant === undefined ? shutFor(ask, step.failure) : { ...form, variant };
    }
    case 'Repair':
      return form.repair === undefined ? repaired(ask, form, step) : invalid(ask, step.repair);
  }
}

function repaired({ route }: Ask, form: Form, step: Extract<Step, { kind: 'Repair' }>): Form {
  const { repair, isCut } = step;
  if (!isCut) return { ...form, repair };
  const most = Math.min(REPAIR_TOKENS_MAX, route.model.maxTokens ?? REPAIR_TOKENS_MAX);
  const maxTokens = Math.max(form.maxTokens, Math.min(2 * form.maxTokens, most));
  return { ...form, repair, maxTokens };
}

/** One request, from asking the breaker to telling it how it ended. */
async function askOnce(ask: Ask, form: Form): Promise<Step> {
  const { route, state } = ask;
  const admission = state.breaker.admit();
  if (admission.kind === 'Open') {
    return done('CircuitOpen', `${route.name} is not asked for a while: ${admission.message}`);
  }
  if (admission.kind === 'Resting') {
    const message = `${who(route)} wants to be left alone for ${admission.waitMs} ms`;
    return {
      kind: 'Wait',
      waitMs: admission.waitMs,
      instead: { ok: false, reason: 'RateLimited', message },
    };
  }
  const release = await acquire(ask);
  if (release === undefined) {
    admission.end(UNKNOWN);
    return done('Busy', `${who(route)}: ${route.provider.maxConcurrent} requests are under way`);
  }
  try {
    const { step, end } = await send(ask, form);
    admission.end(end);
    return step;
  } finally {
    release();
    // Nothing but a bug leaves it open, and that must not shut the route for good.
    admission.end(UNKNOWN);
  }
}

async function acquire(ask: Ask): Promise<(() => void) | undefined> {
  const { state, clock, stop, hasNext } = ask;
  if (!hasNext) return state.slots.acquire(stop);
  const impatience = new AbortController();
  const cancel = clock.after(PATIENCE_MS, () => impatience.abort());
  const release = await state.slots.acquire(AbortSignal.any([stop, impatience.signal]));
  cancel();
  return release;
}

async function send(ask: Ask, form: Form): Promise<Pick<Verdict, 'step' | 'end'>> {
  const { route, prompt, budget, allowance, clock } = ask;
  const body = requestBody(route, form.variant, prompt, form);
  const reserved = budget.reserve(allowance, mostOf(route, body, form.maxTokens));
  if (!reserved.ok) {
    return { step: done('BudgetExhausted', reserved.message), end: UNKNOWN };
  }
  const guard = createKeyGuard(route.provider.apiKey);
  const sentAtMs = clock.bootMs();
  const answer = await exchange(ask, body);
  const judged = judgeAnswer(ask, { answer, body, maxTokens: form.maxTokens, guard });
  reserved.settle(spendingOf(route, judged.usage));
  ask.onRequest({
    route: route.name,
    stage: ask.stage,
    outcome: judged.outcome,
    durationMs: clock.bootMs() - sentAtMs,
    usage: judged.usage,
  });
  return judged;
}

/** Sends it, and gives it up in time for the routes behind this one. */
async function exchange(ask: Ask, body: JsonObject): Promise<WireAnswer> {
  const { route, clock, stop, hasNext, transport } = ask;
  const { baseUrl, apiKey, timeoutMs } = route.provider;
  const share = hasNext ? ask.remainingMs() / 2 : ask.remainingMs();
  const patience = new AbortController();
  const cancel = clock.after(Math.min(timeoutMs, share), () => patience.abort());
  try {
    return await transport(
      {
        method: 'POST',
        url: `${baseUrl}/chat/completions`,
        body,
        bytesMax: ANSWER_BYTES_MAX,
        ...(apiKey === undefined ? {} : { apiKey }),
      },
      AbortSignal.any([stop, patience.signal]),
    );
  } finally {
    cancel();
  }
}

/** No form of the request was taken. */
function shutFor({ state }: Ask, failure: Failure): RouteOutcome {
  const { message } = failure;
  const admission = state.breaker.admit();
  if (admission.kind === 'Admitted') {
    admission.end({ kind: 'Shut', message, forMs: SHUT_FOR_REQUEST_MS });
  }
  state.readiness = { ready: false, reason: 'Refused', message };
  return refused(failure);
}

/** @returns whether it was worth waiting for, and has been */
async function hasWaited({ hasNext, remainingMs, clock, stop }: Ask, waitMs: number) {
  const leftMs = remainingMs();
  if (waitMs >= (hasNext ? Math.min(PATIENCE_MS, leftMs) : leftMs)) return false;
  await clock.sleep(waitMs, stop);
  return !stop.aborted;
}

/** Half of it by chance, so that those who failed together do not come again together. */
function backoff(tries: number, clock: Pick<Clock, 'random'>): number {
  const fullMs = BACKOFF_MS * 2 ** (tries - 1);
  return Math.round(fullMs / 2 + (fullMs / 2) * clock.random());
}

function invalid({ route }: Ask, { problem }: Repair): RouteOutcome {
  const message = `${who(route)} answered unfit for use, twice: ${problem}`;
  return { ok: false, reason: 'InvalidAnswer', message };
}
