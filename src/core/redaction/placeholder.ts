import { hash } from 'node:crypto';

/** What stands in the place of a secret: `[redacted:password#3]`. */
const PLACEHOLDER = String.raw`\[redacted:[a-z0-9-]{1,40}#\d{1,9}\]`;
export const PLACEHOLDER_AT = new RegExp(`^${PLACEHOLDER}`);
export const PLACEHOLDER_WITHIN = new RegExp(PLACEHOLDER);
export const PLACEHOLDERS = new RegExp(PLACEHOLDER, 'g');
/** What every placeholder begins with: a text without it has none. */
export const PLACEHOLDER_BEGIN = '[redacted:';

const PLACEHOLDER_BEFORE = new RegExp(`${PLACEHOLDER}$`);

export function endsPlaceholder(text: string, end: number): boolean {
  return PLACEHOLDER_BEFORE.test(text.slice(Math.max(0, end - 70), end));
}

/** Gives secrets their placeholders: the same secret the same one, another secret another one. */
export interface Placeholders {
  placeholderFor(secret: string, kind: string): string;
  /** Takes note of placeholders that are in a text already: their numbers are not given again. */
  reserve(text: string): void;
}

/** Of how many secrets the number is remembered; the one that was longest ago is forgotten first. */
const REMEMBERED_MAX = 4_096;

export function createPlaceholders(): Placeholders {
  const given = new Map<string, string>();
  let last = 0;
  return {
    placeholderFor(secret, kind) {
      // A digest instead of the secret: what is remembered for long must be worth nothing.
      const identity = hash('sha256', secret, 'base64');
      const known = given.get(identity);
      if (known !== undefined) given.delete(identity);
      else last += 1;
      const placeholder = known ?? `[redacted:${kind}#${last}]`;
      given.set(identity, placeholder);
      if (given.size > REMEMBERED_MAX) {
        for (const oldest of given.keys()) {
          given.delete(oldest);
          break;
        }
      }
      return placeholder;
    },
    reserve(text) {
      if (!text.includes(PLACEHOLDER_BEGIN)) return;
      for (const [placeholder] of text.matchAll(PLACEHOLDERS)) {
        last = Math.max(last, Number(placeholder.slice(placeholder.indexOf('#') + 1, -1)));
      }
    },
  };
}
