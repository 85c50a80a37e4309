import type { ModelStage } from '#core/policy/routes.ts';
import type { JsonObject, JsonValue } from '#lib/json.ts';

export type { ModelStage };

/** Who pays, and how much at most. */
export interface ModelAllowance {
  /** The policy's name: what it spent is counted under it. */
  readonly account: string;
  /** In and out together, over the last hour. */
  readonly tokensPerHour: number;
  /** Over the last 24 hours. */
  readonly usdPerDay: number;
}

export interface ModelRequest {
  readonly stage: ModelStage;
  /** `provider/alias` or `provider/model`, tried in this order. */
  readonly routes: readonly string[];
  readonly allowance: ModelAllowance;
  /** Instructions of ours. */
  readonly system: string;
  /** Redacted, and fenced where it holds the words of others. */
  readonly user: string;
  /** JSON Schema of the answer; an object at its root. */
  readonly schema: JsonObject;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** The result is there when this has passed, whatever the providers do; an hour at most. */
  readonly timeoutMs: number;
}

/** What a request used, failed tries and the repair included. */
export interface ModelUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Absent where neither the provider nor the configuration names a price. */
  readonly costUsd?: number;
}

/**
 * Why there is no answer.
 * - `NoRoute`: none was given, or none of them is configured.
 * - `BudgetExhausted`: the allowance is spent; nothing was sent.
 * - `CircuitOpen`: it failed too often, or for a reason that a person must mend; nothing was sent.
 * - `RateLimited`: the provider asks for more rest than there is time.
 * - `Busy`: no place among the requests at once before the time was over.
 * - `TimedOut`, `Unreachable`, `ServerError`: it may work later.
 * - `Refused`: key, money, model or request are not accepted.
 * - `PromptTooLong`: for this model.
 * - `Declined`: the model or a filter before it does not want to.
 * - `InvalidAnswer`: also when asked to repair it.
 * - `Cancelled`: by the caller.
 */
export type ModelUnavailableReason =
  | 'NoRoute'
  | 'BudgetExhausted'
  | 'CircuitOpen'
  | 'RateLimited'
  | 'Busy'
  | 'TimedOut'
  | 'Unreachable'
  | 'ServerError'
  | 'Refused'
  | 'PromptTooLong'
  | 'Declined'
  | 'InvalidAnswer'
  | 'Cancelled';

interface Asked {
  readonly usage: ModelUsage;
  /** `sha256:…` of the instructions, the text and the schema. */
  readonly promptDigest: string;
}

export type ModelResult =
  | (Asked & {
      readonly kind: 'Answer';
      /**
       * Fits the schema, and is harmless to show. Nothing else is known of it: a model is wrong, and
       * is lied to.
       */
      readonly value: JsonValue;
      /** The route that answered. */
      readonly route: string;
      /** Who answered by the provider's own words, else the model that was asked for. */
      readonly model: string;
      /** An earlier answer to the same request: it used nothing now. */
      readonly isCached: boolean;
    })
  | (Asked & {
      readonly kind: 'Unavailable';
      /** Of the last route that was tried. */
      readonly reason: ModelUnavailableReason;
      /** For people: what each route said. Holds no key. */
      readonly message: string;
    });

/**
 * Whether a route can be asked, as far as is known; `NotProbed`: not known yet. What the four reasons
 * after it say is known without asking, and stays until Sentinel is started again.
 */
export type RouteReadiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      readonly reason:
        | 'NotProbed'
        | 'ProviderUnknown'
        | 'ProviderInvalid'
        | 'AddressMissing'
        | 'KeyMissing'
        | 'ModelUnknown'
        | 'Refused'
        | 'RateLimited'
        | 'Unreachable';
      readonly message: string;
    };

/**
 * Asks language models. What they say is advice: nothing that they answer is a permission.
 */
export interface ModelClient {
  /** Never throws: a provider's failure is a result. */
  complete(request: ModelRequest, signal: AbortSignal): Promise<ModelResult>;
  /** Synchronous: what the last probe or request has shown. */
  readiness(route: string): RouteReadiness;
  /** Asks the provider whether it would take a request. Costs at most one token. Never throws. */
  probe(route: string, signal: AbortSignal): Promise<RouteReadiness>;
}
