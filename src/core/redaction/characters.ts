/** Sets of ASCII characters as bits, so that one look-up tells which sets a character is in. */
export const LOWER_HEX = 1;
export const UPPER_HEX = 2;
export const LOWER = 4;
export const UPPER = 8;
export const DIGIT = 16;
export const UNDERSCORE = 32;
export const DASH = 64;
export const DOT = 128;
export const EQUALS = 256;
/** `+` and `/`. */
export const BASE64 = 512;
export const TILDE = 1024;
export const COLON = 2048;
export const DOLLAR = 4096;
export const COMMA = 8192;
export const AT = 16384;
/** `!`, `#` and the other signs that generators of passwords put in. */
export const SIGN = 32768;
export const VOWEL = 65536;
export const QUOTE = 131072;
export const BLANK = 262144;
/** The end of a line. */
export const BREAK = 524288;
/** What an operator can begin with that gives a name its value. */
export const OPERATOR = 1048576;
/** What a value without quotes can end before. */
export const BORDER = 2097152;

export const LETTER = LOWER | UPPER;
export const ALNUM = LETTER | DIGIT;
export const HEX = LOWER_HEX | UPPER_HEX | DIGIT;
export const WORD = ALNUM | UNDERSCORE;
export const SLUG = WORD | DASH;

const SETS = new Uint32Array(128);
function put(characters: string, set: number): void {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    SETS[code] = (SETS[code] ?? 0) | set;
  }
}
put('abcdef', LOWER_HEX);
put('ABCDEF', UPPER_HEX);
put('abcdefghijklmnopqrstuvwxyz', LOWER);
put('ABCDEFGHIJKLMNOPQRSTUVWXYZ', UPPER);
put('0123456789', DIGIT);
put('_', UNDERSCORE);
put('-', DASH);
put('.', DOT);
put('=', EQUALS);
put('+/', BASE64);
put('~', TILDE);
put(':', COLON);
put('$', DOLLAR);
put(',', COMMA);
put('@', AT);
put('!#%^&*()[]{}', SIGN);
put('aeiouyAEIOUY', VOWEL);
put('"\'`', QUOTE);
put(' \t', BLANK);
put('\n\r', BREAK);
put('=:?.!+|%[', OPERATOR);
put('"\'`<\\[%&;,', BORDER);
for (let code = 0; code <= 32; code += 1) put(String.fromCharCode(code), BORDER);

/** The sets that the character at an index is in; 0 outside of the text and of ASCII. */
export function setsAt(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 128 ? (SETS[code] as number) : 0;
}

/** Where a run of characters out of the sets ends; at most `max` of them. */
export function runEnd(text: string, from: number, sets: number, max: number): number {
  const limit = Math.min(text.length, from + max);
  let end = from;
  while (end < limit && (setsAt(text, end) & sets) !== 0) end += 1;
  return end;
}

/** Where a run of characters out of the sets begins that ends before `end`; at most `max` of them. */
export function runStart(text: string, end: number, sets: number, max: number): number {
  const limit = Math.max(0, end - max);
  let start = end;
  while (start > limit && (setsAt(text, start - 1) & sets) !== 0) start -= 1;
  return start;
}
