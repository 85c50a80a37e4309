import { createModelClient } from '#adapters/llm/model-client.ts';
import { resolveProviders } from '#adapters/llm/settings.ts';
import { createTransport, type Transport } from '#adapters/llm/transport.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import type { ModelClient, ModelRequest } from '#ports/model-client.ts';

type RequestEvent = Parameters<
  NonNullable<Parameters<typeof createModelClient>[0]['onRequest']>
>[0];

export const NEVER = new AbortController().signal;

/** A key that no pattern would find, so that only knowing it can hide it. */
export const API_KEY = 'plain-words-as-a-key';

/** An answer of the usual kind: a choice among what is permitted, and how sure it is. */
export const SCHEMA = {
  type: 'object',
  properties: {
    choice: { enum: ['restart', 'none', 'escalate'] },
    confidence: { type: 'number', minimum: 0, maximum: 1 },
    explanation: { type: 'string', maxLength: 200 },
  },
  required: ['choice', 'confidence', 'explanation'],
  additionalProperties: false,
} as const;

export const ANSWER = { choice: 'restart', confidence: 0.9, explanation: 'It leaks.' } as const;

export function aModelRequest(changes: Partial<ModelRequest> = {}): ModelRequest {
  return {
    stage: 'rootCause',
    routes: ['cerebras/fast'],
    allowance: { account: 'shop', tokensPerHour: 1_000_000, usdPerDay: 100 },
    system: 'You look for causes.',
    user: 'The log says: out of memory.',
    schema: SCHEMA,
    maxTokens: 500,
    timeoutMs: 20_000,
    ...changes,
  };
}

/** Time that passes only when it is told to, but for rests, which pass at once. */
export class RestlessClock extends VirtualClock {
  /** How long each rest was, milliseconds. */
  readonly rests: number[] = [];

  override async sleep(delayMs: number): Promise<void> {
    this.rests.push(delayMs);
    await this.advance(delayMs);
  }
}

export interface TestModels {
  readonly client: ModelClient;
  readonly clock: RestlessClock;
  readonly events: readonly RequestEvent[];
}

/** As SentinelConfigs have them. */
type Providers = Readonly<Record<string, unknown>>;

/** The real client; `providers` as in a SentinelConfig, each with a key unless told otherwise. */
export function startModels(
  providers: Providers,
  {
    secret = (name: string) => (name.endsWith('_KEY') ? API_KEY : undefined),
    transport = createTransport('1.2.3'),
  }: { secret?: (name: string) => string | undefined; transport?: Transport } = {},
): TestModels {
  const { spec } = SentinelConfig.parse({
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelConfig',
    spec: { providers },
  });
  const clock = new RestlessClock();
  const events: RequestEvent[] = [];
  const client = createModelClient({
    providers: resolveProviders(spec.providers, secret),
    clock,
    transport,
    onRequest: (event) => events.push(event),
  });
  return { client, clock, events };
}
