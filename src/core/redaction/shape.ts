import {
  BASE64,
  DASH,
  DIGIT,
  DOT,
  EQUALS,
  HEX,
  LOWER,
  setsAt,
  UNDERSCORE,
  UPPER,
  VOWEL,
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

/**
 * Room for one string at a time. A shape is asked for each candidate, so nothing is made on the way
 * that would have to be collected; what is in here has no meaning from one call to the next.
 */
const SLOTS = new Uint8Array(LOOKED_AT_MAX);
const COUNTS = new Uint16Array(256);
/** `n * log2(n)`, for the entropy. */
const N_LOG_N = Float64Array.from({ length: LOOKED_AT_MAX + 1 }, (_, n) =>
  n === 0 ? 0 : n * Math.log2(n),
);

const LOWER_KIND = 0;
const UPPER_KIND = 1;
const DIGIT_KIND = 2;
/** What joins the parts of names and of Base64. */
const JOINER = 3;
const SYMBOL = 4;

/** By slot: a character of ASCII has its own, the others share the upper half. */
const KINDS = Uint8Array.from({ length: 256 }, (_, slot) => kindOf(slot));
const IS_VOWEL = Uint8Array.from({ length: 256 }, (_, slot) => Number(hasSet(slot, VOWEL)));
const IS_HEX = Uint8Array.from({ length: 256 }, (_, slot) => Number(hasSet(slot, HEX | DASH)));

function hasSet(slot: number, sets: number): boolean {
  return (setsAt(String.fromCharCode(slot), 0) & sets) !== 0;
}

function kindOf(slot: number): number {
  if (hasSet(slot, LOWER)) return LOWER_KIND;
  if (hasSet(slot, UPPER)) return UPPER_KIND;
  if (hasSet(slot, DIGIT)) return DIGIT_KIND;
  return hasSet(slot, BASE64 | DASH | DOT | EQUALS | UNDERSCORE) ? JOINER : SYMBOL;
}

export function shapeOf(text: string): Shape {
  const length = Math.min(text.length, LOOKED_AT_MAX);
  const kinds = [0, 0, 0, 0, 0] as [number, number, number, number, number];
  let hex = 0;
  let mixes = 0;
  let before = JOINER;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    const slot = code < 128 ? code : 128 | (code & 127);
    SLOTS[index] = slot;
    (COUNTS[slot] as number) += 1;
    const kind = KINDS[slot] as number;
    (kinds[kind] as number) += 1;
    hex += IS_HEX[slot] as number;
    // A digit beside a letter.
    if ((kind === DIGIT_KIND) !== (before === DIGIT_KIND) && kind + before <= DIGIT_KIND + 1) {
      mixes += 1;
    }
    before = kind;
  }
  const [lower, upper, digits, joiners, symbols] = kinds;
  const { distinct, entropy } = spread(length);
  return {
    length,
    lower,
    upper,
    digits,
    others: joiners + symbols,
    symbols,
    distinct,
    hex: length > 0 && hex === length && (lower === 0 || upper === 0),
    wordiness: lower + upper < 3 ? 0 : pronounceable(length) / length,
    mixes,
    entropy,
  };
}

/** Of what is counted; the counts are zero afterwards. */
function spread(length: number): Pick<Shape, 'distinct' | 'entropy'> {
  let distinct = 0;
  let sum = 0;
  for (let index = 0; index < length; index += 1) {
    const slot = SLOTS[index] as number;
    const count = COUNTS[slot] as number;
    if (count === 0) continue;
    distinct += 1;
    sum += N_LOG_N[count] as number;
    COUNTS[slot] = 0;
  }
  return { distinct, entropy: length === 0 ? 0 : Math.log2(length) - sum / length };
}

/**
 * How many characters stand in pieces that read like words: letters of one case, or with a capital
 * in front, at least three, with a vowel, and without five consonants in a row.
 */
function pronounceable(length: number): number {
  let total = 0;
  let from = 0;
  let before = JOINER;
  for (let index = 0; index <= length; index += 1) {
    const kind = index < length ? (KINDS[SLOTS[index] as number] as number) : JOINER;
    // A piece ends before what is no letter, and before a capital after a small letter.
    const isHump = kind === UPPER_KIND && before === LOWER_KIND;
    before = kind;
    if (kind <= UPPER_KIND && !isHump) continue;
    if (index - from >= 3 && isWord(from, index)) total += index - from;
    from = isHump ? index : index + 1;
  }
  return total;
}

const CONSONANTS_MAX = 4;

function isWord(from: number, to: number): boolean {
  let vowels = 0;
  let consonants = 0;
  let capitals = 0;
  for (let index = from; index < to; index += 1) {
    const slot = SLOTS[index] as number;
    capitals += KINDS[slot] as number;
    if (IS_VOWEL[slot] === 1) {
      vowels += 1;
      consonants = 0;
    } else {
      consonants += 1;
      if (consonants > CONSONANTS_MAX) return false;
    }
  }
  const startsWithCapital = KINDS[SLOTS[from] as number] === UPPER_KIND;
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
