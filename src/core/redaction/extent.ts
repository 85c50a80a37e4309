import { BORDER, DASH, DOLLAR, DOT, runEnd, setsAt, WORD } from './characters.ts';
import { PLACEHOLDER_AT } from './placeholder.ts';
import { isLineEnd, isQuote, QUOTE_ENTITY } from './separator.ts';

/** The longest value that is read as one. */
export const VALUE_MAX = 4096;

export interface Quote {
  readonly mark: number;
  /** Backslashes before it: the text around may be a string itself. */
  readonly escapes: number;
  readonly from: number;
}

const LINE_FEED = 10;
const SEMICOLON = 59;
const COMMA = 44;
const AMPERSAND = 38;
const SLASH = 47;
const COLON = 58;
const EQUALS = 61;
const CLOSING = 41;
const BACKSLASH = 92;
const LESS = 60;
const OPENING_BRACKET = 91;
const PERCENT = 37;
/** What a string's quote can have before it, backslashes among it. */
const PREFIXES = 'bBuUrRfFL@$\\';

export function openingQuote(text: string, at: number): Quote | undefined {
  if (isQuote(text, at)) return { mark: text.charCodeAt(at), escapes: 0, from: at + 1 };
  if (!PREFIXES.includes(text.charAt(at))) return undefined;
  const opening = /^(?:[bBuUrRfFL@$]{1,2}(?=["'`]))?(\\{0,7})["'`]/.exec(text.slice(at, at + 10));
  if (opening === null) return undefined;
  const from = at + opening[0].length;
  return { mark: text.charCodeAt(from - 1), escapes: opening[1]?.length ?? 0, from };
}

/** Where the value ends; `undefined` when its line ends first. */
export function closingQuote(text: string, { mark, escapes, from }: Quote): number | undefined {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let backslashes = 0;
  for (let at = from; at < limit; at += 1) {
    const code = text.charCodeAt(at);
    if (code === LINE_FEED) return undefined;
    if (code === mark && (escapes === 0 ? backslashes % 2 === 0 : backslashes === escapes)) {
      return at - escapes;
    }
    backslashes = code === BACKSLASH ? backslashes + 1 : 0;
  }
  return undefined;
}

/** Where a value without quotes ends: at a blank, a quote, a tag, an escape, a placeholder. */
export function unquotedEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let at = from;
  while (at < limit && ((setsAt(text, at) & BORDER) === 0 || !isBorder(text, at, at === from))) {
    at += 1;
  }
  return at;
}

function isBorder(text: string, at: number, isFirst: boolean): boolean {
  switch (text.charCodeAt(at)) {
    case LESS:
      return !isFirst;
    case BACKSLASH:
      return /^\\(?:[nrt"'\\]|u00)/.test(text.slice(at, at + 4));
    case OPENING_BRACKET:
      return !isFirst && PLACEHOLDER_AT.test(text.slice(at, at + 80));
    case PERCENT:
      return /^%(?:26|3b|20|22)/i.test(text.slice(at, at + 3));
    case AMPERSAND:
      return startsNext(text, at + 1) || QUOTE_ENTITY.test(text.slice(at, at + 6));
    case SEMICOLON:
    case COMMA:
      return startsNext(text, at + 1);
    default:
      return true;
  }
}

/** `name=` behind a `&`, `;` or `,`: the next pair of the same list. */
function startsNext(text: string, at: number): boolean {
  const end = runEnd(text, at, WORD | DASH | DOT | DOLLAR, 40);
  if (end === at) return false;
  const code = text.charCodeAt(end);
  return code === EQUALS || (code === COLON && text.charCodeAt(end + 1) !== SLASH);
}

/** `;` with another pair behind it is a list, such as a connection string. */
export function endsStatement(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === CLOSING || ((code === SEMICOLON || code === COMMA) && !startsNext(text, at + 1));
}

export const ENDS_LIST = ',;)]}>|&';
export const ENDS_SENTENCE = `${ENDS_LIST}.:`;

/** Without what ends a statement or a list, and without brackets that nothing in it opened. */
export function trimmedEnd(text: string, from: number, end: number, endings = ENDS_LIST): number {
  let to = end;
  while (to > from && endings.includes(text.charAt(to - 1))) {
    const opener = { ')': '(', ']': '[', '}': '{' }[text.charAt(to - 1)];
    if (opener !== undefined && text.slice(from, to).includes(opener)) break;
    to -= 1;
  }
  return to;
}

/** Where the value of a header ends: with its line, or with the string that it stands in. */
export function headerEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let at = from;
  while (
    at < limit &&
    !isLineEnd(text, at) &&
    !isQuote(text, at) &&
    text.charCodeAt(at) !== BACKSLASH
  ) {
    at += 1;
  }
  return at;
}
