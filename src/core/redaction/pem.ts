import type { Found } from './found.ts';

const BEGIN = /^-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
/** What makes a key more than its first and its last line: however short, it may be a part of one. */
const PIECE = /[A-Za-z0-9+/]/;
/** The longest private key that is taken out as one, in characters: RSA of 16,384 bits has 13,000. */
const KEY_MAX = 32 * 1024;
const LINES_MAX = 300;

/** A line within a private key: nothing but Base64, which strings hold with `\\n` in it. */
const BODY = /^[\s|>"']{0,40}[A-Za-z0-9+/=\\]{1,4096}[\s",;]{0,8}$/;
/** The same behind what a logger put before it: then only its length tells it from a word. */
const LOGGED_BODY = /[\s|:>\]][A-Za-z0-9+/=\\]{24,4096}[\s",;]{0,8}$/;
const HEADER = /^[\s|>]{0,40}(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID):/;

/**
 * A private key from its first line on: to its last line, or as far as the lines look like one.
 *
 * @returns `more` when the text ends within it, so that only what follows will tell
 */
export function privateKeyAt(text: string, begin: number): Found | 'more' | undefined {
  const opening = BEGIN.exec(text.slice(begin, begin + 80));
  if (opening === null) return undefined;
  const found = (end: number): Found => ({ start: begin, end, kind: 'private-key' });
  let from = begin + opening[0].length;
  const dashes = otherDashes(text, from);
  if (dashes !== undefined) return brokenOff(text.slice(from, dashes), found, from);
  let isEmpty = true;
  for (let lines = 0; lines < LINES_MAX && from - begin < KEY_MAX; lines += 1) {
    const end = lineEnd(text, from);
    const line = text.slice(from, Math.min(end, from + KEY_MAX));
    const closing = END.exec(line);
    isEmpty &&= !PIECE.test(line.slice(0, closing?.index));
    if (closing !== null) {
      return isEmpty ? undefined : found(from + closing.index + closing[0].length);
    }
    if (!isKeyBody(line)) return lines > 0 ? found(from - 1) : brokenOff(line, found, from);
    if (end + 1 >= text.length) return 'more';
    from = end + 1;
  }
  return found(from - 1);
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}

/** Dashes on the same line that end no key: nothing behind them belongs to it. */
function otherDashes(text: string, from: number): number | undefined {
  const dashes = text.indexOf('-----', from);
  if (dashes < 0 || text.slice(from, dashes).includes('\n')) return undefined;
  return END.test(text.slice(dashes, dashes + 80)) ? undefined : dashes;
}

/** A key on one line, as strings hold it, that something cut short. */
function brokenOff(line: string, found: (end: number) => Found, from: number): Found | undefined {
  const body = /^[A-Za-z0-9+/=\\]{40,}/.exec(line)?.[0];
  return body === undefined ? undefined : found(from + body.length);
}

/** Whether a line may stand within a private key: Base64, a header of it, or nothing. */
export function isKeyBody(line: string): boolean {
  return (
    line.trim() === '' ||
    HEADER.test(line) ||
    BODY.test(line) ||
    LOGGED_BODY.test(line.slice(-4_200))
  );
}

/** Whether the last line of a private key is in the line, and where it ends. */
export function privateKeyEnd(line: string): number | undefined {
  const closing = END.exec(line);
  return closing === null ? undefined : closing.index + closing[0].length;
}
