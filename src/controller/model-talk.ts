import type { Prompt } from '#core/advice/prompt.ts';
import type { ModelUse } from '#core/incident/incident.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import { defined } from '#lib/defined.ts';
import type { JsonValue } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type {
  ModelClient,
  ModelResult,
  ModelStage,
  ModelUnavailableReason,
} from '#ports/model-client.ts';

export interface ModelTalkOptions {
  readonly clock: Pick<Clock, 'bootMs'>;
  readonly models: Pick<ModelClient, 'complete'>;
  /** Names the routes, and pays. */
  readonly policy: Pick<CompiledPolicy, 'name' | 'spec'>;
  /** Of all questions together. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

export interface TalkAnswer {
  /** Fits the schema, and is not to be trusted any further; absent when nobody answered. */
  readonly value?: JsonValue;
  /** Of this stage so far: what was asked before for it counts too. */
  readonly use: ModelUse;
}

const MESSAGE_CHARS_MAX = 300;
const NAME_CHARS_MAX = 200;
const NOTHING_USED = { requests: 0, promptTokens: 0, completionTokens: 0 };

/** Questions of one policy about one matter: one bound of time, and one account of what they take. */
export class ModelTalk {
  readonly #options: ModelTalkOptions;
  readonly #endsAtMs: number;
  readonly #uses = new Map<ModelStage, ModelUse>();

  constructor(options: ModelTalkOptions) {
    this.#options = options;
    this.#endsAtMs = options.clock.bootMs() + options.withinMs;
  }

  async ask(stage: ModelStage, prompt: Prompt): Promise<TalkAnswer> {
    const { models, policy, clock, signal } = this.#options;
    const { modelRouting } = policy.spec;
    const result = await models.complete(
      {
        ...prompt,
        stage,
        routes: modelRouting[stage],
        allowance: { account: policy.name, ...modelRouting.budget },
        timeoutMs: Math.max(0, this.#endsAtMs - clock.bootMs()),
      },
      signal,
    );
    const use = added(this.#uses.get(stage), stage, result);
    this.#uses.set(stage, use);
    return result.kind === 'Answer' ? { value: result.value, use } : { use };
  }
}

/** What a stage has taken until now. */
type Taken = Pick<ModelUse, 'requests' | 'promptTokens' | 'completionTokens' | 'costUsd'>;

function added(before: Taken = NOTHING_USED, stage: ModelStage, result: ModelResult): ModelUse {
  const { usage, promptDigest } = result;
  const costs = [before.costUsd, usage.costUsd].filter((cost) => cost !== undefined);
  const costUsd = costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0);
  return {
    stage,
    ...endOf(result),
    requests: before.requests + (wasSent(result) ? 1 : 0),
    promptTokens: before.promptTokens + usage.promptTokens,
    completionTokens: before.completionTokens + usage.completionTokens,
    ...defined({ costUsd }),
    promptDigest,
  };
}

const NOT_SENT: ReadonlySet<ModelUnavailableReason> = new Set([
  'NoRoute',
  'BudgetExhausted',
  'CircuitOpen',
  'Busy',
]);

function wasSent(result: ModelResult): boolean {
  return result.kind === 'Answer' ? !result.isCached : !NOT_SENT.has(result.reason);
}

function endOf(result: ModelResult): Pick<ModelUse, 'outcome' | 'route' | 'model' | 'message'> {
  if (result.kind === 'Answer') {
    const { route, model } = result;
    // The provider says who answered.
    return { outcome: 'Answered', route, model: cleanLine(model.slice(0, NAME_CHARS_MAX)) };
  }
  const message = cleanLine(result.message).slice(0, MESSAGE_CHARS_MAX);
  return { outcome: result.reason, message };
}
