import { DASH, DOLLAR, DOT, LETTER, runEnd, runStart, setsAt, WORD } from './characters.ts';
import type { Found } from './found.ts';
import { type SecretName, secretName } from './names.ts';
import { endsPlaceholder, PLACEHOLDER_AT } from './placeholder.ts';
import { isSecretValue, type ValueContext } from './value.ts';

/** What a line that ended too early leaves to the next one: a value for this name. */
export interface Expected {
  readonly name: SecretName;
  /** `value`: the next line begins with it. `field`: with `value:`, as in a list of names and values. */
  readonly as: 'value' | 'field';
}

/** A name at the end of its line. */
export interface Promised {
  readonly expected: Expected;
  readonly end: number;
}

/** A name with what is secret behind it, if anything is; `end` is where to look for the next name. */
export type Assignment = Promised | { readonly found: readonly Found[]; readonly end: number };

const NAME_MAX = 80;
const VALUE_MAX = 4096;
const BLANKS_MAX = 32;

/**
 * Judges the name that a word like `password` belongs to, and the value behind it.
 *
 * @param from where the word begins
 * @param to where it ends
 */
export function assignmentAt(text: string, from: number, to: number): Assignment | undefined {
  const nameEnd = runEnd(text, to, WORD | DASH | DOT, NAME_MAX);
  const separator = separatorAfter(text, nameEnd);
  if (separator === undefined) return comparedBefore(text, from, nameEnd);
  const nameStart = runStart(text, from, WORD | DASH | DOT, NAME_MAX);
  // It was a part of what a placeholder stands for, and no name, when that was put there.
  if (text[nameStart - 1] === ']' && endsPlaceholder(text, nameStart)) return undefined;
  const written = text.slice(nameStart, nameEnd);
  const named = secretName(written);
  const name = named && nameFor(named, separator, text, nameStart);
  if (name === undefined) return undefined;
  if (separator.kind === 'lineEnd') {
    return { expected: { name, as: separator.field ? 'field' : 'value' }, end: nameEnd };
  }
  const capitals = !/[a-z]/.test(written);
  const { found, end } = valueAt(text, separator.at, name, {
    separator: separator.kind,
    tight: separator.tight,
    capitals,
  });
  return { found, end: Math.max(nameEnd, end) };
}

/** What a name counts for before its separator; `undefined` where nothing behind it is its value. */
function nameFor(
  name: SecretName,
  separator: Separator,
  text: string,
  nameStart: number,
): SecretName | undefined {
  if (separator.kind === 'element') return isElement(text, nameStart) ? name : undefined;
  if (separator.kind !== 'space') return asParameter(name, text, nameStart);
  // To pass "…" is a verb.
  if (/^pass$/i.test(text.slice(nameStart, nameStart + 5).trim())) return undefined;
  if (separator.quoted || takesBlank(text, nameStart, name)) return name;
  // `invalid token 5f4d…`: a sentence goes on behind the name, unless chance made what follows.
  if (SILENT.has(name.strength)) return undefined;
  const isSaid = separator.said === true && name.strength === 'password';
  return { ...name, strength: isSaid ? 'token' : 'vendor' };
}

/** Names that are words of any sentence. */
const SILENT: ReadonlySet<SecretName['strength']> = new Set(['key', 'owned', 'vendor']);

/** `?key=…`: what a page is asked for is hardly sorted by a hash. */
function asParameter(name: SecretName, text: string, nameStart: number): SecretName {
  const isParameter = text[nameStart - 1] === '?' || text[nameStart - 1] === '&';
  return isParameter && name.strength === 'key' ? { ...name, strength: 'owned' } : name;
}

const COMPARED = /(["'`])[ \t]{0,2}[=!]==?[ \t]{0,2}$/;

/** `"…" == password`: the value stands before the name. */
function comparedBefore(text: string, from: number, nameEnd: number): Assignment | undefined {
  const nameStart = runStart(text, from, WORD | DASH | DOT, NAME_MAX);
  const ahead = text[nameStart - 1] === ' ' || text[nameStart - 1] === '=';
  const operator = ahead && COMPARED.exec(text.slice(Math.max(0, nameStart - 9), nameStart));
  const name = operator && secretName(text.slice(nameStart, nameEnd));
  if (!operator || !name) return undefined;
  const end = nameStart - operator[0].length;
  const line = text.slice(Math.max(0, end - COMPARED_MAX), end);
  const start = end - line.length + line.lastIndexOf(operator[1] ?? '"') + 1;
  if (start === end - line.length || text.slice(start, end).includes('\n')) return undefined;
  const context = { quoted: true, separator: 'equals', tight: false, capitals: false } as const;
  const found = judged(text, { start, end }, name, { ...PLAIN, ...context });
  return { found, end: nameEnd };
}

const COMPARED_MAX = 256;

/**
 * The value that the line before promised.
 *
 * @param from the beginning of a line
 */
export function expectedValue(
  text: string,
  from: number,
  { name, as }: Expected,
): readonly Found[] {
  const at = skipBlanks(text, from);
  if (as === 'field') {
    const word = /^["']?value["']?[ \t]{0,4}[:=][ \t]{0,8}/i.exec(text.slice(at, at + 32));
    if (word === null) return [];
    return valueAt(text, at + word[0].length, name, {
      separator: 'equals',
      tight: true,
      capitals: true,
    }).found;
  }
  const end = unquotedEnd(text, at);
  const after = skipBlanks(text, end);
  const ends = isLineEnd(text, after) || text.startsWith('</', after);
  const value = text.slice(at, end);
  if (!ends || /[:{}[\]()]/.test(value.slice(-1)) || name.strength === 'key') return [];
  const strict = { ...name, strength: name.strength === 'vendor' ? 'vendor' : 'token' } as const;
  return judged(text, { start: at, end }, strict, {
    ...PLAIN,
    separator: 'colon',
    tight: false,
    capitals: false,
  });
}

const PLAIN = { quoted: false, readsOn: false, endsStatement: false } as const;

type Separator =
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
  | { readonly kind: 'lineEnd'; readonly field: boolean };

/** What stands between a name and its value, if anything does. */
function separatorAfter(text: string, nameEnd: number): Separator | undefined {
  const closed = skipClosing(text, nameEnd);
  const closedQuote = closed > nameEnd;
  const at = skipBlanks(text, closed);
  const blanks = at - closed;
  if (isLineEnd(text, at)) return { kind: 'lineEnd', field: true };
  const next = text.charAt(at);
  const operatorEnd = '=:?.!+|%['.includes(next) ? assigningEnd(text, at) : -1;
  if (operatorEnd >= 0) return after(text, operatorEnd, next === ':' ? ':' : '=', blanks);
  if (next === ',') return afterComma(text, at, closedQuote || isConstant(text, nameEnd));
  if (next === '>' && blanks === 0) return after(text, at + 1, '>', 0);
  if (next === '(' && !closedQuote) return quotedOnly(text, at + 1, 'call');
  return at > nameEnd ? afterBlank(text, at, closedQuote) : undefined;
}

/** `Context.SECURITY_CREDENTIALS`: the name of a name. */
function isConstant(text: string, nameEnd: number): boolean {
  return /[A-Z]_[A-Z]{2,40}$/.test(text.slice(Math.max(0, nameEnd - 40), nameEnd));
}

/** Where an operator ends that gives a name its value; -1 where there is none. */
function assigningEnd(text: string, at: number): number {
  if (text[at] === '[') return endOfOperator(text, skipIndex(text, at));
  if (text[at] === '%') return /^%3[ad]/i.test(text.slice(at, at + 3)) ? at + 3 : -1;
  return endOfOperator(text, at);
}

function after(text: string, end: number, operator: string, blanks: number): Separator | undefined {
  if (end < 0) return undefined;
  const at = skipType(text, skipBlanks(text, end));
  if (isLineEnd(text, at)) return { kind: 'lineEnd', field: false };
  const kind = operator === '>' ? 'element' : operator === ':' ? 'colon' : 'equals';
  return { kind, at, tight: at === end && blanks === 0, quoted: isQuote(text, at) };
}

/** `token: string = "…"`: to the quote, over the type before it. */
function skipType(text: string, from: number): number {
  if ((setsAt(text, from) & LETTER) === 0) return from;
  const type = TYPE_BEFORE_QUOTE.exec(text.slice(from, from + 48));
  return type === null ? from : from + type[0].length - 1;
}

const TYPE_BEFORE_QUOTE = /^[A-Za-z][\w.<>[\]?|]{0,32}[ \t]{0,4}=[ \t]{0,4}["'`]/;

/** `("api_token", "…")`, and `"name": "api_token", "value": "…"`. */
function afterComma(text: string, comma: number, isName: boolean): Separator | undefined {
  const at = skipBlanks(text, comma + 1);
  if (isLineEnd(text, at)) return { kind: 'lineEnd', field: true };
  const field = fieldAt(text, at);
  if (field !== undefined) return field;
  return isName ? quotedOnly(text, at, 'call') : undefined;
}

function fieldAt(text: string, at: number): Separator | undefined {
  const field = /^\\{0,2}["']?value\\{0,2}["']?[ \t]{0,4}[:=][ \t]{0,8}/i.exec(
    text.slice(at, at + 32),
  );
  return field === null ? undefined : after(text, at + field[0].length, '=', 0);
}

function afterBlank(text: string, at: number, closedQuote: boolean): Separator | undefined {
  const field = fieldAt(text, at);
  if (field !== undefined) return field;
  // A type between name and value: `var token string = "…"`.
  // Or what may be done with it: `string Password { get; set; } = "…"`.
  const type = /^(?:[A-Za-z][\w.<>[\]*]{0,24}|\{ ?get;[ \w;]{0,24}\})[ \t]{1,4}:?=(?!=)/.exec(
    text.slice(at, at + 40),
  );
  if (type !== null) return after(text, at + type[0].length, '=', 1);
  if (closedQuote && !isQuote(text, at)) return undefined;
  // In prose, "`" marks what is no value.
  if (text[at] === '`') return undefined;
  const said = closedQuote ? null : SAID.exec(text.slice(at, at + 64));
  const from = at + (said?.[0].length ?? 0);
  return {
    kind: 'space',
    at: from,
    tight: false,
    quoted: isQuote(text, from),
    said: said !== null,
  };
}

/** `password is …`, `password for bob: …`. */
const SAID =
  /^(?:for [\w.@'"-]{1,30}(?: is|:)|(?:is|was|set to|changed to)(?: now)?:?)[ \t]{1,2}(?=\S)/;

function quotedOnly(text: string, at: number, kind: 'call'): Separator | undefined {
  return isQuote(text, at) ? { kind, at, tight: false, quoted: true } : undefined;
}

/** Up to three quotes and brackets that end a name, escaped or not. */
function skipClosing(text: string, from: number): number {
  let at = from;
  for (let count = 0; count < 3; count += 1) {
    if (text[at] === '\\' && isQuote(text, at + 1)) at += 1;
    else if (text[at] === '\\' && text[at + 1] === '\\' && isQuote(text, at + 2)) at += 2;
    if (!isQuote(text, at) && text[at] !== ']') break;
    at += 1;
  }
  return at;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at - from < BLANKS_MAX && (text[at] === ' ' || text[at] === '\t')) at += 1;
  return at;
}

/** `[]` and `[25]` of C. */
function skipIndex(text: string, from: number): number {
  const index = /^\[\d{0,6}\][ \t]{0,4}/.exec(text.slice(from, from + 16));
  return index === null ? from : from + index[0].length;
}

/** @returns -1 where there is none: `::` and `:=` have one, `Type::member` has not */
function endOfOperator(text: string, from: number): number {
  // With a blank behind, `::` says in LDIF that the value is in Base64.
  const operator =
    /^(?:[?.!+|]{0,2}={1,3}>?|(?:\|\||\?\?)(?=[ \t]?["'`])|:{1,3}=|::(?=[ \t])|:(?!:))/.exec(
      text.slice(from, from + 6),
    );
  return operator === null ? -1 : from + operator[0].length;
}

function isQuote(text: string, at: number): boolean {
  const character = text[at];
  return character === '"' || character === "'" || character === '`';
}

function isLineEnd(text: string, at: number): boolean {
  return at >= text.length || text[at] === '\n' || text[at] === '\r';
}

/** Whether a blank alone parts the name from its value: flags, and words of files and protocols. */
function takesBlank(text: string, nameStart: number, { strength }: SecretName): boolean {
  // `--password` has its dashes within the name.
  if (text[nameStart] === '-') return strength !== 'vendor' && strength !== 'key';
  const before = text.slice(Math.max(0, nameStart - 80), nameStart);
  return /^(?:requirepass|masterauth|bindpw|rootpw)\b/.test(text.slice(nameStart, nameStart + 12))
    ? true
    : /(?:^|\s)(?:login\s{1,4}\S{1,64}|ENV|setenv|setx|set -g?x|configure set)\s{1,4}$/.test(
        before,
      );
}

/** `<password>` and `<add name="password">`. */
function isElement(text: string, nameStart: number): boolean {
  return text[nameStart - 1] === '<' || text[nameStart - 1] === ':' || isQuote(text, nameStart - 1);
}

type Position = Pick<ValueContext, 'separator' | 'tight' | 'capitals'>;

interface Value {
  readonly found: readonly Found[];
  /** To where names in it need no look of their own. */
  readonly end: number;
}

/** In a longer value than this that is no secret, no other name is looked for. */
const SEARCHED_MAX = 128;

function nothing(end: number): Value {
  return { found: [], end };
}

/** Reads the value and says which of it is secret, if anything is. */
function valueAt(text: string, from: number, name: SecretName, position: Position): Value {
  const quote = openingQuote(text, from);
  if (PLACEHOLDER_AT.test(text.slice(quote?.from ?? from, from + 80))) return nothing(from);
  if (quote !== undefined) return quotedValue(text, quote, name, position);
  if (position.separator === 'call') return nothing(from);
  if (!isHeader(name)) return unquotedValue(text, from, name, position);
  const range = { start: from, end: headerEnd(text, from) };
  const found = headerValue(text, range, name);
  // All that follows on its line is cookies, but not all of it credentials.
  return { found, end: name.strength === 'cookie' ? range.end : (found.at(-1)?.end ?? from) };
}

function isHeader({ strength }: SecretName): boolean {
  return strength === 'authorization' || strength === 'cookie';
}

function quotedValue(text: string, quote: Quote, name: SecretName, position: Position): Value {
  const end = closingQuote(text, quote);
  if (end === undefined) return nothing(quote.from);
  const range = { start: quote.from, end };
  const found = isHeader(name)
    ? headerValue(text, range, name)
    : judged(text, range, name, { ...PLAIN, ...position, quoted: true });
  return { found, end: found.at(-1)?.end ?? quote.from };
}

function unquotedValue(text: string, from: number, name: SecretName, position: Position): Value {
  const end = unquotedEnd(text, from);
  // It was judged as a whole, with what the placeholder stands for.
  if (PLACEHOLDER_AT.test(text.slice(end, end + 80))) return nothing(end);
  const isSentence = !position.tight || position.separator === 'element';
  const whole = trimmedEnd(text, from, end, isSentence ? ENDS_SENTENCE : ENDS_LIST);
  const found = judged(text, { start: from, end: whole }, name, {
    ...position,
    quoted: false,
    readsOn: /^[ \t]{1,4}[A-Za-z]/.test(text.slice(end, end + 6)),
    endsStatement: endsStatement(text, whole),
  });
  return { found, end: found.length > 0 || end - from > SEARCHED_MAX ? end : from };
}

/** `;` with another pair behind it is a list, such as a connection string. */
function endsStatement(text: string, at: number): boolean {
  const character = text[at];
  return (
    character === ')' || ((character === ';' || character === ',') && !startsNext(text, at + 1))
  );
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function judged(
  text: string,
  { start, end }: Range,
  { strength, kind }: SecretName,
  context: ValueContext,
): readonly Found[] {
  if (end <= start) return [];
  return isSecretValue(text.slice(start, end), strength, context) ? [{ start, end, kind }] : [];
}

interface Quote {
  readonly mark: string;
  /** Backslashes before it: the text around may be a string itself. */
  readonly escapes: number;
  readonly from: number;
}

function openingQuote(text: string, at: number): Quote | undefined {
  const opening = /^(?:[bBuUrRfFL@$]{1,2}(?=["'`]))?(\\{0,3})(["'`])/.exec(text.slice(at, at + 6));
  if (opening === null) return undefined;
  const [all, escapes = '', mark = ''] = opening;
  return { mark, escapes: escapes.length, from: at + all.length };
}

/** Where the value ends; `undefined` when its line ends first. */
function closingQuote(text: string, { mark, escapes, from }: Quote): number | undefined {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let backslashes = 0;
  for (let at = from; at < limit; at += 1) {
    const character = text.charAt(at);
    if (character === '\n') return undefined;
    if (character === mark && (escapes === 0 ? backslashes % 2 === 0 : backslashes === escapes)) {
      return at - escapes;
    }
    backslashes = character === '\\' ? backslashes + 1 : 0;
  }
  return undefined;
}

/** Where a value without quotes ends: at a blank, a quote, a tag, an escape, a placeholder. */
function unquotedEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let at = from;
  while (at < limit && !endsUnquoted(text, at, at === from)) at += 1;
  return at;
}

function endsUnquoted(text: string, at: number, isFirst: boolean): boolean {
  const character = text.charAt(at);
  if (character > '`' || (character >= '-' && character <= '9')) return false;
  switch (character) {
    case '<':
      return !isFirst;
    case '\\':
      return /^\\(?:[nrt"'\\]|u00)/.test(text.slice(at, at + 4));
    case '[':
      return !isFirst && PLACEHOLDER_AT.test(text.slice(at, at + 80));
    case '%':
      return /^%(?:26|3b|20|22)/i.test(text.slice(at, at + 3));
    default:
      return (
        character <= ' ' ||
        isQuote(text, at) ||
        ('&;,'.includes(character) && startsNext(text, at + 1))
      );
  }
}

/** `name=` behind a `&`, `;` or `,`: the next pair of the same list. */
function startsNext(text: string, at: number): boolean {
  const end = runEnd(text, at, WORD | DASH | DOT | DOLLAR, 40);
  return end > at && (text[end] === '=' || (text[end] === ':' && text[end + 1] !== '/'));
}

const ENDS_LIST = ',;)]}>|&';
const ENDS_SENTENCE = `${ENDS_LIST}.:`;

/** Without what ends a statement or a list, and without brackets that nothing in it opened. */
function trimmedEnd(text: string, from: number, end: number, endings = ENDS_LIST): number {
  let to = end;
  while (to > from && endings.includes(text.charAt(to - 1))) {
    const opener = { ')': '(', ']': '[', '}': '{' }[text.charAt(to - 1)];
    if (opener !== undefined && text.slice(from, to).includes(opener)) break;
    to -= 1;
  }
  return to;
}

function headerEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + VALUE_MAX);
  let at = from;
  while (at < limit && !isLineEnd(text, at) && !isQuote(text, at) && text[at] !== '\\') at += 1;
  return at;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9-]{2,24}(?:[ \t]{1,4}|%20|\+)/;

function headerValue(text: string, { start, end }: Range, name: SecretName): readonly Found[] {
  if (name.strength === 'cookie') return cookies(text, start, end);
  const scheme = SCHEME.exec(text.slice(start, Math.min(end, start + 32)));
  const from = start + (scheme?.[0].length ?? 0);
  const to = trimmedEnd(text, from, Math.min(end, unquotedEnd(text, from)));
  const context = { ...PLAIN, separator: 'colon', tight: false, capitals: false } as const;
  return judged(text, { start: from, end: to }, name, context);
}

function cookies(text: string, from: number, to: number): readonly Found[] {
  const found: Found[] = [];
  const context = { ...PLAIN, separator: 'equals', tight: true, capitals: false } as const;
  // No further than the header goes: this must not read the rest of the text for each cookie.
  const header = text.slice(from, to);
  let at = from;
  while (at < to) {
    const semicolon = header.indexOf(';', at - from);
    const end = semicolon < 0 ? to : from + semicolon;
    const nameLength = text.slice(at, Math.min(end, at + NAME_MAX)).indexOf('=');
    if (nameLength > 0) {
      const equals = at + nameLength;
      const name = secretName(text.slice(at, equals).trim());
      const strength = name === undefined || name.strength === 'key' ? 'cookie' : 'token';
      const range = { start: equals + 1, end: trimmedEnd(text, equals + 1, end) };
      found.push(...judged(text, range, { strength, kind: 'cookie' }, context));
    }
    at = end + 1;
  }
  return found;
}
