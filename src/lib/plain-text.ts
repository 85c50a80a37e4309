/**
 * What can change how a terminal or a page shows the text around it: control characters, escape
 * sequences' first byte among them, and the marks that reorder, join or hide letters.
 */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Foreign text made harmless to show: what is unprintable becomes U+FFFD; line breaks stay. */
export function plainText(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replace(UNPRINTABLE, '\ufffd');
}

/** The same on one line: breaks and tabs become spaces. */
export function plainLine(text: string): string {
  return plainText(text).replaceAll(/[\n\t]+/g, ' ');
}

/** The beginning of a text, at a word's end where there is one, with `…` for what is left out. */
export function shortened(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const beginning = text.slice(0, charsMax);
  const atWord = text.lastIndexOf(' ', charsMax);
  // Of a character that JavaScript writes as two, the first half alone is none.
  const cut = atWord > charsMax / 2 ? beginning.slice(0, atWord) : beginning;
  return `${cut.replace(/[\ud800-\udbff]$/, '')}…`;
}

/** What could end a quotation in its middle. */
const QUOTES = /["“”„‟«»＂〝〞]/g;

/**
 * What somebody who is not to be trusted says, marked as such: on one line, with nothing unprintable,
 * and without a mark that ends the quotation.
 */
export function quoted(text: string, charsMax: number): string {
  // First the length, so that no more is cleaned than is shown.
  return `“${plainLine(shortened(text, charsMax)).trim().replace(QUOTES, '’')}”`;
}

/**
 * A value as JSON that is harmless to show and still the same value: what is unprintable in it is
 * escaped, where JSON alone escapes only the first 32 characters.
 */
export function plainJson(value: unknown, indent = 0): string {
  // A line break or tab of the result is never within a string.
  return JSON.stringify(value, null, indent).replace(UNPRINTABLE, (character) =>
    // As UTF-16: JSON writes characters beyond it as two.
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
