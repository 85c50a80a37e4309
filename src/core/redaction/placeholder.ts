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

/** Of how many secrets the number is remembered at least; those of longest ago are forgotten first. */
const REMEMBERED_MIN = 2_048;

export function createPlaceholders(): Placeholders {
  // When the newer ones are enough, the older ones are forgotten at once: that is cheaper than to
  // keep all in order of their last use.
  let newer = new Map<number, string>();
  let older: ReadonlyMap<number, string> = new Map();
  let last = 0;

  function newPlaceholder(kind: string): string {
    last += 1;
    return `[redacted:${kind}#${last}]`;
  }

  return {
    placeholderFor(secret, kind) {
      const identity = fingerprint(secret);
      const known = newer.get(identity);
      if (known !== undefined) return known;
      const placeholder = older.get(identity) ?? newPlaceholder(kind);
      newer.set(identity, placeholder);
      if (newer.size >= REMEMBERED_MIN) {
        older = newer;
        newer = new Map();
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

/**
 * 53 bits in the place of a secret: what is remembered for long must be worth nothing, and this is
 * too little to tell a secret by. Two of 4,096 secrets share one once in a billion times. It needs
 * not withstand someone who seeks such a pair: all that he gains is the same number for both.
 */
function fingerprint(secret: string): number {
  let one = 0x9e3779b9;
  let other = secret.length;
  for (let index = 0; index < secret.length; index += 1) {
    const code = secret.charCodeAt(index);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other + code, 0x85ebca6b);
    other ^= other >>> 15;
  }
  one = Math.imul(one ^ (one >>> 16), 0xc2b2ae35);
  other = Math.imul(other ^ (one >>> 13), 0x27d4eb2f);
  return (one >>> 0) * 2 ** 21 + (other >>> 11);
}
