import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type {
  ModelClient,
  ModelRequest,
  ModelResult,
  ModelUnavailableReason,
} from '#ports/model-client.ts';
import type { Random } from './random.ts';

const USAGE = { promptTokens: 1_000, completionTokens: 100 };
const PROMPT_DIGEST = 'sha256:simulated';
const WAYS = [
  { weight: 6, way: 'plausible' },
  { weight: 3, way: 'anything' },
  { weight: 2, way: 'away' },
  { weight: 1, way: 'silent' },
] as const;
const AWAY = ['Unreachable', 'RateLimited', 'BudgetExhausted', 'InvalidAnswer'] as const;
/** What nobody offered, and what no schema would let through. */
const MADE_UP: readonly JsonValue[] = [
  'docker/stop_container',
  'restart',
  'approve',
  '',
  7,
  ['none'],
  { choice: 'restart' },
  null,
];

/**
 * Language models as they are at their worst: right, wrong, made up, late, silent or away. Answers need
 * not fit the schema, and nothing may go wrong whatever they are.
 */
export function createSimulatedModels(
  random: Random,
  clock: Pick<Clock, 'after'>,
  onAnswer: (said: string) => void,
): ModelClient {
  function complete(request: ModelRequest, signal: AbortSignal): Promise<ModelResult> {
    const { way } = random.weighted(WAYS);
    const afterMs = way === 'silent' ? request.timeoutMs : random.pick([50, 2_000, 30_000]);
    const inTime = Math.min(afterMs, request.timeoutMs);
    const result = inTime < afterMs || way === 'silent' ? unavailable('TimedOut') : answer(way);
    onAnswer(`${request.stage} in ${inTime} ms: ${JSON.stringify(said(result))}`);
    return later(result, inTime, signal);

    function answer(how: 'plausible' | 'anything' | 'away'): ModelResult {
      if (how === 'away') return unavailable(random.pick(AWAY));
      const value = how === 'plausible' ? fitting(request.schema) : random.pick(MADE_UP);
      const [route = ''] = request.routes;
      const whole =
        how === 'anything'
          ? { ...objectOf(fitting(request.schema)), choice: value, look: value }
          : value;
      return {
        kind: 'Answer',
        value: random.chance(0.9) ? whole : value,
        route,
        model: 'simulated',
        usage: USAGE,
        promptDigest: PROMPT_DIGEST,
        isCached: false,
      };
    }
  }

  function later(result: ModelResult, afterMs: number, signal: AbortSignal): Promise<ModelResult> {
    return new Promise((resolve) => {
      const cancel = clock.after(afterMs, () => resolve(result));
      const giveUp = () => {
        cancel();
        resolve(unavailable('Cancelled'));
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** A value of each property's kind; ids of evidence are guessed. */
  function fitting(schema: JsonObject): JsonValue {
    const members = Object.entries(objectOf(schema['properties']));
    return Object.fromEntries(members.map(([name, of]) => [name, valueOf(name, objectOf(of))]));
  }

  function valueOf(name: string, { enum: choices, type }: JsonObject): JsonValue {
    if (Array.isArray(choices)) return random.pick(choices);
    if (type === 'number') return random.pick([0, 0.5, 0.9, 1, 1e9, -1]);
    if (type === 'boolean') return random.chance(0.5);
    if (name === 'evidenceRefs') return random.pick([['e1'], ['e1', 'e2'], ['e1', 'e99'], []]);
    return type === 'array' ? ['c1', 'c9'] : 'It may be anything, and c1 is not well.';
  }

  const readiness = () => ({ ready: true }) as const;
  return { complete, readiness, probe: async () => readiness() };
}

function unavailable(reason: ModelUnavailableReason): ModelResult {
  const message = `the model is ${reason}`;
  return { kind: 'Unavailable', reason, message, usage: USAGE, promptDigest: PROMPT_DIGEST };
}

function said(result: ModelResult): JsonValue {
  return result.kind === 'Answer' ? result.value : result.reason;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return value !== undefined && isJsonObject(value) ? value : {};
}
