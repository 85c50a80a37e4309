import {
  BLANK,
  BORDER,
  BREAK,
  DOT,
  LETTER,
  OPERATOR,
  QUOTE,
  runEnd,
  setsAt,
  WORD,
} from './characters.ts';
import type { ValueContext } from './value.ts';

/** What stands between a name and its value. */
export type Separator =
  | {
      readonly kind: ValueContext['separator'];
      /** Where the value begins. */
      readonly at: number;
      readonly tight: boolean;
      /** A quote begins there. */
      readonly quoted: boolean;
      /** A sentence says it: `the password is …`. */
      readonly said?: boolean;
    }
  | {
      readonly kind: 'lineEnd';
      /** What may come on the next line: the value, a field `value:` with it, or a block of YAML. */
      readonly next: 'value' | 'field' | 'block';
    };

const BLANKS_MAX = 32;
const EQUALS_SIGN = 61;
const COLON_SIGN = 58;
const GREATER = 62;
const COMMA_SIGN = 44;
const OPENING = 40;
const BACKSLASH = 92;
const CLOSING_BRACKET = 93;
const OPENING_BRACKET = 91;
const PERCENT = 37;
const BACKQUOTE = 96;
const PIPE = 124;
const AMPERSAND = 38;

/** @returns `undefined` where nothing behind the name is its value */
export function separatorAfter(text: string, nameEnd: number): Separator | undefined {
  const closed = skipClosing(text, nameEnd);
  const at = skipBlanks(text, closed);
  const sets = setsAt(text, at);
  if (at >= text.length || (sets & BREAK) !== 0) return { kind: 'lineEnd', next: 'field' };
  const next = text.charCodeAt(at);
  if ((sets & OPERATOR) !== 0) {
    const end = assigningEnd(text, at);
    if (end >= 0) {
      return after(text, end, next === COLON_SIGN ? 'colon' : 'equals', at > closed);
    }
  }
  return otherAfter(text, nameEnd, closed, at);
}

/** Where no operator follows. */
function otherAfter(
  text: string,
  nameEnd: number,
  closed: number,
  at: number,
): Separator | undefined {
  const closedQuote = closed > nameEnd;
  const next = text.charCodeAt(at);
  if (next === COMMA_SIGN) return afterComma(text, at, closedQuote || isConstant(text, nameEnd));
  if (next === GREATER && at === closed) return after(text, at + 1, 'element', false);
  if (next === OPENING && !closedQuote) return quotedOnly(text, at + 1, 'call');
  return at > nameEnd ? afterBlank(text, at, closedQuote) : undefined;
}

/** `Context.SECURITY_CREDENTIALS`: the name of a name. */
function isConstant(text: string, nameEnd: number): boolean {
  return /[A-Z]_[A-Z]{2,40}$/.test(text.slice(Math.max(0, nameEnd - 40), nameEnd));
}

/** Where an operator ends that gives a name its value; -1 where there is none. */
function assigningEnd(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === OPENING_BRACKET) return endOfOperator(text, skipIndex(text, at));
  if (code === PERCENT) return /^%3[ad]/i.test(text.slice(at, at + 3)) ? at + 3 : -1;
  return endOfOperator(text, at);
}

/** @param apart blanks stand before the operator */
function after(
  text: string,
  end: number,
  kind: 'equals' | 'colon' | 'element',
  apart: boolean,
): Separator | undefined {
  const at = skipType(text, skipBlanks(text, end));
  if (isLineEnd(text, at)) return { kind: 'lineEnd', next: 'value' };
  if (kind === 'colon' && isBlockMark(text, at)) return { kind: 'lineEnd', next: 'block' };
  return { kind, at, tight: at === end && !apart, quoted: isQuote(text, at) };
}

/** `password: |`, `token: >-`: YAML puts the value on the lines below. */
function isBlockMark(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code !== PIPE && code !== GREATER) return false;
  return /^[|>][-+\d]{0,2}[ \t]{0,4}(?:\r?\n|$)/.test(text.slice(at, at + 10));
}

/**
 * `token: string = "…"`, `token: Some("…")`, `string(17) "…"`: to the quote, over what is before it.
 * Quotes that are written as entities or in percent are skipped as well.
 */
function skipType(text: string, from: number): number {
  const sets = setsAt(text, from);
  if ((sets & LETTER) === 0)
    return (sets & BORDER) === 0 ? overTag(text, from) : skipEntity(text, from);
  // Nearly all that begins with a letter is a value, behind which a line or a quote ends.
  const next = setsAt(text, runEnd(text, from, WORD | DOT, TYPE_MAX));
  if ((next & (BREAK | QUOTE)) !== 0) return from;
  const type = TYPE_BEFORE_QUOTE.exec(text.slice(from, from + 48));
  return type === null ? from : from + type[0].length - 1;
}

const TYPE_MAX = 34;
const TYPE_BEFORE_QUOTE =
  /^(?:[A-Za-z][\w.<>[\]?|]{0,32}[ \t]{0,4}=[ \t]{0,4}|(?:Some|Ok|Just|Secret|String)\(|string\(\d{1,4}\) )["'`]/;

/** `!!str …` of YAML. */
function overTag(text: string, from: number): number {
  return text.startsWith('!!str ', from) ? from + 6 : from;
}

/** Behind a quote that is written as `&quot;`, `&#34;` or `%22`; the same place where there is none. */
function skipEntity(text: string, from: number): number {
  const code = text.charCodeAt(from);
  if (code === PERCENT) return text.startsWith('22', from + 1) ? from + 3 : from;
  if (code !== AMPERSAND) return from;
  const entity = QUOTE_ENTITY.exec(text.slice(from, from + 6));
  return entity === null ? from : from + entity[0].length;
}

export const QUOTE_ENTITY = /^&(?:quot|#34|apos|#39);/;

/** `("api_token", "…")`, and `"name": "api_token", "value": "…"`. */
function afterComma(text: string, comma: number, isName: boolean): Separator | undefined {
  const at = skipBlanks(text, comma + 1);
  if (isLineEnd(text, at)) return { kind: 'lineEnd', next: 'field' };
  const field = fieldAt(text, at);
  if (field !== undefined) return field;
  return isName ? quotedOnly(text, at, 'call') : undefined;
}

function fieldAt(text: string, at: number): Separator | undefined {
  const field = /^\\{0,7}["']?value\\{0,7}["']?[ \t]{0,4}[:=][ \t]{0,8}/i.exec(
    text.slice(at, at + 32),
  );
  return field === null ? undefined : after(text, at + field[0].length, 'equals', false);
}

function afterBlank(text: string, at: number, closedQuote: boolean): Separator | undefined {
  const field = fieldAt(text, at);
  if (field !== undefined) return field;
  // A type between name and value: `var token string = "…"`.
  // Or what may be done with it: `string Password { get; set; } = "…"`.
  const type = /^(?:[A-Za-z][\w.<>[\]*]{0,24}|\{ ?get;[ \w;]{0,24}\})[ \t]{1,4}:?=(?!=)/.exec(
    text.slice(at, at + 40),
  );
  if (type !== null) return after(text, at + type[0].length, 'equals', true);
  if (closedQuote && !isQuote(text, at)) return undefined;
  // In prose, "`" marks what is no value.
  if (text.charCodeAt(at) === BACKQUOTE) return undefined;
  const ahead = text.slice(at, at + 64);
  if (!closedQuote && ANNOUNCED.test(ahead)) return { kind: 'lineEnd', next: 'value' };
  const said = closedQuote ? null : SAID.exec(ahead);
  const from = at + (said?.[0].length ?? 0);
  return {
    kind: 'space',
    at: from,
    tight: false,
    quoted: isQuote(text, from),
    said: said !== null,
  };
}

/** `the password to proceed to installation:`, with nothing more on its line. */
const ANNOUNCED = /^[a-z][a-z ]{2,48}:[ \t]{0,4}\r?\n/;

/** `password is …`, `password for bob: …`. */
const SAID =
  /^(?:(?:(?:is |was )?(?:generated|created|set|reset) )?for [\w.@'"%-]{1,40}(?: is|:)|(?:is|was|set to|changed to)(?: now)?:?)[ \t]{1,2}(?=\S)/;

function quotedOnly(text: string, at: number, kind: 'call'): Separator | undefined {
  return isQuote(text, at) ? { kind, at, tight: false, quoted: true } : undefined;
}

/** Up to three quotes and brackets that end a name, escaped or not. */
function skipClosing(text: string, from: number): number {
  let at = skipEntity(text, from);
  for (let count = 0; count < 3; count += 1) {
    const escapes = text.charCodeAt(at) === BACKSLASH ? escapesBeforeQuote(text, at) : 0;
    const code = text.charCodeAt(at + escapes);
    if (code !== CLOSING_BRACKET && !isQuote(text, at + escapes)) return at + escapes;
    at += escapes + 1;
  }
  return at;
}

/** Backslashes, if they are what a quote is escaped with: one, or more in a string in a string. */
function escapesBeforeQuote(text: string, at: number): number {
  let end = at;
  while (end - at < ESCAPES_MAX && text.charCodeAt(end) === BACKSLASH) end += 1;
  return isQuote(text, end) ? end - at : 0;
}

/** Three strings within one another. */
const ESCAPES_MAX = 7;

export function skipBlanks(text: string, from: number): number {
  return (setsAt(text, from) & BLANK) === 0 ? from : runEnd(text, from, BLANK, BLANKS_MAX);
}

/** `[]` and `[25]` of C. */
function skipIndex(text: string, from: number): number {
  const index = /^\[\d{0,6}\][ \t]{0,4}/.exec(text.slice(from, from + 16));
  return index === null ? from : from + index[0].length;
}

/** @returns -1 where there is none: `::` and `:=` have one, `Type::member` has not */
function endOfOperator(text: string, from: number): number {
  const code = text.charCodeAt(from);
  const isPlain = code === EQUALS_SIGN || code === COLON_SIGN;
  const next = text.charCodeAt(from + 1);
  // Most stand alone.
  if (isPlain && next !== EQUALS_SIGN && next !== COLON_SIGN && next !== GREATER) return from + 1;
  // With a blank behind, `::` says in LDIF that the value is in Base64.
  const operator =
    /^(?:[?.!+|]{0,2}={1,3}>?|(?:\|\||\?\?)(?=[ \t]?["'`])|:{1,3}=|::(?=[ \t])|:(?!:))/.exec(
      text.slice(from, from + 6),
    );
  return operator === null ? -1 : from + operator[0].length;
}

export function isQuote(text: string, at: number): boolean {
  return (setsAt(text, at) & QUOTE) !== 0;
}

export function isLineEnd(text: string, at: number): boolean {
  return at >= text.length || (setsAt(text, at) & BREAK) !== 0;
}
