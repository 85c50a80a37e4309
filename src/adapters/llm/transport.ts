import type { JsonObject } from '#lib/json.ts';

export interface WireRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: JsonObject;
  /** Goes into the header `Authorization` and nowhere else. */
  readonly apiKey?: string;
  /** An answer that is larger is given up. */
  readonly bytesMax: number;
}

export type WireAnswer =
  | {
      readonly kind: 'Answered';
      readonly status: number;
      /** Those of `KEPT_HEADERS`, in lower case. */
      readonly headers: Readonly<Record<string, string>>;
      readonly text: string;
    }
  | {
      /** No complete answer came. */
      readonly kind: 'Failed';
      readonly reason: 'Unreachable' | 'Broken' | 'TooLarge' | 'Aborted';
      /** For people; holds no part of the request. */
      readonly message: string;
    };

/** Sends one request, once. Never throws; ends soon after the signal fires. */
export type Transport = (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>;

/** What is read of an answer's headers; nothing else is kept, recorded or shown. */
const KEPT_HEADERS = /^(?:retry-after(?:-ms)?|x-ratelimit-[a-z-]{1,40}|content-type)$/;
const HEADER_CHARS_MAX = 200;

/** Over Node's `fetch`. Redirects are answers like others: a key must not go where nobody sent it. */
export function createTransport(version: string): Transport {
  return async (request, signal) => {
    const { method, url, body, apiKey, bytesMax } = request;
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers: {
          accept: 'application/json',
          'user-agent': `sre-sentinel/${version}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      if (signal.aborted) return failed('Aborted', 'no answer in time');
      return failed('Unreachable', `cannot be reached: ${causeOf(error)}`);
    }
    return readAnswer(response, bytesMax, signal);
  };
}

async function readAnswer(
  response: Response,
  bytesMax: number,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      // Leaving the loop closes the connection.
      if (bytes > bytesMax) return failed('TooLarge', `its answer exceeds ${bytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (signal.aborted) return failed('Aborted', 'its answer did not end in time');
    return failed('Broken', `its answer broke off: ${causeOf(error)}`);
  }
  return {
    kind: 'Answered',
    status: response.status,
    headers: keptHeaders(response.headers),
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function keptHeaders(headers: Headers): Record<string, string> {
  const kept = [...headers].filter(([name]) => KEPT_HEADERS.test(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, value.slice(0, HEADER_CHARS_MAX)]));
}

function failed(
  reason: Extract<WireAnswer, { kind: 'Failed' }>['reason'],
  message: string,
): WireAnswer {
  return { kind: 'Failed', reason, message };
}

/** The code alone: what `fetch` says may quote a header or the URL. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (typeof cause === 'object' && cause !== null && 'code' in cause) return String(cause.code);
  return error instanceof Error ? error.name : 'unknown';
}
