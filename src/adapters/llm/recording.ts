import { createHash } from 'node:crypto';
import { z } from 'zod';
import { cleanText } from '#core/redaction/foreign-text.ts';
import { createRedactor } from '#core/redaction/redactor.ts';
import type { JsonValue } from '#lib/json.ts';
import { createKeyGuard, type KeyGuard } from './key-guard.ts';
import { mapStrings } from './map-strings.ts';
import { parseJson } from './reply.ts';
import type { Transport, WireAnswer, WireRequest } from './transport.ts';

const Answer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('Answered'),
    status: z.int(),
    headers: z.record(z.string(), z.string()),
    text: z.string(),
  }),
  z.strictObject({
    kind: z.literal('Failed'),
    reason: z.enum(['Unreachable', 'Broken', 'TooLarge', 'Aborted']),
    message: z.string(),
  }),
]);

/**
 * One request to a provider and what came of it; a file holds one a line, as JSON. Both sides are
 * redacted, and the key is in neither.
 */
const Exchange = z.strictObject({
  version: z.literal(1),
  method: z.enum(['GET', 'POST']),
  /** Where it went, without query. */
  url: z.string(),
  body: z.record(z.string(), z.json()).optional(),
  answer: Answer,
});
export type Exchange = z.infer<typeof Exchange>;

/**
 * Passes requests on, and writes each exchange down when it has ended.
 *
 * @param write a line, with its line break
 */
export function recordExchanges(transport: Transport, write: (line: string) => void): Transport {
  return async (request, signal) => {
    const answer = await transport(request, signal);
    write(`${JSON.stringify(toExchange(request, answer))}\n`);
    return answer;
  };
}

/** @throws {Error} a line is no exchange; names the line */
export function parseExchanges(text: string): Exchange[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = Exchange.safeParse(parseJson(line));
    if (!parsed.success) throw new Error(`line ${index + 1} is no recorded exchange`);
    return [parsed.data];
  });
}

export interface Replay {
  readonly transport: Transport;
  /** Exchanges that nobody has asked for yet. */
  unused(): readonly Exchange[];
}

/**
 * Answers as it was recorded, without a network: the same request gets the same answers in the same
 * order, each once. What was not recorded is unreachable.
 */
export function replayExchanges(exchanges: readonly Exchange[]): Replay {
  const left = [...exchanges];
  return {
    async transport(request) {
      const wanted = requestDigest(toExchange(request, NOT_RECORDED));
      const index = left.findIndex((exchange) => requestDigest(exchange) === wanted);
      const [exchange] = index < 0 ? [] : left.splice(index, 1);
      return exchange?.answer ?? NOT_RECORDED;
    },
    unused: () => [...left],
  };
}

const NOT_RECORDED: WireAnswer = {
  kind: 'Failed',
  reason: 'Unreachable',
  message: 'cannot be reached: no such request was recorded',
};

/** A local server may have had another address when it was recorded. */
function requestDigest({ method, url, body }: Exchange): string {
  const path = URL.parse(url)?.pathname ?? url;
  return createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex');
}

function toExchange({ method, url, body, apiKey }: WireRequest, answer: WireAnswer): Exchange {
  const redact = redactorOf(createKeyGuard(apiKey));
  return {
    version: 1,
    method,
    url,
    ...(body === undefined ? {} : { body: mapStrings(body, redact) as Exchange['body'] }),
    answer: redactedAnswer(answer, redact),
  };
}

type Redact = (text: string) => string;

/** Numbered anew for each exchange, so that the same request is the same line. */
function redactorOf(guard: KeyGuard): Redact {
  const redactor = createRedactor();
  return (text) => cleanText(guard.scrub(text), redactor);
}

function redactedAnswer(answer: WireAnswer, redact: Redact): Exchange['answer'] {
  if (answer.kind === 'Failed') return answer;
  const { headers, text } = answer;
  const entries = Object.entries(headers).map(([name, value]) => [name, redact(value)]);
  return { ...answer, headers: Object.fromEntries(entries), text: redactedBody(text, redact) };
}

function redactedBody(text: string, redact: Redact): string {
  const body = parseJson(text);
  if (body === undefined) return redact(text);
  try {
    // Text by text, so that it stays JSON.
    return JSON.stringify(mapStrings(body as JsonValue, redact));
  } catch {
    // Nested deeper than the stack.
    return redact(text);
  }
}
