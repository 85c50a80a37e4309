import { cleanLine } from '#core/redaction/foreign-text.ts';
import type { JsonValue } from '#lib/json.ts';

const MESSAGE_CHARS_MAX = 300;
const NAME_CHARS_MAX = 120;

/** Whatever comes back from a provider, without the key that it was sent. */
export interface KeyGuard {
  /** The text as it is, but for the key. */
  scrub(text: string): string;
  /** The same for every string within, names of members too. */
  scrubValue(value: JsonValue): JsonValue;
  /** Words of a provider, fit for a log or an error: one line, short, redacted. */
  message(text: string): string;
  /** A name that a provider gives, likewise. */
  name(text: string): string;
}

/**
 * What is shorter is no secret: `none`, `EMPTY` or `ollama`, for servers that want any key at all.
 * To hide such a word wherever it stands would change answers.
 */
const KEY_CHARS_MIN = 8;

/** @param apiKey absent: there is nothing to hide */
export function createKeyGuard(apiKey: string | undefined): KeyGuard {
  const forms = apiKey === undefined || apiKey.length < KEY_CHARS_MIN ? [] : formsOf(apiKey);

  function scrub(text: string): string {
    return forms.reduce((rest, form) => rest.replaceAll(form, '[redacted:api-key]'), text);
  }

  function scrubValue(value: JsonValue): JsonValue {
    if (typeof value === 'string') return scrub(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(scrubValue);
    const entries = Object.entries(value).map(([name, member]) => [
      scrub(name),
      scrubValue(member),
    ]);
    return Object.fromEntries(entries) as JsonValue;
  }

  return {
    scrub,
    scrubValue,
    message: (text) => bounded(scrub(text), MESSAGE_CHARS_MAX),
    name: (text) => bounded(scrub(text), NAME_CHARS_MAX),
  };
}

function formsOf(key: string): readonly string[] {
  return [
    ...new Set([
      key,
      JSON.stringify(key).slice(1, -1),
      encodeURIComponent(key),
      Buffer.from(key).toString('base64').replace(/=+$/, ''),
    ]),
  ];
}

/** Cut with room to spare before it is redacted, so that a huge text costs little. */
function bounded(text: string, charsMax: number): string {
  return cleanLine(text.slice(0, 8 * charsMax))
    .trim()
    .slice(0, charsMax);
}
