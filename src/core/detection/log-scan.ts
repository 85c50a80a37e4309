import {
  AT,
  classOf,
  code,
  DIGIT,
  DOT,
  isDigit,
  isHexDigit,
  LETTER,
  MARK,
  SPACE,
} from './log-characters.ts';
import { colonAddressEnd, NO_VALUE, rangeDash, valueStart } from './log-value.ts';
import { hashPart, hashUnit, isDateHash, isValueHash, WORD_HASH_SEED } from './log-words.ts';

/**
 * Text that is the same in every line of a template, as far as one line tells. Empty in `key= `. It
 * may end in a value: `node-17`.
 */
export const WORD = 1;
/** A number, an id, an address, a path; or a list of them. */
export const VALUE = 2;
/** One mark such as `=`, or a run of characters without letter and digit such as `->`. */
export const SIGN = 3;

/** Longest part of a line that is looked at, in UTF-16 code units. */
const CHARS_MAX = 2_000;
/** Most tokens of a line that are looked at. */
const TOKENS_MAX = 128;

/** A longer run of letters and digits is data rather than a word. */
const WORD_CHARS_MAX = 128;

const SPACE_CHARACTER = code(' ');
const COLON = code(':');
const COMMA = code(',');
const EQUALS = code('=');
const NUMBER_SIGN = code('#');
const AMPERSAND = code('&');
const SLASH = code('/');
const BACKSLASH = code('\\');
const FULL_STOP = code('.');
const TILDE = code('~');
const PERCENT = code('%');
const PLUS = code('+');
const DASH = code('-');

/** What the key takes in for what has no text of its own in it. */
const VALUE_HASH = 0;
const EMPTY_HASH = 0x7e57;
const LIST_HASH = 0x1157;
const RANGE_HASH = 0x4a9e;
const NAMED_HASH = 0x4a3ed;
const ADDRESS_HASH = 0xadd5;

const MIX_HIGH = 0x85ebca6b | 0;
const MIX_LOW = 0xc2b2ae35 | 0;

/**
 * Cuts a line into tokens in one pass and without allocating. What it found stands in its fields
 * until the next line: copy what is to be kept.
 */
export class LogScanner {
  /** Tokens of the line. */
  length = 0;
  readonly starts = new Int32Array(TOKENS_MAX);
  readonly ends = new Int32Array(TOKENS_MAX);
  /** WORD, VALUE or SIGN. */
  readonly kinds = new Uint8Array(TOKENS_MAX);
  /** 1 where white space stands before the token. */
  readonly spaced = new Uint8Array(TOKENS_MAX);
  /** How many values the token is a list of. */
  readonly counts = new Uint16Array(TOKENS_MAX);
  /** 1 where a day or month is among them: its parts are one value. */
  readonly dates = new Uint8Array(TOKENS_MAX);
  /** Length of the text before the value in a word such as `node-17`, else 0. */
  readonly prefixes = new Uint16Array(TOKENS_MAX);
  /** Together a key over all but the text of the values: equal for lines of the same pattern. */
  keyHigh = 0;
  keyLow = 0;
  #space = 0;

  read(line: string): void {
    this.length = 0;
    this.keyHigh = 0;
    this.keyLow = 0;
    this.#space = 0;
    const end = Math.min(line.length, CHARS_MAX);
    let at = 0;
    while (at < end) {
      const unit = line.charCodeAt(at);
      const kind = classOf(unit);
      if (kind === SPACE) {
        this.#space = 1;
        at += 1;
      } else if (kind === MARK) {
        at = this.#mark(line, at, end);
      } else if (unit === SLASH) {
        at = this.#slash(line, at, end);
      } else {
        at = this.#run(line, at, end);
      }
    }
  }

  #push(kind: number, start: number, end: number, hash: number): void {
    const at = this.length;
    if (at === TOKENS_MAX) return;
    const space = at === 0 ? 0 : this.#space;
    this.starts[at] = start;
    this.ends[at] = end;
    this.kinds[at] = kind;
    this.spaced[at] = space;
    this.counts[at] = 1;
    this.dates[at] = 0;
    this.prefixes[at] = 0;
    this.length = at + 1;
    this.#space = 0;
    this.#mix(hash ^ (space << 4) ^ kind);
  }

  #mix(hash: number): void {
    const high = Math.imul(this.keyHigh ^ hash, MIX_HIGH);
    this.keyHigh = high ^ (high >>> 15);
    const low = Math.imul(this.keyLow + hash, MIX_LOW);
    this.keyLow = low ^ (low >>> 13);
  }

  /** Values with white space or a comma between them are one list. */
  #value(line: string, start: number, end: number): void {
    const last = this.length - 1;
    const comma = last > 0 && line.charCodeAt(this.starts[last] ?? 0) === COMMA ? 1 : 0;
    const before = last - comma;
    const isNext = this.#space === 1 || comma === 1;
    if (before < 0 || !isNext || this.kinds[before] !== VALUE) {
      this.#push(VALUE, start, end, VALUE_HASH);
      return;
    }
    this.length = before + 1;
    this.ends[before] = end;
    this.counts[before] = (this.counts[before] ?? 1) + 1;
    this.#space = 0;
    this.#mix(LIST_HASH);
  }

  #mark(line: string, at: number, end: number): number {
    const unit = line.charCodeAt(at);
    if (unit === COLON && line.charCodeAt(at + 1) === SLASH && line.charCodeAt(at + 2) === SLASH) {
      return this.#address(line, at, end);
    }
    this.#push(SIGN, at, at + 1, unit);
    if (holdsNothing(line, at, end)) this.#push(WORD, at + 1, at + 1, EMPTY_HASH);
    return at + 1;
  }

  /** `://` and what follows, with its port and path as one value. */
  #address(line: string, at: number, end: number): number {
    this.#push(SIGN, at, at + 3, ADDRESS_HASH);
    let to = at + 3;
    while (to < end && !endsAddress(line.charCodeAt(to))) to += 1;
    if (to > at + 3) this.#value(line, at + 3, to);
    return to;
  }

  #slash(line: string, start: number, end: number): number {
    const before = this.length - 1;
    const isGlued = before >= 0 && this.ends[before] === start && this.kinds[before] !== SIGN;
    return isGlued ? this.#sign(line, start, start + 1) : this.#path(line, start, end);
  }

  #sign(line: string, start: number, end: number): number {
    this.#push(SIGN, start, end, hashPart(line, start, end));
    return end;
  }

  #path(line: string, start: number, end: number): number {
    const to = pathEnd(line, start, end);
    if (to - start === 1) return this.#sign(line, start, to);
    const last = line.charCodeAt(to - 1) === FULL_STOP ? to - 1 : to;
    this.#value(line, start, last);
    return last < to ? this.#sign(line, last, to) : to;
  }

  #run(line: string, start: number, end: number): number {
    let hash = WORD_HASH_SEED;
    let before = hash;
    let classes = 0;
    let at = start;
    while (at < end) {
      const unit = line.charCodeAt(at);
      const kind = classOf(unit);
      if (kind < LETTER || unit === SLASH) break;
      classes |= kind;
      before = hash;
      hash = hashUnit(hash, unit);
      at += 1;
    }
    const whole = wholeValueEnd(line, start, at, end);
    if (whole > 0) {
      this.#value(line, start, whole);
      return whole;
    }
    if ((classes & DIGIT) !== 0) return this.#withDigit(line, start, at);
    if ((classes & LETTER) === 0) return this.#sign(line, start, at);
    // A full stop ends the sentence, not the word.
    const stop = at - start > 1 && line.charCodeAt(at - 1) === FULL_STOP ? 1 : 0;
    this.#word(line, start, at - stop, stop === 1 ? before : hash, classes);
    return stop === 1 ? this.#sign(line, at - 1, at) : at;
  }

  // oxlint-disable-next-line max-params -- An object for each word would cost a third of the speed.
  #word(line: string, start: number, end: number, hash: number, classes: number): void {
    if (isValueHash(hash) || end - start > WORD_CHARS_MAX) {
      this.#value(line, start, end);
      if (isDateHash(hash)) this.dates[this.length - 1] = 1;
    } else if ((classes & (AT | DOT)) !== 0 && isPlace(line, end, classes)) {
      this.#value(line, start, end);
    } else {
      this.#push(WORD, start, end, hash);
    }
  }

  #withDigit(line: string, start: number, end: number): number {
    let to = end;
    while (to - 1 > start && isTail(line.charCodeAt(to - 1))) to -= 1;
    const from = to - start > WORD_CHARS_MAX ? 0 : valueStart(line, start, to);
    if (from === NO_VALUE) this.#push(WORD, start, to, hashPart(line, start, to));
    else if (from > 0) this.#named(line, start, to, from);
    else if (rangeDash(line, start, to) > 0) this.#push(VALUE, start, to, RANGE_HASH);
    else this.#value(line, start, to);
    return to < end ? this.#sign(line, to, end) : end;
  }

  // oxlint-disable-next-line max-params -- As above.
  #named(line: string, start: number, end: number, prefix: number): void {
    this.#push(WORD, start, end, NAMED_HASH ^ hashPart(line, start, start + prefix));
    const last = this.length - 1;
    if (this.starts[last] === start) this.prefixes[last] = prefix;
  }
}

/** The end of a value that only what follows its first run shows to be one, or 0. */
function wholeValueEnd(line: string, start: number, at: number, end: number): number {
  const next = at < end ? line.charCodeAt(at) : SPACE_CHARACTER;
  if (next === SLASH) {
    const isPath = isPathStart(line, start, at) || isAssigned(line, start);
    return isPath ? pathEnd(line, start, end) : 0;
  }
  if (next !== COLON || at - start > 4) return 0;
  if (at - start === 1 && line.charCodeAt(at + 1) === BACKSLASH) {
    return pathEnd(line, at + 1, end);
  }
  const after = line.charCodeAt(at + 1);
  if (after !== COLON && !isHexDigit(after)) return 0;
  const to = colonAddressEnd(line, start, end);
  // With the function of a PCI device, the zone of an IPv6 address.
  return to === 0 ? 0 : tokenEnd(line, to, end);
}

function tokenEnd(line: string, start: number, end: number): number {
  let at = start;
  while (at < end && classOf(line.charCodeAt(at)) >= LETTER) at += 1;
  return at;
}

function pathEnd(line: string, start: number, end: number): number {
  let at = start;
  while (at < end && isPathUnit(line.charCodeAt(at))) at += 1;
  return at;
}

function isPathUnit(unit: number): boolean {
  return classOf(unit) >= LETTER || unit === NUMBER_SIGN || unit === AMPERSAND;
}

/** `key=a/b`, `"a/b"`. */
function isAssigned(line: string, start: number): boolean {
  const before = start > 0 ? line.charCodeAt(start - 1) : SPACE_CHARACTER;
  return before === EQUALS || before === code('"') || before === code("'");
}

/** `~/x`, `./x` and `../x`. */
function isPathStart(line: string, start: number, end: number): boolean {
  if (end - start > 2) return false;
  if (end - start === 1 && line.charCodeAt(start) === TILDE) return true;
  return line.charCodeAt(start) === FULL_STOP && line.charCodeAt(end - 1) === FULL_STOP;
}

/** Whether a mark is followed by nothing where a value could stand: `key= `, `""`, ` ()`. */
function holdsNothing(line: string, at: number, end: number): boolean {
  const unit = line.charCodeAt(at);
  const next = at + 1 < end ? line.charCodeAt(at + 1) : SPACE_CHARACTER;
  const isGlued = at > 0 && classOf(line.charCodeAt(at - 1)) >= LETTER;
  // `f()` is a name; the parentheses of ` ()` are empty.
  if (unit === EQUALS) return isGlued && classOf(next) === SPACE;
  return !isGlued && next === CLOSING[unit];
}

const CLOSING: Readonly<Record<number, number>> = {
  [code('(')]: code(')'),
  [code('[')]: code(']'),
  [code('"')]: code('"'),
  [code("'")]: code("'"),
};

function endsAddress(unit: number): boolean {
  const kind = classOf(unit);
  return kind === SPACE || (kind === MARK && !isAddressMark(unit));
}

function isAddressMark(unit: number): boolean {
  return unit === COLON || unit === EQUALS || unit === NUMBER_SIGN || unit === AMPERSAND;
}

/** `user@host`, and `host.domain` where a port follows. */
function isPlace(line: string, end: number, classes: number): boolean {
  if ((classes & AT) !== 0) return true;
  return line.charCodeAt(end) === COLON && isDigit(line.charCodeAt(end + 1));
}

/** What may follow a value without being part of it. */
function isTail(unit: number): boolean {
  return unit === FULL_STOP || unit === PERCENT || unit === PLUS || unit === DASH;
}
