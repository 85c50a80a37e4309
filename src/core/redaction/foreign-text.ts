import { withoutAnsi } from '#lib/ansi.ts';
import { plainLine, plainText } from '#lib/plain-text.ts';
import { createRedactor, type Redactor } from './redactor.ts';

/**
 * Text of others, fit to be kept and shown: without escape sequences, which could hide a secret's
 * name from the patterns, and with nothing unprintable and no secret in it. Line breaks stay.
 *
 * @param redactor knows what is secret to whom the text is of, where that is known
 */
export function cleanText(
  text: string,
  redactor: Pick<Redactor, 'redact'> = createRedactor(),
): string {
  return redactor.redact(plainText(withoutAnsi(text)));
}

/** The same on one line. */
export function cleanLine(
  text: string,
  redactor: Pick<Redactor, 'redact'> = createRedactor(),
): string {
  return redactor.redact(plainLine(withoutAnsi(text)));
}
