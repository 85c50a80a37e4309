import { z } from 'zod';
import { defined } from '#lib/defined.ts';
import type { KeyGuard } from './key-guard.ts';

/** What a provider says of the tokens; what makes no sense is taken as not said. */
const Count = z.int().min(0).max(100_000_000).optional().catch(undefined);
const Usage = z.object({
  prompt_tokens: Count,
  completion_tokens: Count,
  cost: z.number().min(0).max(10_000).optional().catch(undefined),
});

const Part = z.looseObject({ type: z.string(), text: z.string().optional() });
const Choice = z.object({
  finish_reason: z.string().nullish().catch(undefined),
  message: z.object({
    content: z.union([z.string(), z.array(Part)]).nullish(),
    refusal: z.string().nullish().catch(undefined),
  }),
});

const Completion = z.object({
  model: z.string().optional().catch(undefined),
  provider: z.string().optional().catch(undefined),
  choices: z.array(Choice).min(1),
  usage: Usage.nullish().catch(undefined),
});

const Code = z.union([z.string(), z.number()]).nullish().catch(undefined);
const ErrorObject = z.object({
  message: z.string().catch(''),
  code: Code,
  type: Code,
  param: z.string().nullish().catch(undefined),
  metadata: z.looseObject({ reasons: z.unknown().optional() }).nullish().catch(undefined),
});
type ErrorObject = z.infer<typeof ErrorObject>;

const ErrorBody = z.object({
  error: z.union([z.string().transform((message): ErrorObject => ({ message })), ErrorObject]),
});

export interface ReportedUsage {
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  readonly costUsd?: number;
}

/** What a provider says went wrong, in its words. */
export interface ProviderError {
  readonly message: string;
  readonly code: string;
  /** The parameter that it does not take. */
  readonly param: string;
  /** Its own filter found something in what was sent. */
  readonly isModeration: boolean;
  /** Some send their status in the body of a 200. */
  readonly status?: number;
}

export type Reply =
  | {
      readonly kind: 'Said';
      readonly text: string;
      /** Cut off at the bound on tokens. */
      readonly isCut: boolean;
      readonly model?: string;
      readonly usage: ReportedUsage;
    }
  | { readonly kind: 'Declined'; readonly message: string; readonly usage: ReportedUsage }
  | { readonly kind: 'Error'; readonly error: ProviderError }
  /** No answer that the protocol knows. */
  | { readonly kind: 'Nonsense' };

/** Reads the body of a 200. */
export function readReply(text: string, guard: KeyGuard): Reply {
  const body = parseJson(text);
  const error = ErrorBody.safeParse(body);
  if (error.success) return { kind: 'Error', error: toError(error.data.error) };
  const completion = Completion.safeParse(body);
  const choice = completion.data?.choices[0];
  if (!completion.success || choice === undefined || choice.finish_reason === 'error') {
    return { kind: 'Nonsense' };
  }
  const { usage: reported, model, provider } = completion.data;
  const usage = toUsage(reported);
  const declined = refusalOf(choice, guard);
  if (declined !== undefined) return { kind: 'Declined', message: declined, usage };
  return {
    kind: 'Said',
    text: textOf(choice.message.content),
    isCut: choice.finish_reason === 'length',
    usage,
    ...defined({ model: nameOf(model, provider, guard) }),
  };
}

function toUsage(reported: z.infer<typeof Usage> | null | undefined): ReportedUsage {
  return defined({
    promptTokens: reported?.prompt_tokens,
    completionTokens: reported?.completion_tokens,
    costUsd: reported?.cost,
  });
}

function refusalOf(choice: z.infer<typeof Choice>, guard: KeyGuard): string | undefined {
  const refusal = choice.message.refusal ?? '';
  if (refusal !== '') return guard.message(refusal);
  return choice.finish_reason === 'content_filter' ? 'stopped by a content filter' : undefined;
}

/** Reads the body of a refusal; empty where it says nothing that can be read. */
export function readError(text: string): ProviderError {
  const parsed = ErrorBody.safeParse(parseJson(text));
  if (parsed.success) return toError(parsed.data.error);
  return { message: text.slice(0, 500), code: '', param: '', isModeration: false };
}

function toError({ message, code, type, param, metadata }: ErrorObject): ProviderError {
  const status = Number(code);
  return {
    message,
    code: `${code ?? ''} ${type ?? ''}`.trim(),
    param: param ?? '',
    isModeration: metadata?.reasons !== undefined,
    ...(Number.isInteger(status) && status >= 400 && status < 600 ? { status } : {}),
  };
}

function nameOf(
  model: string | undefined,
  provider: string | undefined,
  guard: KeyGuard,
): string | undefined {
  if (model === undefined || model === '') return undefined;
  return guard.name(provider === undefined ? model : `${model} (${provider})`);
}

function textOf(content: z.infer<typeof Choice>['message']['content']): string {
  if (typeof content === 'string') return content;
  const parts = content?.filter(({ type }) => type === 'text') ?? [];
  return parts.map(({ text = '' }) => text).join('');
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
