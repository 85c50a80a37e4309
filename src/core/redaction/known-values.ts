import type { Found } from './found.ts';
import { secretName } from './names.ts';
import { lineStart, type Scan } from './scan.ts';
import { isRandom, isUuid, shapeOf } from './shape.ts';
import { isSecretValue } from './value.ts';

/** A value that someone set under a name: a variable of a container, a file of secrets. */
export interface KnownValue {
  readonly name: string;
  readonly value: string;
}

/** Finds values that are known, wherever they stand and however they are encoded. */
export interface KnownValues {
  scan(text: string, isEnd: boolean): Pick<Scan, 'found' | 'settled'>;
  /** What a stretch of text stands for: the value itself when it is one of its encodings. */
  identity(found: string): string;
}

/** Of how many values at most; those that come first. Each has up to 25 encodings. */
const VALUES_MAX = 2_000;
const VALUE_CHARS_MAX = 8 * 1024;
/** How many characters the fingerprint of a place covers; shorter encodings are not looked for. */
const PRINT = 4;
const PRINT_BITS = 7;
const PRINT_MASK = 2 ** (PRINT * PRINT_BITS) - 1;
const FILTER_BITS = 16;
/** A few characters of Base64 or hex could be a part of anything. */
const ENCODED_MIN = 6;

interface Needle {
  readonly characters: string;
  readonly kind: string;
  readonly value: string;
}

/**
 * Whether a value is worth hiding wherever it stands. What is common is not, since hiding every
 * `production`, `8080` or path would hide the log: under a secret's name nearly everything counts,
 * under any other what reads like no word, number, version, host, path or hash.
 */
export function isWorthHiding({ name, value }: KnownValue): boolean {
  const text = value.trim();
  if (text.length < 4) return false;
  const { strength = 'vendor' } = secretName(name) ?? {};
  if (strength === 'vendor' || strength === 'key') return isUncommon(text);
  const named = strength === 'password' ? 'password' : 'secret';
  return !COMMON.has(text.toLowerCase()) && isSecretValue(text, named, AS_VARIABLE);
}

/** Under a name that promises nothing. */
function isUncommon(text: string): boolean {
  if (text.length < 8 || ORDINARY.test(text) || isUuid(text)) return false;
  if (/[!#$%^&*?]/.test(text)) return /[A-Za-z]/.test(text) && /\d/.test(text);
  return isChance(text) || text.split(/[-_.:=~+@]+/).some(isMixed);
}

function isChance(text: string): boolean {
  if (text.length < 12 || !isSecretValue(text, 'vendor', AS_VARIABLE)) return false;
  const shape = shapeOf(text);
  return isRandom(shape) && !shape.hex;
}

/** Lists, paths, addresses, references and sentences: credentials in them are known apart. */
const ORDINARY = /[\s,;/\\|(){}<>[\]"'`]|\$\{/;

/** `s3cr3tv4lue`, and not `utf8`, `node20lts` or a hash. */
function isMixed(part: string): boolean {
  if (part.length < 8 || /^[0-9a-f]+$/i.test(part)) return false;
  const turns = part.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g) ?? [];
  return turns.length >= MIXED_TURNS_MIN;
}

/** From letters to digits and back: names of products have two at most. */
const MIXED_TURNS_MIN = 3;

const AS_VARIABLE = {
  quoted: false,
  separator: 'equals',
  tight: true,
  capitals: true,
  readsOn: false,
  endsStatement: false,
} as const;

/** Passwords that are words of every log. Hiding them would tell more than they do. */
const COMMON = new Set(
  (
    'password admin root user test guest postgres mysql redis mongo mongodb rabbitmq secret default ' +
    'example demo docker nginx node app web api server client service database local localhost ' +
    'production development staging testing debug info warn warning error'
  ).split(' '),
);

export function knownValues(values: readonly KnownValue[]): KnownValues {
  const needles = values.slice(0, VALUES_MAX).filter(isWorthHiding).flatMap(needlesOf);
  if (needles.length === 0) return NOTHING_KNOWN;
  const byPrint = new Map<number, Needle[]>();
  const filter = new Uint8Array(2 ** FILTER_BITS);
  const valueOf = new Map<string, string>();
  for (const needle of needles) {
    const print = printOf(needle.characters);
    byPrint.set(print, [...(byPrint.get(print) ?? []), needle]);
    filter[filterIndex(print)] = 1;
    valueOf.set(needle.characters, needle.value);
  }
  // The longest first: a value may begin with another one.
  for (const list of byPrint.values()) {
    list.sort((one, other) => other.characters.length - one.characters.length);
  }
  const index: Index = { byPrint, filter, needles };
  return {
    scan: (text, isEnd) => scanValues(text, isEnd, index),
    identity: (found) => valueOf.get(withoutBreaks(found)) ?? found,
  };
}

const NOTHING_KNOWN: KnownValues = {
  scan: (text) => ({ found: [], settled: text.length }),
  identity: (found) => found,
};

interface Index {
  readonly byPrint: ReadonlyMap<number, readonly Needle[]>;
  /** Tells for most places at once that no value begins there. */
  readonly filter: Uint8Array;
  readonly needles: readonly Needle[];
}

function needlesOf({ name, value }: KnownValue): Needle[] {
  const text = value.trim().slice(0, VALUE_CHARS_MAX);
  const kind = secretName(name)?.kind ?? 'value';
  const written = new Set([...encodings(text)].map(withoutBreaks));
  return [...written]
    .filter((characters) => characters.length >= PRINT)
    .map((characters) => ({ characters, kind, value: text }));
}

/** Values are compared without line breaks, which those who print them put in. */
function withoutBreaks(text: string): string {
  return text.replaceAll(/[\r\n]/g, '');
}

/** For most values, which are letters and digits, nearly all of these are the same. */
function encodings(value: string): Set<string> {
  const json = JSON.stringify(value).slice(1, -1);
  const percent = encodeURIComponent(value.toWellFormed());
  const backslashes = value.replaceAll('\\', '\\\\');
  return new Set([
    value,
    json,
    // As PHP writes it, as Go and Python do, and as a string within a string.
    json.replaceAll('/', '\\/'),
    json.replaceAll(/[<>&\u2028\u2029]/g, unicodeEscape),
    json.replaceAll(/[^ -~]/g, unicodeEscape),
    JSON.stringify(json).slice(1, -1),
    // Strings of Python, Ruby and shells.
    backslashes,
    backslashes.replaceAll("'", "\\'"),
    backslashes.replaceAll('"', '\\"'),
    backslashes.replaceAll(/["$`]/g, (sign) => `\\${sign}`),
    value.replaceAll("'", String.raw`'\''`),
    ...markups(value),
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    new URLSearchParams({ '': value }).toString().slice(1),
    percent.replaceAll('%', '%25'),
    ...base64s(value),
    ...hexes(value),
  ]);
}

function unicodeEscape(character: string): string {
  return String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** In HTML and XML, which have two ways to write a quote. */
function markups(value: string): string[] {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [
    text.replaceAll('"', '&quot;').replaceAll("'", '&apos;'),
    text.replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
    text.replaceAll('"', '&#34;').replaceAll("'", '&#39;'),
  ];
}

/** The bytes in hex, as dumps have them. */
function hexes(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  if (bytes.length < ENCODED_MIN) return [];
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex, hex.toUpperCase()];
}

/**
 * Base64 at its three alignments, since a value may stand behind a user name; without what depends
 * on the neighbours. Both alphabets.
 */
function base64s(value: string): string[] {
  const bytes = new TextEncoder().encode(value);
  if (bytes.length < ENCODED_MIN) return [];
  const alone = toBase64(bytes).replaceAll('=', '');
  const shifted = [0, 1, 2].map((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const skipped = before === 0 ? 0 : before + 1;
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return toBase64(padded).slice(skipped, whole);
  });
  return [alone, ...shifted].flatMap((text) => [
    text,
    text.replaceAll('+', '-').replaceAll('/', '_'),
  ]);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function printOf(characters: string): number {
  let print = 0;
  for (let index = 0; index < PRINT; index += 1)
    print = rolled(print, characters.charCodeAt(index));
  return print;
}

/** The oldest character falls out at the top. */
function rolled(print: number, code: number): number {
  return ((print << PRINT_BITS) ^ (code & 127)) & PRINT_MASK;
}

function filterIndex(print: number): number {
  return (print ^ (print >>> 12)) & (2 ** FILTER_BITS - 1);
}

function scanValues(text: string, isEnd: boolean, index: Index): ReturnType<KnownValues['scan']> {
  const { filter, byPrint } = index;
  const found: Found[] = [];
  // Where the last few characters stand, line breaks left out.
  const places = new Int32Array(PRINT);
  let print = 0;
  let count = 0;
  let settled = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 10 || code === 13) continue;
    print = rolled(print, code);
    places[count % PRINT] = at;
    count += 1;
    if (filter[filterIndex(print)] === 0 || count < PRINT) continue;
    const start = places[count % PRINT] as number;
    const match = matchAt(text, start, byPrint.get(print) ?? [], isEnd);
    if (match === 'more') settled = Math.min(settled, lineStart(text, start));
    else if (match !== undefined) {
      found.push(match);
      at = match.end - 1;
      count = 0;
    }
  }
  if (!isEnd && count > 0) settled = Math.min(settled, beginningAtEnd(text, index.needles));
  return { found, settled: isEnd ? text.length : settled };
}

/** @returns `more` when the text breaks off before it is told which value stands there */
function matchAt(
  text: string,
  start: number,
  needles: readonly Needle[],
  isEnd: boolean,
): Found | 'more' | undefined {
  for (const { characters, kind } of needles) {
    let at = start;
    let matched = 0;
    while (matched < characters.length && at < text.length) {
      const code = text.charCodeAt(at);
      if (code === characters.charCodeAt(matched)) matched += 1;
      else if (code !== 10 && code !== 13) break;
      at += 1;
    }
    if (matched === characters.length) return { start, end: at, kind };
    if (at >= text.length && !isEnd) return 'more';
  }
  return undefined;
}

/** Whether the text ends with the first characters of a value, too few for a fingerprint. */
function beginningAtEnd(text: string, needles: readonly Needle[]): number {
  const tail: number[] = [];
  for (let at = text.length - 1; at >= 0 && tail.length < PRINT - 1; at -= 1) {
    const code = text.charCodeAt(at);
    if (code !== 10 && code !== 13) tail.unshift(at);
  }
  for (const [index, start] of tail.entries()) {
    const beginning = tail
      .slice(index)
      .map((at) => text.charAt(at))
      .join('');
    if (needles.some(({ characters }) => characters.startsWith(beginning))) {
      return lineStart(text, start);
    }
  }
  return text.length;
}
