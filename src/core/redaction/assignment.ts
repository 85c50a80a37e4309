import { BLANK, DASH, DOT, LETTER, runEnd, runStart, setsAt, WORD } from './characters.ts';
import {
  closingQuote,
  ENDS_LIST,
  ENDS_SENTENCE,
  endsStatement,
  headerEnd,
  openingQuote,
  type Quote,
  trimmedEnd,
  unquotedEnd,
  VALUE_MAX,
} from './extent.ts';
import type { Found } from './found.ts';
import { knownName, type SecretName, secretName } from './names.ts';
import { endsPlaceholder, PLACEHOLDER_AT } from './placeholder.ts';
import { isLineEnd, isQuote, type Separator, separatorAfter, skipBlanks } from './separator.ts';
import { isSecretValue, type ValueContext } from './value.ts';

/** What a line that ended too early leaves to the next one: a value for this name. */
export interface Expected {
  readonly name: SecretName;
  /**
   * `value`: the next line begins with it. `field`: with `value:`, as in a list of names and values.
   * `block`: the next line is it for certain.
   */
  readonly as: 'value' | 'field' | 'block';
}

/** A name at the end of its line. */
export interface Promised {
  readonly expected: Expected;
  readonly end: number;
}

/** A name with what is secret behind it, if anything is; `end` is where to look for the next name. */
export type Assignment = Promised | { readonly found: readonly Found[]; readonly end: number };

const NAME_MAX = 80;

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
  const { name: named, capitals } = knownName(text.slice(nameStart, nameEnd));
  const name = named && nameFor(named, separator, text, nameStart);
  if (name === undefined) return undefined;
  if (separator.kind === 'lineEnd') {
    return { expected: { name, as: separator.next }, end: nameEnd };
  }
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
  // A block is indented.
  if (as === 'block') return at === from ? [] : blockValue(text, at, name);
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

/** The first line of a block: nearly all of them have no other. */
function blockValue(text: string, from: number, name: SecretName): readonly Found[] {
  const newline = text.slice(from, from + VALUE_MAX).search(/[\r\n]/);
  const end = newline < 0 ? Math.min(text.length, from + VALUE_MAX) : from + newline;
  const context = { ...PLAIN, separator: 'colon', tight: false, capitals: false } as const;
  return judged(text, { start: from, end }, name, context);
}

const PLAIN = { quoted: false, readsOn: false, endsStatement: false } as const;

/** Whether a blank alone parts the name from its value: flags, and words of files and protocols. */
function takesBlank(text: string, nameStart: number, { strength }: SecretName): boolean {
  // `--password` has its dashes within the name.
  if (text[nameStart] === '-') return strength !== 'vendor' && strength !== 'key';
  const before = text.slice(Math.max(0, nameStart - 80), nameStart);
  return /^(?:requirepass|masterauth|bindpw|rootpw)\b/.test(text.slice(nameStart, nameStart + 12))
    ? true
    : /(?:^|\s)(?:login\s{1,4}\S{1,64}|ENV|setenv|SetEnv|setx|set -g?x|configure set)\s{1,4}$/.test(
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
  if (startsPlaceholder(text, quote?.from ?? from)) return nothing(from);
  if (quote !== undefined) return quotedValue(text, quote, name, position);
  if (position.separator === 'call') return nothing(from);
  if (!isHeader(name)) return unquotedValue(text, from, name, position);
  const range = { start: from, end: headerEnd(text, from) };
  const found = headerValue(text, range, name);
  // All that follows on its line is cookies, but not all of it credentials.
  return { found, end: name.strength === 'cookie' ? range.end : (found.at(-1)?.end ?? from) };
}

function startsPlaceholder(text: string, at: number): boolean {
  return text[at] === '[' && PLACEHOLDER_AT.test(text.slice(at, at + 80));
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
    : judged(text, range, name, {
        separator: position.separator,
        tight: position.tight,
        capitals: position.capitals,
        quoted: true,
        readsOn: false,
        endsStatement: false,
      });
  return { found, end: found.at(-1)?.end ?? quote.from };
}

function unquotedValue(text: string, from: number, name: SecretName, position: Position): Value {
  const end = unquotedEnd(text, from);
  // It was judged as a whole, with what the placeholder stands for.
  if (startsPlaceholder(text, end)) return nothing(end);
  const isSentence = !position.tight || position.separator === 'element';
  const whole = trimmedEnd(text, from, end, isSentence ? ENDS_SENTENCE : ENDS_LIST);
  const found = judged(text, { start: from, end: whole }, name, {
    separator: position.separator,
    tight: position.tight,
    capitals: position.capitals,
    quoted: false,
    readsOn: readsOn(text, end),
    endsStatement: endsStatement(text, whole),
  });
  return { found, end: found.length > 0 || end - from > SEARCHED_MAX ? end : from };
}

/** A word follows on the same line. */
function readsOn(text: string, at: number): boolean {
  if ((setsAt(text, at) & BLANK) === 0) return false;
  return (setsAt(text, runEnd(text, at, BLANK, 4)) & LETTER) !== 0;
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
