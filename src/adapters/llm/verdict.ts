import type { JsonObject, JsonValue } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelUnavailableReason, ModelUsage } from '#ports/model-client.ts';
import type { JudgeAnswer } from './answer.ts';
import type { BreakerEnd } from './breaker.ts';
import { type Failure, failureInBody, failureOf, type RequestFailure } from './failure.ts';
import type { KeyGuard } from './key-guard.ts';
import { restAfterAnswer } from './rate-limit.ts';
import { type Reply, readReply } from './reply.ts';
import type { Repair } from './request-body.ts';
import type { RouteState } from './route-state.ts';
import type { Route } from './settings.ts';
import { NOTHING_USED, usageOf, usageUnanswered } from './spending.ts';
import type { WireAnswer } from './transport.ts';

/** What an answer is judged by. */
export interface Asking {
  readonly route: Route;
  readonly state: RouteState;
  readonly judge: JudgeAnswer;
  /** Fires when the caller wants no answer any more. */
  readonly cancelled: AbortSignal;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/** How one request has ended. */
export type Outcome = 'Answered' | RequestFailure;

export type RouteOutcome =
  | { readonly ok: true; readonly value: JsonValue; readonly model: string }
  | { readonly ok: false; readonly reason: ModelUnavailableReason; readonly message: string };

/** The key, the money or the model's name are for a person to mend. */
const SHUT_MS = 600_000;

/** Without an answer. */
type Refused = Extract<RouteOutcome, { readonly ok: false }>;

/** What may come next. */
export type Step =
  | { readonly kind: 'Done'; readonly outcome: RouteOutcome }
  | { readonly kind: 'Wait'; readonly waitMs: number; readonly instead: Refused }
  | { readonly kind: 'Again'; readonly failure: Failure }
  | { readonly kind: 'Otherwise'; readonly failure: Failure }
  | { readonly kind: 'Repair'; readonly repair: Repair; readonly isCut: boolean };

/** What came of one request, and what was sent. */
export interface Received {
  readonly answer: WireAnswer;
  readonly body: JsonObject;
  /** Most tokens that were asked for. */
  readonly maxTokens: number;
  readonly guard: KeyGuard;
}

/** What it means: for the question, for the breaker, for the budget and for metrics. */
export interface Verdict {
  readonly step: Step;
  readonly end: BreakerEnd;
  readonly outcome: Outcome;
  readonly usage: ModelUsage;
}

/** Judges what came of one request, and tells the state of its route what it shows of it. */
export function judgeAnswer(ask: Asking, received: Received): Verdict {
  const { route, state } = ask;
  const { answer, guard } = received;
  const wallMs = ask.clock.wallMs();
  if (answer.kind === 'Failed' || answer.status < 200 || answer.status > 299) {
    const failure = failureOf(answer, { who: who(route), guard, wallMs });
    // What broke off or came too late may have been paid for; a refusal is not.
    const isPaid = answer.kind === 'Failed' && answer.reason !== 'Unreachable';
    return judgeFailure(ask, failure, isPaid ? unanswered(ask, received) : NOTHING_USED);
  }
  const restMs = restAfterAnswer(answer.headers, wallMs);
  if (restMs !== undefined) state.breaker.rest(restMs);
  const reply = readReply(answer.text, guard);
  switch (reply.kind) {
    case 'Error':
      return judgeFailure(ask, failureInBody(reply.error, who(route), guard), NOTHING_USED);
    case 'Nonsense': {
      const message = `${who(route)} answered with no chat completion`;
      const failure = { next: 'Again', reason: 'ServerError', message } as const;
      return judgeFailure(ask, failure, unanswered(ask, received));
    }
    case 'Declined': {
      const usage = usageOf(route, reply.usage, { body: received.body, text: '' });
      const message = `${who(route)} declines: ${reply.message}`;
      return { ...WELL, outcome: 'Declined', usage, step: done('Declined', message) };
    }
    case 'Said':
      return judgeSaid(ask, reply, received);
  }
}

const WELL = { end: { kind: 'Well' } } as const satisfies Partial<Verdict>;

function judgeSaid(
  ask: Asking,
  reply: Extract<Reply, { kind: 'Said' }>,
  { body, guard }: Received,
): Verdict {
  const { route, state } = ask;
  const usage = usageOf(route, reply.usage, { body, text: reply.text });
  state.readiness = { ready: true };
  const { text: said, isCut } = reply;
  // Cleaned before it is checked: what is handed on is what fits the schema.
  const judged = ask.judge(said, (value) => guard.answer(value));
  if (judged.ok) {
    const model = reply.model ?? route.model.name;
    const outcome: RouteOutcome = { ok: true, value: judged.value, model };
    return { ...WELL, outcome: 'Answered', usage, step: { kind: 'Done', outcome } };
  }
  const repair = isCut
    ? { problem: `it was cut off after ${usage.completionTokens} tokens; be much shorter` }
    : { problem: judged.problem, ...(said.trim() === '' ? {} : { answer: said }) };
  return { ...WELL, outcome: 'InvalidAnswer', usage, step: { kind: 'Repair', repair, isCut } };
}

function unanswered({ route }: Asking, { body, maxTokens }: Received): ModelUsage {
  return usageUnanswered(route, body, maxTokens);
}

function judgeFailure(ask: Asking, failure: Failure, usage: ModelUsage): Verdict {
  const { state, cancelled } = ask;
  const { message, reason, restMs } = failure;
  const result = { outcome: cancelled.aborted ? ('Cancelled' as const) : reason, usage };
  const isOver: Step = { kind: 'Done', outcome: refused(failure) };
  const hasFailed: BreakerEnd = { kind: 'Failed', message };
  switch (failure.next) {
    case 'Late':
      return { ...result, end: cancelled.aborted ? UNKNOWN : hasFailed, step: isOver };
    case 'Again': {
      if (restMs !== undefined) state.breaker.rest(restMs);
      if (reason === 'Unreachable') state.readiness = { ready: false, reason, message };
      // Who says when to come again is well.
      const end = reason === 'RateLimited' && restMs !== undefined ? UNKNOWN : hasFailed;
      return { ...result, end, step: { kind: 'Again', failure } };
    }
    case 'Otherwise':
      return { ...result, ...WELL, step: { kind: 'Otherwise', failure } };
    case 'Request':
      return { ...result, ...WELL, step: isOver };
    case 'Route':
      state.readiness = { ready: false, reason: 'Refused', message };
      return { ...result, end: { kind: 'Shut', message, forMs: SHUT_MS }, step: isOver };
  }
}

/** Nothing was found out about the route. */
export const UNKNOWN: BreakerEnd = { kind: 'Unknown' };

export function refused({ reason, message }: Failure): Refused {
  return { ok: false, reason, message };
}

export function done(reason: ModelUnavailableReason, message: string): Step {
  return { kind: 'Done', outcome: { ok: false, reason, message } };
}

/** For people: the provider and where it lives. */
export function who({ name, provider }: Route): string {
  return `${name} at ${new URL(provider.baseUrl).host}`;
}
