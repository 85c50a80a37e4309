import type { JsonObject } from '#lib/json.ts';
import type { ModelUsage } from '#ports/model-client.ts';
import type { Spending } from './budget.ts';
import type { ReportedUsage } from './reply.ts';
import type { Route } from './settings.ts';

/** Log text takes a token for 2.3 characters; the usual 4 counts a third too few. */
const CHARS_PER_TOKEN = 2.3;
/** No tokenizer packs more into one: a count below is not believed. */
const CHARS_PER_TOKEN_MAX = 20;
const PER_TOKEN = 1e-6;

/**
 * US dollars for a million tokens where nobody told the price: what the dearer models cost, so that
 * an unknown price uses the budget up too early rather than never.
 */
const ASSUMED = { input: 3, output: 15 };

/** What a request may use at most. */
export function mostOf(route: Route, body: JsonObject, maxTokens: number): Spending {
  const promptTokens = estimatedTokens(JSON.stringify(body['messages']));
  return spendingOf(route, { promptTokens, completionTokens: maxTokens });
}

/** What an answer has used: by the provider's word where it can be true, else estimated. */
export function usageOf(
  route: Route,
  reported: ReportedUsage,
  { body, text }: { readonly body: JsonObject; readonly text: string },
): ModelUsage {
  const promptTokens = believed(reported.promptTokens, JSON.stringify(body['messages']));
  const completionTokens = believed(reported.completionTokens, text);
  const tokens = { promptTokens, completionTokens };
  const saidUsd = route.provider.profile.reportsCost ? reported.costUsd : undefined;
  const costUsd = saidUsd ?? knownCost(route, tokens);
  return { ...tokens, ...(costUsd === undefined ? {} : { costUsd }) };
}

/** Of a request that may have been carried out though no answer came. */
export function usageUnanswered(route: Route, body: JsonObject, maxTokens: number): ModelUsage {
  const promptTokens = estimatedTokens(JSON.stringify(body['messages']));
  const tokens = { promptTokens, completionTokens: maxTokens };
  const costUsd = knownCost(route, tokens);
  return { ...tokens, ...(costUsd === undefined ? {} : { costUsd }) };
}

/** What is taken from the budget for it. */
export function spendingOf(route: Route, usage: ModelUsage): Spending {
  const { promptTokens, completionTokens } = usage;
  const { usdPerMillionInput, usdPerMillionOutput } = route.model;
  const assumed = route.provider.profile.isFree ? { input: 0, output: 0 } : ASSUMED;
  const usd =
    promptTokens * PER_TOKEN * (usdPerMillionInput ?? assumed.input) +
    completionTokens * PER_TOKEN * (usdPerMillionOutput ?? assumed.output);
  return { tokens: promptTokens + completionTokens, usd: usage.costUsd ?? usd };
}

export const NOTHING_USED: ModelUsage = { promptTokens: 0, completionTokens: 0, costUsd: 0 };

/** A cost that is not known of one part is not known of the whole. */
export function added(one: ModelUsage, other: ModelUsage): ModelUsage {
  const isKnown = one.costUsd !== undefined && other.costUsd !== undefined;
  return {
    promptTokens: one.promptTokens + other.promptTokens,
    completionTokens: one.completionTokens + other.completionTokens,
    ...(isKnown ? { costUsd: (one.costUsd ?? 0) + (other.costUsd ?? 0) } : {}),
  };
}

function knownCost(
  { model, provider }: Route,
  { promptTokens, completionTokens }: ModelUsage,
): number | undefined {
  const { usdPerMillionInput: input, usdPerMillionOutput: output } = model;
  if (input !== undefined && output !== undefined) {
    return promptTokens * PER_TOKEN * input + completionTokens * PER_TOKEN * output;
  }
  return provider.profile.isFree ? 0 : undefined;
}

function estimatedTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

function believed(reported: number | undefined, text: string): number {
  const least = Math.floor(text.length / CHARS_PER_TOKEN_MAX);
  return reported === undefined || reported < least ? estimatedTokens(text) : reported;
}
