import { counted } from '#lib/counted.ts';
import { shortened } from '#lib/plain-text.ts';
import type { IncidentObject } from './schema.ts';

type ModelUse = NonNullable<NonNullable<IncidentObject['status']['diagnosis']>['models']>[number];

/** `the model MODEL at ROUTE`: who concluded, where a model did. */
export function concluderWords(models: readonly ModelUse[]): string {
  const use = models.findLast(
    ({ stage, outcome }) => stage === 'rootCause' && outcome === 'Answered',
  );
  return use === undefined ? 'a model' : `the model ${whoWords(use)}`;
}

const STAGE_WORDS: Readonly<Record<ModelUse['stage'], string>> = {
  triage: 'Whether its log is unusual',
  rootCause: 'The cause',
  explain: 'The words for everybody',
};

/** What became of a question; what is not listed stands for itself. */
const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  NoRoute: 'no model is configured for it',
  BudgetExhausted: 'what the policy grants for models is spent',
  CircuitOpen: 'it failed too often, or for a reason that a person must mend',
  RateLimited: 'the provider asks for more rest than there is time',
  Busy: 'too much was asked at the same time',
  TimedOut: 'it took too long',
  Unreachable: 'the provider cannot be reached',
  ServerError: 'the provider has trouble of its own',
  Refused: 'the provider does not accept the key, the model or the request',
  PromptTooLong: 'the question is too long for it',
  Declined: 'the model, or a filter before it, does not want to answer',
  InvalidAnswer: 'what was answered cannot be used',
  Cancelled: 'it was not needed any more',
};

const MESSAGE_CHARS_MAX = 300;

/** One line for each question to models, and one for all of them together where there are several. */
export function usageLines(models: readonly ModelUse[]): string[] {
  const lines = models.map((use) => `${STAGE_WORDS[use.stage]}: ${answerWords(use)}; ${took(use)}`);
  return models.length < 2 ? lines : [...lines, `Together: ${took(together(models))}`];
}

function answerWords(use: ModelUse): string {
  const { outcome, message } = use;
  if (outcome === 'Answered') return `answered by ${whoWords(use)}`;
  if (outcome === 'NotConfident') {
    return `answered by ${whoWords(use)}, not sure enough or without evidence that exists`;
  }
  const meaning = Object.hasOwn(OUTCOME_WORDS, outcome) ? OUTCOME_WORDS[outcome] : undefined;
  const why = [meaning, message && shortened(message, MESSAGE_CHARS_MAX)].filter(Boolean);
  return `no answer, ${outcome}${why.length === 0 ? '' : ` (${why.join('; ')})`}`;
}

const NAME_CHARS_MAX = 100;

/** The provider itself may say who answered. */
function whoWords({ model = 'unknown', route }: ModelUse): string {
  const name = shortened(model, NAME_CHARS_MAX);
  return route === undefined ? name : `${name} at ${shortened(route, NAME_CHARS_MAX)}`;
}

type Usage = Pick<ModelUse, 'requests' | 'promptTokens' | 'completionTokens' | 'costUsd'> & {
  readonly isPartOfCost?: boolean;
};

function took({ requests, promptTokens, completionTokens, costUsd, isPartOfCost }: Usage): string {
  const asked = counted(requests, 'request');
  if (promptTokens + completionTokens === 0 && costUsd === undefined) return `${asked}, no tokens`;
  const tokens = `${counted(promptTokens, 'token')} in, ${completionTokens} out`;
  const cost = costUsd === undefined ? 'no price known' : dollars(costUsd);
  const part = isPartOfCost === true ? ', without what has no price' : '';
  return `${asked}, ${tokens}, ${cost}${part}`;
}

function together(models: readonly ModelUse[]): Usage {
  const sum = (valueOf: (use: ModelUse) => number) =>
    models.reduce((total, use) => total + valueOf(use), 0);
  const sent = models.filter((use) => use.promptTokens + use.completionTokens > 0);
  const priced = sent.filter(({ costUsd }) => costUsd !== undefined);
  return {
    requests: sum((use) => use.requests),
    promptTokens: sum((use) => use.promptTokens),
    completionTokens: sum((use) => use.completionTokens),
    ...(priced.length === 0 ? {} : { costUsd: sum(({ costUsd = 0 }) => costUsd) }),
    isPartOfCost: priced.length > 0 && priced.length < sent.length,
  };
}

const SMALLEST_USD = 0.0001;

function dollars(usd: number): string {
  if (usd > 0 && usd < SMALLEST_USD) return `less than $${SMALLEST_USD}`;
  return `$${Number(usd.toFixed(4))}`;
}
