import {
  BASE64,
  DASH,
  DIGIT,
  DOT,
  EQUALS,
  HEX,
  LETTER,
  LOWER,
  setsAt,
  UNDERSCORE,
  UPPER,
} from './characters.ts';

/** What a string looks like, counted in one pass over at most its first 512 characters. */
export interface Shape {
  readonly length: number;
  readonly lower: number;
  readonly upper: number;
  readonly digits: number;
  /** What is neither letter nor digit. */
  readonly others: number;
  /** Of them, those that Base64, UUIDs and names do not have. */
  readonly symbols: number;
  readonly distinct: number;
  /** Digits and the letters a to f, in one case or the other; dashes count as nothing. */
  readonly hex: boolean;
  /** The share of characters in pieces that can be pronounced, from 0 to 1. */
  readonly wordiness: number;
  /** How often a letter follows a digit, or a digit a letter. */
  readonly mixes: number;
  /** Bits for each character. */
  readonly entropy: number;
}

const LOOKED_AT_MAX = 512;

export function shapeOf(text: string): Shape {
  const length = Math.min(text.length, LOOKED_AT_MAX);
  const counts = new Map<number, number>();
  const kinds = [0, 0, 0, 0, 0];
  let notHex = 0;
  let mixes = 0;
  let before = JOINER;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    counts.set(code, (counts.get(code) ?? 0) + 1);
    const sets = setsAt(text, index);
    const kind = kindOf(sets);
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    if ((sets & (HEX | DASH)) === 0) notHex += 1;
    if (isMix(before, kind)) mixes += 1;
    before = kind;
  }
  return {
    ...summed(kinds, notHex),
    length,
    mixes,
    distinct: counts.size,
    wordiness: pronounceable(text, length) / Math.max(1, length),
    entropy: entropyOf(counts, length),
  };
}

function summed(kinds: readonly number[], notHex: number) {
  const [lower = 0, upper = 0, digits = 0, joiners = 0, symbols = 0] = kinds;
  const isEmpty = lower + upper + digits + joiners === 0;
  const hex = !isEmpty && notHex === 0 && (lower === 0 || upper === 0);
  return { lower, upper, digits, others: joiners + symbols, symbols, hex };
}

const DIGIT_KIND = 2;
const JOINER = 3;

/** Small letter, capital, digit, what joins the parts of names and of Base64, anything else. */
function kindOf(sets: number): number {
  if ((sets & LOWER) !== 0) return 0;
  if ((sets & UPPER) !== 0) return 1;
  if ((sets & DIGIT) !== 0) return DIGIT_KIND;
  return (sets & (BASE64 | DASH | DOT | EQUALS | UNDERSCORE)) === 0 ? 4 : JOINER;
}

/** A digit beside a letter. */
function isMix(before: number, kind: number): boolean {
  return (
    (before === DIGIT_KIND && kind < DIGIT_KIND) || (kind === DIGIT_KIND && before < DIGIT_KIND)
  );
}

function entropyOf(counts: ReadonlyMap<number, number>, length: number): number {
  let bits = 0;
  for (const count of counts.values()) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

/**
 * How many characters stand in pieces that read like words: letters of one case, or with a capital
 * in front, at least three, with a vowel, and without five consonants in a row.
 */
function pronounceable(text: string, length: number): number {
  let total = 0;
  let from = 0;
  for (let index = 0; index <= length; index += 1) {
    const ends = index === length || (setsAt(text, index) & LETTER) === 0 || isHump(text, index);
    if (!ends) continue;
    if (isWord(text, from, index)) total += index - from;
    from = index < length && (setsAt(text, index) & LETTER) !== 0 ? index : index + 1;
  }
  return total;
}

/** A capital after a small letter. */
function isHump(text: string, index: number): boolean {
  return (
    index > 0 && (setsAt(text, index) & UPPER) !== 0 && (setsAt(text, index - 1) & LOWER) !== 0
  );
}

const CONSONANTS_MAX = 4;

function isWord(text: string, from: number, to: number): boolean {
  if (to - from < 3) return false;
  let vowels = 0;
  let consonants = 0;
  let capitals = 0;
  for (let index = from; index < to; index += 1) {
    if ((setsAt(text, index) & UPPER) !== 0) capitals += 1;
    if ('aeiouyAEIOUY'.includes(text.charAt(index))) {
      vowels += 1;
      consonants = 0;
    } else {
      consonants += 1;
      if (consonants > CONSONANTS_MAX) return false;
    }
  }
  const startsWithCapital = (setsAt(text, from) & UPPER) !== 0;
  const oneCase = capitals === 0 || capitals === to - from || (capitals === 1 && startsWithCapital);
  return oneCase && vowels * 4 >= to - from;
}

/** Letters, digits and little else, and no words: what a generator makes. */
export function isRandom(shape: Shape): boolean {
  const { length, digits, lower, upper, distinct, symbols } = shape;
  if (distinct < Math.min(6, length - 1) || readsLikeWords(shape)) return false;
  if (digits + lower + upper < length / 2) return symbols >= 2;
  return length < 16 ? isShortRandom(shape) : isLongRandom(shape);
}

/** Digits in the midst of letters, again and again, are chance even where the letters read well. */
function readsLikeWords({ wordiness, mixes, others, length }: Shape): boolean {
  return wordiness >= 0.6 && (mixes < 3 || others > 0 || length < 12);
}

function isShortRandom({ digits, symbols, lower, upper, wordiness }: Shape): boolean {
  if (digits >= 2 || symbols >= 1) return true;
  return digits === 1 && lower > 1 && upper > 1 && wordiness < 0.5;
}

function isLongRandom({ digits, lower, upper, wordiness }: Shape): boolean {
  return digits > 0 || (lower > 2 && upper > 2) || wordiness < 0.3;
}

/** Base64 of `user:password`, as headers and configurations of registries hold it. */
export function isLogin(base64: string): boolean {
  if (base64.length < 8 || !/^[A-Za-z0-9+/]{8,1024}={0,2}$/.test(base64)) return false;
  try {
    return /^[\x20-\x39\x3b-\x7e]{1,200}:[\x20-\x7e]{1,600}$/.test(atob(base64));
  } catch {
    return false;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return text.length === 36 && UUID.test(text);
}
