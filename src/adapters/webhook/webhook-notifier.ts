import { cleanLine } from '#core/redaction/foreign-text.ts';
import type { Delivery, Notifier } from '#ports/notifier.ts';

export interface WebhookOptions {
  /** http or https. A user and password in it become basic authentication. May be a secret. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** Of one attempt, the answer included. */
  readonly timeoutMs: number;
  /** Our own, for the receiver's log. */
  readonly version: string;
}

/** So much of an answer is read to learn why something was refused; the rest is not waited for. */
const ANSWER_BYTES_MAX = 1_024;
const REASON_CHARS_MAX = 200;
/** RFC 9110: worth another try, beside all of 5xx; the rest is for a person to mend. */
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Posts each notification as a JSON object. Its `text` is what Slack, Mattermost and others that
 * take the same form show. Redirects are not followed: a token must not go where nobody sent it.
 */
export function createWebhookNotifier(options: WebhookOptions): Notifier {
  const { timeoutMs } = options;
  const { url, authorization } = splitCredentials(options);
  const headers = {
    'content-type': 'application/json',
    'user-agent': `sre-sentinel/${options.version}`,
    ...(authorization === undefined ? {} : { authorization }),
  };

  return {
    async send(notification, signal) {
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers,
          body: JSON.stringify(notification),
          redirect: 'manual',
          signal: AbortSignal.any([signal, deadline]),
        });
        return await deliveryOf(response, url.host);
      } catch (error) {
        const reason = deadline.aborted
          ? `${url.host} gave no answer within ${timeoutMs} ms`
          : `${url.host} cannot be reached: ${causeOf(error)}`;
        return { delivered: false, retryable: true, reason };
      }
    },
  };
}

/** `fetch` takes no credentials in a URL. */
function splitCredentials({ url: text, token }: WebhookOptions) {
  const url = new URL(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (token !== undefined) return { url, authorization: `Bearer ${token}` };
  if (username === '' && password === '') return { url, authorization: undefined };
  const pair = `${decoded(username)}:${decoded(password)}`;
  return { url, authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** A bare `%` in a password is one, whatever RFC 3986 says. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function deliveryOf(response: Response, host: string): Promise<Delivery> {
  const { status, ok, headers } = response;
  if (ok) {
    await discard(response);
    return { delivered: true };
  }
  if (status >= 300 && status < 400) {
    await discard(response);
    const reason = `${host} redirects (${status}), which is not followed: configure the final URL`;
    return { delivered: false, retryable: false, reason };
  }
  const said = await beginningOf(response);
  const reason = `${host} answered ${status}${said === '' ? '' : `: ${said}`}`;
  const retryAfterMs = retryAfter(headers.get('retry-after'));
  return {
    delivered: false,
    retryable: status >= 500 || RETRYABLE.has(status),
    reason,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** The receiver has our words; that its own cannot be thrown away changes nothing. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Foreign text: bounded, on one line, redacted. Empty when it breaks off or takes too long. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= ANSWER_BYTES_MAX) break;
    }
  } catch {
    return '';
  }
  const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString();
  return cleanLine(text).trim().slice(0, REASON_CHARS_MAX);
}

/** RFC 9110, Retry-After: seconds. A date would need a clock that agrees with the receiver's. */
function retryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1_000 : undefined;
}

/** The code alone: the message of `fetch` may quote the URL, which may be a secret. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (typeof cause === 'object' && cause !== null && 'code' in cause) return String(cause.code);
  return error instanceof Error ? error.name : 'unknown';
}
