import { withoutAnsi } from '#lib/ansi.ts';
import { plainLine, plainText } from '#lib/plain-text.ts';
import { redact } from './redact.ts';

/**
 * Text of others, fit to be kept and shown: without escape sequences, which could hide a secret's
 * name from the patterns, and with nothing unprintable and no secret in it. Line breaks stay.
 */
export function cleanText(text: string): string {
  return redact(plainText(withoutAnsi(text)));
}

/** The same on one line. */
export function cleanLine(text: string): string {
  return redact(plainLine(withoutAnsi(text)));
}
