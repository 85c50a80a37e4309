import type { ModelUnavailableReason } from '#ports/model-client.ts';
import type { KeyGuard } from './key-guard.ts';
import { restAfterRefusal } from './rate-limit.ts';
import { type ProviderError, readError } from './reply.ts';
import type { WireAnswer } from './transport.ts';

/** Why a request that was sent has no answer. */
export type RequestFailure = Exclude<
  ModelUnavailableReason,
  'NoRoute' | 'BudgetExhausted' | 'CircuitOpen' | 'Busy'
>;

/**
 * What a failed request means for what comes next.
 * - `Again`: the same request may succeed, perhaps after a rest.
 * - `Otherwise`: a request of another form may be taken; of this one never.
 * - `Route`: this route takes none until a person or time has changed something.
 * - `Request`: it is about what was asked; the route is well.
 * - `Late`: no answer in time. It may have cost as much as one.
 */
export interface Failure {
  readonly next: 'Again' | 'Otherwise' | 'Route' | 'Request' | 'Late';
  readonly reason: RequestFailure;
  /** For people; clean. */
  readonly message: string;
  readonly restMs?: number;
  /** In the provider's words, for `Otherwise`. */
  readonly error?: ProviderError;
}

const CONTEXT =
  /context.{0,20}(?:length|window|size)|maximum context|prompt is too long|too many tokens|reduce the length/i;
/** OpenRouter, when no provider of the model takes every parameter: the model is there all the same. */
const NO_ENDPOINT = /no endpoints found that (?:can|support)/i;
const FILTERED = /content_filter|content_policy|moderation/i;
/** OpenAI says 429 for an empty purse, which no waiting fills. */
const NO_MONEY = /insufficient_quota|billing/i;

/** @param who for people: the provider and its host */
export function failureOf(
  answer: WireAnswer,
  context: { readonly who: string; readonly guard: KeyGuard; readonly wallMs: number },
): Failure {
  const { who, guard } = context;
  if (answer.kind === 'Failed') {
    const message = `${who}: ${answer.message}`;
    if (answer.reason === 'Aborted') return { next: 'Late', reason: 'TimedOut', message };
    const reason = answer.reason === 'Unreachable' ? 'Unreachable' : 'ServerError';
    return { next: 'Again', reason, message };
  }
  const error = readError(answer.text);
  const said = guard.message(error.message);
  const message = `${who} answered ${answer.status}${said === '' ? '' : `: ${said}`}`;
  const restMs = restAfterRefusal(answer.headers, context.wallMs);
  return { ...judge(answer.status, error, message), ...(restMs === undefined ? {} : { restMs }) };
}

/** An error in the body of a 200. */
export function failureInBody(error: ProviderError, who: string, guard: KeyGuard): Failure {
  const { status = 502 } = error;
  const message = `${who} answered 200 with error ${status}: ${guard.message(error.message)}`;
  return judge(status, error, message);
}

function judge(status: number, error: ProviderError, message: string): Failure {
  if (status === 408 || status === 425 || status >= 500) {
    return { next: 'Again', reason: 'ServerError', message };
  }
  if (status === 429 && !NO_MONEY.test(error.code)) {
    return { next: 'Again', reason: 'RateLimited', message };
  }
  if (status < 400 || !isAboutRequest(status, error)) {
    return { next: 'Route', reason: 'Refused', message };
  }
  if (error.isModeration || FILTERED.test(error.code)) {
    return { next: 'Request', reason: 'Declined', message };
  }
  if (status === 413 || CONTEXT.test(`${error.code} ${error.message}`)) {
    return { next: 'Request', reason: 'PromptTooLong', message };
  }
  return { next: 'Otherwise', reason: 'Refused', message, error };
}

/** Rather than about the key, the account or the model. */
function isAboutRequest(status: number, { message, isModeration }: ProviderError): boolean {
  if (status === 404) return NO_ENDPOINT.test(message);
  if (status === 403) return isModeration;
  return status === 400 || status === 413 || status === 422;
}
