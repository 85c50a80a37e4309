import { cleanLine } from '#core/redaction/foreign-text.ts';
import { withoutAnsi } from '#lib/ansi.ts';
import type { JsonValue } from '#lib/json.ts';
import { plainText } from '#lib/plain-text.ts';
import { mapStrings } from './map-strings.ts';

const MESSAGE_CHARS_MAX = 300;
const NAME_CHARS_MAX = 120;

/** Whatever comes back from a provider, without the key that it was sent. */
export interface KeyGuard {
  /** The text as it is, but for the key. */
  scrub(text: string): string;
  /** A model's answer: no string in it holds the key, an escape sequence or what is unprintable. */
  answer(value: JsonValue): JsonValue;
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

  return {
    scrub,
    answer: (value) => mapStrings(value, (text) => plainText(withoutAnsi(scrub(text)))),
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
