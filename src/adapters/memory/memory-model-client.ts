import type { JsonValue } from '#lib/json.ts';
import type {
  ModelClient,
  ModelRequest,
  ModelResult,
  ModelUnavailableReason,
  RouteReadiness,
} from '#ports/model-client.ts';

/** What it answers: a value as it is, a reason for none, or nothing until the time is over. */
type FixedAnswer =
  | { readonly value: JsonValue }
  | { readonly unavailable: ModelUnavailableReason }
  | 'hang';

/** The same, or what it comes to once the question was read. */
export type ScriptedAnswer = FixedAnswer | ((request: ModelRequest) => FixedAnswer);

export interface MemoryModelClient extends ModelClient {
  /** Adds to the script: each answers one request. At its end it is `Unreachable`. */
  say(...answers: readonly ScriptedAnswer[]): void;
  setReadiness(route: string, readiness: RouteReadiness): void;
  /** What was asked for, oldest first. */
  readonly requests: readonly ModelRequest[];
}

const NOTHING_USED = { promptTokens: 0, completionTokens: 0 };

/**
 * A model client that answers by script, for tests and simulation. Its answers need not fit the
 * schema: that they do is what a test of the real one proves.
 */
export function createMemoryModelClient(clock: {
  after(delayMs: number, callback: () => void): () => void;
}): MemoryModelClient {
  const script: ScriptedAnswer[] = [];
  const requests: ModelRequest[] = [];
  const known = new Map<string, RouteReadiness>();

  function readiness(route: string): RouteReadiness {
    const message = `${route} was not asked yet`;
    return known.get(route) ?? { ready: false, reason: 'NotProbed', message };
  }

  async function complete(request: ModelRequest, signal: AbortSignal): Promise<ModelResult> {
    requests.push(request);
    const next = script.shift() ?? { unavailable: 'Unreachable' };
    const answer = typeof next === 'function' ? next(request) : next;
    if (answer === 'hang') return unavailable(await hang(request, signal));
    if ('unavailable' in answer) return unavailable(answer.unavailable);
    const [route = ''] = request.routes;
    const { value } = answer;
    const usage = NOTHING_USED;
    const promptDigest = 'sha256:memory';
    return { kind: 'Answer', value, route, model: 'memory', usage, promptDigest, isCached: false };
  }

  function hang({ timeoutMs }: ModelRequest, signal: AbortSignal) {
    return new Promise<ModelUnavailableReason>((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve('TimedOut'));
      const give = () => {
        cancel();
        resolve('Cancelled');
      };
      if (signal.aborted) give();
      signal.addEventListener('abort', give, { once: true });
    });
  }

  return {
    complete,
    readiness,
    probe: async (route) => readiness(route),
    say: (...answers) => {
      script.push(...answers);
    },
    setReadiness: (route, next) => {
      known.set(route, next);
    },
    requests,
  };
}

function unavailable(reason: ModelUnavailableReason): ModelResult {
  const message = `the script says ${reason}`;
  return {
    kind: 'Unavailable',
    reason,
    message,
    usage: NOTHING_USED,
    promptDigest: 'sha256:memory',
  };
}
