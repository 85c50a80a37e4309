import { parseDuration } from '#lib/duration.ts';

/** A provider that asks for more rest is asked again after this: it may be wrong, or lie. */
export const REST_MS_MAX = 3_600_000;

type Headers = Readonly<Record<string, string>>;

/**
 * How long a provider that refused for its limits wants to be left alone.
 *
 * @param wallMs some providers name an instant
 * @returns milliseconds; `undefined` when it does not say
 */
export function restAfterRefusal(headers: Headers, wallMs: number): number | undefined {
  const milliseconds = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] !== undefined && milliseconds >= 0) return capped(milliseconds);
  const said = restOf(headers['retry-after'], wallMs);
  if (said !== undefined) return said;
  const spent = resets(
    headers,
    wallMs,
    ({ remaining }) => remaining === undefined || remaining <= 0,
  );
  return spent ?? resets(headers, wallMs, () => true);
}

/** The same after an answer that was given: only where it was the last for now. */
export function restAfterAnswer(headers: Headers, wallMs: number): number | undefined {
  return resets(headers, wallMs, ({ remaining }) => remaining !== undefined && remaining <= 0);
}

/**
 * Reads `x-ratelimit-reset`, or `x-ratelimit-reset-KIND` for each kind (requests, tokens-minute, …).
 *
 * @returns the longest among the kinds that count
 */
function resets(
  headers: Headers,
  wallMs: number,
  counts: (kind: { readonly remaining: number | undefined }) => boolean,
): number | undefined {
  let longest: number | undefined;
  for (const [name, value] of Object.entries(headers)) {
    if (!/^x-ratelimit-reset(?:-|$)/.test(name)) continue;
    const left = headers[name.replace('-reset', '-remaining')];
    const remaining = left === undefined || left.trim() === '' ? undefined : Number(left);
    const rest = counts({ remaining }) ? restOf(value, wallMs) : undefined;
    if (rest !== undefined) longest = Math.max(longest ?? 0, rest);
  }
  return longest;
}

/** Seconds, `6m0s`, an HTTP date, or an instant in seconds or milliseconds since 1970. */
function restOf(text: string | undefined, wallMs: number): number | undefined {
  const value = text?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(value)) {
    const number = Number(value);
    if (number > 1e12) return capped(number - wallMs);
    if (number > 1e9) return capped(number * 1_000 - wallMs);
    return capped(number * 1_000);
  }
  const duration = parseDuration(value);
  if (duration !== undefined) return capped(duration);
  const date = /^[A-Z][a-z]{2}, \d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : capped(date - wallMs);
}

function capped(ms: number): number {
  return Math.min(REST_MS_MAX, Math.max(0, Math.ceil(ms)));
}
