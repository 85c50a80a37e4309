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
