import { assignmentAt, expectedValue, type Promised } from './assignment.ts';
import { buildAutomaton } from './automaton.ts';
import { ALNUM, BASE64, DOT, EQUALS, runEnd, SLUG, setsAt, TILDE } from './characters.ts';
import {
  basicCredentials,
  bearerToken,
  COMMANDS,
  commandArgument,
  encodedTwice,
  jsonWebToken,
  MARKS,
  markedAt,
  urlCredentials,
} from './credentials.ts';
import { FORMATS, type Format } from './formats.ts';
import type { Found } from './found.ts';
import { NAME_ANCHORS } from './names.ts';
import { privateKeyAt } from './pem.ts';
import { randomRuns } from './random-run.ts';
import { type Shape, shapeOf } from './shape.ts';
import { VENDORS } from './vendors.ts';

/** What a scan found, and how far that is final. */
export interface Scan {
  /** In any order; several rules may have found the same. */
  readonly found: readonly Found[];
  /** The beginning of a line: what stands before it does not depend on what follows the text. */
  readonly settled: number;
  /** Lines that were judged by what the line before them says; by their beginnings, in order. */
  readonly promises: readonly LinePromise[];
}

export interface LinePromise {
  readonly from: number;
  readonly to: number;
}

type Look =
  | { readonly at: 'name' }
  | { readonly at: 'format'; readonly format: Format }
  | { readonly at: 'mark'; readonly mark: (typeof MARKS)[number] }
  | { readonly at: 'command'; readonly command: (typeof COMMANDS)[number] }
  | { readonly at: 'encoded'; readonly kind: string }
  | { readonly at: 'url' | 'pem' | 'bearer' | 'basic' | 'jwt' };

const ANCHORS: readonly (readonly [text: string, look: Look])[] = [
  ...[...NAME_ANCHORS, ...VENDORS].map((text) => [text, { at: 'name' }] as const),
  ...FORMATS.map((format) => [format.prefix, { at: 'format', format }] as const),
  ...MARKS.map((mark) => [mark.mark, { at: 'mark', mark }] as const),
  ...COMMANDS.map((command) => [command.word, { at: 'command', command }] as const),
  ['://', { at: 'url' }],
  ['-----begin', { at: 'pem' }],
  ['bearer ', { at: 'bearer' }],
  ['basic ', { at: 'basic' }],
  ['eyJ', { at: 'jwt' }],
  // Base64 of `-----BEGIN`, and of `eyJ` at each of its three alignments.
  ['LS0tLS1CRUdJTi', { at: 'encoded', kind: 'private-key' }],
  ['ZXlK', { at: 'encoded', kind: 'jwt' }],
];
const LOOKS = ANCHORS.map(([, look]) => look);
const LENGTHS = Uint8Array.from(ANCHORS, ([text]) => text.length);
/** By anchor: the characters of which its look reads as many as there are; 0 for one that reads few. */
const RUNS = Uint32Array.from(LOOKS, runSets);
const AUTOMATON = buildAutomaton(ANCHORS.map(([text]) => text));

/**
 * Finds what looks like a secret, in time linear in the text: one pass of an automaton that knows
 * all names and beginnings, and a look of bounded length around each place that it finds.
 *
 * @param text whole lines
 * @param isEnd nothing follows it
 */
export function scanText(text: string, isEnd: boolean): Scan {
  const looker = new Looker(text, isEnd);
  const { next, classes, firstFinal, endings, stride } = AUTOMATON;
  const length = text.length;
  let state = 0;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    state = next[state + (code < 128 ? (classes[code] as number) : 0)] as number;
    if (state >= firstFinal) {
      looker.lookAt(endings[(state - firstFinal) / stride] as readonly number[], index + 1);
    }
  }
  const found = inOrder(looker.found);
  return {
    found: [...found, ...randomRuns(text, found)],
    settled: looker.settled,
    promises: looker.promises,
  };
}

/** @returns where the line begins that a place is in */
export function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
}

const CREDENTIALS = {
  url: urlCredentials,
  bearer: (text: string, _start: number, end: number) => bearerToken(text, end),
  basic: (text: string, _start: number, end: number) => basicCredentials(text, end),
  jwt: jsonWebToken,
} as const;

/** Looks at the places that the automaton stops at. */
class Looker {
  readonly found: Found[] = [];
  settled: number;
  readonly promises: LinePromise[] = [];
  /** Names before this place were judged already, as parts of a longer one or of a value. */
  #judgedTo = 0;
  /** The same for private keys, which hold nothing else. */
  #keyTo = 0;
  /**
   * By pattern, to where the run behind its last place goes. The same beginning again and again in
   * one run is looked at once: a run of 4,000 characters must not be read a thousand times.
   */
  readonly #runTo = new Int32Array(ANCHORS.length);
  readonly #text: string;
  readonly #isEnd: boolean;

  constructor(text: string, isEnd: boolean) {
    this.#text = text;
    this.#isEnd = isEnd;
    this.settled = text.length;
  }

  lookAt(patterns: readonly number[], end: number): void {
    if (end <= this.#keyTo) return;
    for (const pattern of patterns) {
      const start = end - (LENGTHS[pattern] as number);
      const look = LOOKS[pattern] as Look;
      if (look.at === 'name') this.#lookAtName(start, end);
      else if (beginsLook(this.#text, start, look) && this.#isNewRun(pattern, start, end)) {
        this.#look(look, start, end);
      }
    }
  }

  #isNewRun(pattern: number, start: number, end: number): boolean {
    const run = RUNS[pattern] as number;
    if (run === 0) return true;
    if (start < (this.#runTo[pattern] as number)) return false;
    this.#runTo[pattern] = runEnd(this.#text, end, run, RUN_MAX);
    return true;
  }

  #look(look: Exclude<Look, { at: 'name' }>, start: number, end: number): void {
    const text = this.#text;
    switch (look.at) {
      case 'format':
        return this.#add(formatAt(text, start, end, look.format, this.found.at(-1)));
      case 'mark':
        return this.#add(markedAt(text, start, look.mark));
      case 'command':
        return this.#lookAtCommand(end, look.command);
      case 'encoded':
        return this.#add(encodedTwice(text, start, look.kind));
      case 'pem':
        return this.#lookAtKey(start);
      case 'url':
      case 'bearer':
      case 'basic':
      case 'jwt':
        return this.#add(CREDENTIALS[look.at](text, start, end));
    }
  }

  #add(found: Found | undefined): void {
    if (found !== undefined) this.found.push(found);
  }

  #lookAtName(start: number, end: number): void {
    if (end <= this.#judgedTo) return;
    const assignment = assignmentAt(this.#text, start, end);
    if (assignment === undefined) return;
    this.#judgedTo = assignment.end;
    if ('found' in assignment) this.found.push(...assignment.found);
    else this.#lookAtNextLine(assignment);
  }

  #lookAtNextLine({ expected, end }: Promised): void {
    const newline = this.#text.indexOf('\n', end);
    if (newline < 0) return;
    const from = lineStart(this.#text, end);
    this.promises.push({ from, to: newline + 1 });
    const line = expected.as === 'value' ? overEmptyLine(this.#text, newline + 1) : newline + 1;
    if (line < this.#text.length) {
      this.promises.push({ from, to: line });
      this.found.push(...expectedValue(this.#text, line, expected));
    } else if (!this.#isEnd) {
      this.#unsettleFrom(end);
    }
  }

  #lookAtCommand(from: number, command: (typeof COMMANDS)[number]): void {
    const text = this.#text;
    const { found, lines } = commandArgument(text, from, command);
    for (const to of lines) this.promises.push({ from: lineStart(text, from), to });
    if (lines.at(-1) === text.length && !this.#isEnd) this.#unsettleFrom(from);
    else this.#add(found);
  }

  #lookAtKey(start: number): void {
    const key = privateKeyAt(this.#text, start);
    if (key === undefined) return;
    if (key === 'more' && !this.#isEnd) {
      this.#keyTo = this.#text.length;
      this.#unsettleFrom(start);
      return;
    }
    const found = key === 'more' ? { start, end: this.#text.length, kind: 'private-key' } : key;
    this.#keyTo = found.end;
    this.found.push(found);
  }

  #unsettleFrom(at: number): void {
    this.settled = Math.min(this.settled, lineStart(this.#text, at));
  }
}

/** The line behind an empty one: people set off what they tell. */
function overEmptyLine(text: string, from: number): number {
  if (text.startsWith('\n', from)) return from + 1;
  return text.startsWith('\r\n', from) ? from + 2 : from;
}

const RUN_MAX = 32 * 1024;

function runSets(look: Look): number {
  switch (look.at) {
    case 'format':
      return look.format.rest;
    case 'jwt':
    case 'encoded':
    case 'bearer':
    case 'basic':
      return SLUG | DOT | EQUALS | BASE64 | TILDE;
    case 'name':
    case 'mark':
    case 'command':
    case 'pem':
    case 'url':
      return 0;
  }
}

function startsWord(text: string, start: number): boolean {
  return (setsAt(text, start - 1) & ALNUM) === 0;
}

/** The automaton finds beginnings in any case and in the midst of words. */
function beginsLook(text: string, start: number, look: Look): boolean {
  if (look.at === 'format') {
    return text.startsWith(look.format.prefix, start) && startsFormat(text, start);
  }
  return (look.at !== 'jwt' && look.at !== 'encoded') || startsWord(text, start);
}

/** Behind a dot it is a part of a name: `icon.ico-3f…`, unless a dot is what it begins with. */
function startsFormat(text: string, start: number): boolean {
  return text[start] === '.' || (startsWord(text, start) && text[start - 1] !== '.');
}

/** @param last what was found last: within a secret only the kind is in question */
// oxlint-disable-next-line max-params -- An object for each beginning would cost more than the look.
function formatAt(
  text: string,
  start: number,
  from: number,
  format: Format,
  last: Found | undefined,
): Found | undefined {
  const { rest, min, max = Number.POSITIVE_INFINITY, form, kind } = format;
  const end = runEnd(text, from, rest, Math.min(max, LENGTH_MAX) + 1);
  const length = end - from;
  if (length < min || length > max) return undefined;
  const body = text.slice(from, end);
  const isJudged = last !== undefined && last.start <= start && last.end >= end;
  if (!(isJudged && format.distinct === 1) && !mayBeSecret(body, format)) return undefined;
  if (form !== undefined && !form.test(body)) return undefined;
  return { start: kind.endsWith('-webhook') ? urlStart(text, start) : start, end, kind };
}

function mayBeSecret(body: string, { distinct }: Format): boolean {
  const shape = shapeOf(body);
  return shape.distinct >= distinct && !isOfWords(shape) && !MASK.test(body);
}

/** `xoxb-my-bot-token`: so do manuals write what a token is. */
function isOfWords({ wordiness, digits }: Shape): boolean {
  return wordiness > (digits === 0 ? 0.5 : 0.8);
}

/** `ghp_xxxx…`: an example in a manual. */
const MASK = /^[xX0*._/-]*$|[xX*]{8}/;

/** Whoever knows such a URL may post: all of it is the secret. */
function urlStart(text: string, host: number): number {
  const scheme = /https?:\/\/[\w.-]{0,64}$/.exec(text.slice(Math.max(0, host - 80), host));
  return host - (scheme?.[0].length ?? 0);
}

const LENGTH_MAX = 4_096;

/** Kinds that say where a secret stood; one that says what it is comes before them. */
const PLAIN_KINDS = new Set([
  'password',
  'secret',
  'token',
  'key',
  'authorization',
  'cookie',
  'signature',
  'random',
]);

function inOrder(found: readonly Found[]): readonly Found[] {
  return isInOrder(found) ? found : found.toSorted(byPlace);
}

function isInOrder(found: readonly Found[]): boolean {
  return found.every((next, index) => {
    const last = found[index - 1];
    return last === undefined || byPlace(last, next) <= 0;
  });
}

function byPlace(one: Found, other: Found): number {
  return one.start - other.start || other.end - one.end;
}

/** In order, with those that overlap made one. */
export function merged(found: readonly Found[]): Found[] {
  const result: Found[] = [];
  for (const next of inOrder(found)) {
    const last = result.at(-1);
    if (last === undefined || next.start >= last.end) {
      result.push(next);
      continue;
    }
    const kind = PLAIN_KINDS.has(last.kind) && !PLAIN_KINDS.has(next.kind) ? next.kind : last.kind;
    result[result.length - 1] = { start: last.start, end: Math.max(last.end, next.end), kind };
  }
  return result;
}
