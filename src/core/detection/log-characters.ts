/**
 * What a UTF-16 code unit is in a log line, as bits. White space and marks stand between tokens; all
 * else is within one.
 */
export const SPACE = 0;
/** Stands alone between tokens: `key=value`, `(text)`, `"text"`. */
export const MARK = 1;
/** Everything from here on belongs to a token. */
export const LETTER = 2;
export const DIGIT = 4;
/** Joins letters and digits into one token: `a.b-c_d`. */
export const JOINER = 8;
/** The joiners that tell what a token is. */
export const AT = 16;
export const DOT = 32;

const NON_ASCII = 128;
const CLASSES = classes();

function classes(): Uint8Array {
  const table = new Uint8Array(NON_ASCII).fill(JOINER);
  // Control characters and the space.
  table.fill(SPACE, 0, 33);
  table[127] = SPACE;
  for (const mark of '=:,;()[]{}"\'|!#&') table[code(mark)] = MARK;
  table.fill(DIGIT, code('0'), code('9') + 1);
  table.fill(LETTER, code('A'), code('Z') + 1);
  table.fill(LETTER, code('a'), code('z') + 1);
  table[code('@')] = JOINER | AT;
  table[code('.')] = JOINER | DOT;
  return table;
}

/** The class of a code unit; whatever is beyond ASCII counts as a letter. */
export function classOf(unit: number): number {
  return unit < NON_ASCII ? (CLASSES[unit] ?? LETTER) : LETTER;
}

/** The code unit of a one-character text. */
export function code(character: string): number {
  return character.charCodeAt(0);
}

export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

export function isLetter(unit: number): boolean {
  return classOf(unit) === LETTER;
}

export function isHexDigit(unit: number): boolean {
  const lower = unit | 32;
  return isDigit(unit) || (lower >= 97 && lower <= 102);
}
