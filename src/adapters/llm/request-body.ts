import { defined } from '#lib/defined.ts';
import type { JsonObject, JsonValue } from '#lib/json.ts';
import type { StructuredMode } from './profiles.ts';
import type { ProviderError } from './reply.ts';
import type { Route } from './settings.ts';
import { fitsStrict, wireSchema } from './wire-schema.ts';

type Optional = 'temperature' | 'reasoning_effort';

/** The form of a request: what one provider refuses another demands. */
export interface Variant {
  readonly mode: StructuredMode;
  readonly omitted: readonly Optional[];
  readonly tokensField: 'max_tokens' | 'max_completion_tokens';
  /** The other name was tried, and refused. */
  readonly isSwapped: boolean;
}

export interface Prompt {
  readonly system: string;
  readonly user: string;
  readonly schema: JsonObject;
}

/** A failed answer and what is wrong with it; the answer is absent where it would not help. */
export interface Repair {
  readonly answer?: string;
  readonly problem: string;
}

/** More of a failed answer is not shown to the model again. */
const REPAIR_CHARS_MAX = 8_000;

/**
 * The form to begin with.
 *
 * @param known the form that this route was found to take
 */
export function firstVariant(
  { provider }: Route,
  schema: JsonObject,
  known: Variant | undefined,
): Variant {
  const { firstMode, tokensField } = provider.profile;
  const variant = known ?? { mode: firstMode, omitted: [], tokensField, isSwapped: false };
  return variant.mode === 'json_schema' && !fitsStrict(schema)
    ? { ...variant, mode: 'json_object' }
    : variant;
}

/**
 * The form to try after one was refused: without the parameter that the refusal names, else with a
 * looser hold on the answer.
 *
 * @returns `undefined` when there is none left
 */
export function nextVariant(
  variant: Variant,
  error: ProviderError,
  route: Route,
): Variant | undefined {
  const names = (parameter: string) =>
    error.param === parameter || error.message.includes(parameter);
  for (const parameter of optionalOf(route, variant)) {
    if (names(parameter)) return { ...variant, omitted: [...variant.omitted, parameter] };
  }
  if (!variant.isSwapped && names(variant.tokensField)) {
    const other = variant.tokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
    return { ...variant, tokensField: other, isSwapped: true };
  }
  if (variant.mode === 'prompt') return undefined;
  return { ...variant, mode: variant.mode === 'json_schema' ? 'json_object' : 'prompt' };
}

function optionalOf({ provider, model }: Route, { omitted }: Variant): readonly Optional[] {
  const { takesTemperature, reasoningEffort } = provider.profile;
  const thinks = reasoningEffort !== undefined && model.name.startsWith(reasoningEffort.namePrefix);
  const sent: Optional[] = [];
  if (takesTemperature) sent.push('temperature');
  if (thinks) sent.push('reasoning_effort');
  return sent.filter((parameter) => !omitted.includes(parameter));
}

/** The body of a chat completion. Holds nothing but the model's name, the prompt and its bounds. */
export function requestBody(
  route: Route,
  variant: Variant,
  prompt: Prompt,
  { maxTokens, repair }: { readonly maxTokens: number; readonly repair?: Repair | undefined },
): JsonObject {
  const { model, provider } = route;
  const sent = optionalOf(route, variant);
  return {
    model: model.name,
    messages: messages(prompt, repair),
    [variant.tokensField]: maxTokens,
    ...responseFormat(variant.mode, prompt.schema),
    ...(sent.includes('temperature') ? { temperature: 0 } : {}),
    ...(sent.includes('reasoning_effort')
      ? { reasoning_effort: provider.profile.reasoningEffort?.effort ?? 'low' }
      : {}),
    ...(provider.profile.isRouter ? routing(route) : {}),
  };
}

function messages(prompt: Prompt, repair: Repair | undefined): JsonValue[] {
  const { system, user, schema } = prompt;
  // Also with constrained decoding: most servers hold the answer to it, and do not show it to the model.
  const instruction = `Answer with one JSON object, and nothing else. It must fit this JSON Schema:\n${JSON.stringify(schema)}`;
  return [
    { role: 'system', content: `${system}\n\n${instruction}` },
    { role: 'user', content: user },
    ...repairMessages(repair),
  ];
}

function repairMessages(repair: Repair | undefined): JsonValue[] {
  if (repair === undefined) return [];
  const { answer, problem } = repair;
  const content = `Your answer cannot be used: ${problem}. Answer again, with the JSON object alone.`;
  return [
    ...(answer === undefined
      ? []
      : [{ role: 'assistant', content: answer.slice(0, REPAIR_CHARS_MAX) }]),
    { role: 'user', content },
  ];
}

function responseFormat(mode: StructuredMode, schema: JsonObject): JsonObject {
  if (mode === 'prompt') return {};
  if (mode === 'json_object') return { response_format: { type: 'json_object' } };
  return {
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'answer', strict: true, schema: wireSchema(schema) },
    },
  };
}

function routing({ model, provider }: Route): JsonObject {
  return {
    provider: defined({
      order: provider.order,
      // Otherwise a provider is chosen that ignores the schema.
      require_parameters: true,
      data_collection: provider.dataCollection,
    }),
    ...(model.fallbacks.length === 0 ? {} : { models: [model.name, ...model.fallbacks] }),
  };
}
