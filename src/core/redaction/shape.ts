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
  /** The length of the longest of those pieces that no letter stands beside. */
  readonly longestWord: number;
  /** How many characters masks are made of: `x`, `*`, dots, dashes. */
  readonly masks: number;
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
const SLOTS = new Uint8Array(LOOKED_AT_MAX + 1);
const COUNTS = new Uint16Array(256);
/** 1 for the first of its kind. */
const NEW_COUNTS = Uint8Array.from({ length: LOOKED_AT_MAX }, (_, n) => Number(n === 0));
/** What one more beside `n` of the same adds to the sum of `n * log2(n)`, for the entropy. */
const GROWTHS = Float64Array.from({ length: LOOKED_AT_MAX }, (_, n) => nLogN(n + 1) - nLogN(n));

function nLogN(n: number): number {
  return n === 0 ? 0 : n * Math.log2(n);
}

const LOWER_KIND = 0;
const UPPER_KIND = 1;
const DIGIT_KIND = 2;
/** What joins the parts of names and of Base64. */
const JOINER = 3;
const SYMBOL = 4;

/** By slot: a character of ASCII has its own, the others share the upper half. */
const KINDS = Uint8Array.from({ length: 256 }, (_, slot) => kindOf(slot));
const COUNT_BITS = 10;
const COUNT_MASK = 2 ** COUNT_BITS - 1;
/**
 * What a character counts for, by slot: three numbers of ten bits each, added up as one. The first
 * has lower case, upper case and digits, the second symbols, digits of hex and parts of masks.
 */
const KIND_COUNTS = Int32Array.from({ length: 256 }, (_, slot) => {
  const kind = KINDS[slot] ?? SYMBOL;
  return kind <= DIGIT_KIND ? 1 << (kind * COUNT_BITS) : 0;
});
const SIGN_COUNTS = Int32Array.from({ length: 256 }, (_, slot) => {
  const isMask = 'xX*.#?-'.includes(String.fromCharCode(slot));
  return (
    Number(KINDS[slot] === SYMBOL) |
    (Number(hasSet(slot, HEX | DASH)) << COUNT_BITS) |
    (Number(isMask) << (2 * COUNT_BITS))
  );
});
/** 1 for a digit beside a letter, by eight times the kind before and the kind. */
const MIXES = Uint8Array.from({ length: 64 }, (_, pair) => {
  const [one, other] = [pair >> 3, pair & 7];
  return Number(
    (one === DIGIT_KIND) !== (other === DIGIT_KIND) && one <= DIGIT_KIND && other <= DIGIT_KIND,
  );
});
/** What a character counts for within its piece, likewise: letters, capitals, vowels. */
const PIECE_COUNTS = Int32Array.from({ length: 256 }, (_, slot) => {
  const isLetter = (KINDS[slot] ?? SYMBOL) <= UPPER_KIND;
  return (
    Number(isLetter) |
    (Number(KINDS[slot] === UPPER_KIND) << COUNT_BITS) |
    (Number(hasSet(slot, VOWEL)) << (2 * COUNT_BITS))
  );
});
/**
 * Where a piece ends: 1 before what is no letter, 3 before a capital after a small letter, which
 * the next piece begins with.
 */
const PIECE_ENDS = Uint8Array.from({ length: 64 }, (_, pair) => {
  const [one, other] = [pair >> 3, pair & 7];
  if (other > UPPER_KIND) return 1;
  return other === UPPER_KIND && one === LOWER_KIND ? 3 : 0;
});
/** What stands behind the last character: no letter. */
const END_SLOT = 0;

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
  let kinds = 0;
  let signs = 0;
  let mixes = 0;
  let distinct = 0;
  let sum = 0;
  let before = JOINER << 3;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    const slot = code < 128 ? code : 128 | (code & 127);
    SLOTS[index] = slot;
    const count = COUNTS[slot] as number;
    COUNTS[slot] = count + 1;
    sum += GROWTHS[count] as number;
    distinct += NEW_COUNTS[count] as number;
    kinds += KIND_COUNTS[slot] as number;
    signs += SIGN_COUNTS[slot] as number;
    const kind = KINDS[slot] as number;
    mixes += MIXES[before | kind] as number;
    before = kind << 3;
  }
  for (let index = 0; index < length; index += 1) COUNTS[SLOTS[index] as number] = 0;
  const lower = kinds & COUNT_MASK;
  const upper = (kinds >> COUNT_BITS) & COUNT_MASK;
  const digits = kinds >> (2 * COUNT_BITS);
  const hexDigits = (signs >> COUNT_BITS) & COUNT_MASK;
  const words = lower + upper < 3 ? 0 : pronounceable(length);
  return {
    length,
    lower,
    upper,
    digits,
    others: length - lower - upper - digits,
    symbols: signs & COUNT_MASK,
    distinct,
    hex: length > 0 && hexDigits === length && (lower === 0 || upper === 0),
    wordiness: length === 0 ? 0 : (words & COUNT_MASK) / length,
    longestWord: words >> COUNT_BITS,
    masks: signs >> (2 * COUNT_BITS),
    mixes,
    entropy: length === 0 ? 0 : Math.log2(length) - sum / length,
  };
}

/**
 * How many characters stand in pieces that read like words: letters of one case, or with a capital
 * in front, at least three, with a vowel in four, and without five consonants in a row. In the bits
 * above them the length of the longest one.
 *
 * In what chance made no branch can be foretold, so there is only one, for pieces that are long
 * enough; the rest is counted.
 */
function pronounceable(length: number): number {
  SLOTS[length] = END_SLOT;
  let total = 0;
  let longest = 0;
  let piece = 0;
  let consonants = 0;
  let clusters = 0;
  let joined = 0;
  let before = JOINER << 3;
  for (let index = 0; index <= length; index += 1) {
    const slot = SLOTS[index] as number;
    const kind = KINDS[slot] as number;
    const ends = PIECE_ENDS[before | kind] as number;
    before = kind << 3;
    const letters = piece & COUNT_MASK;
    if ((ends & isMore(letters, 2)) === 1) {
      const capitals = (piece >> COUNT_BITS) & COUNT_MASK;
      const isOneCase = capitals <= 1 || capitals === letters;
      if (isOneCase && (piece >> (2 * COUNT_BITS)) * 4 >= letters && clusters === 0) {
        total += letters;
        longest = Math.max(longest, ((ends | joined) & 2) === 0 ? letters : 0);
      }
    }
    const keep = (ends & 1) - 1;
    joined = (joined & keep) | (ends & 2);
    const counts = PIECE_COUNTS[slot] as number;
    piece = (piece & keep) + counts;
    // Zero behind a vowel.
    consonants = ((consonants & keep) + (counts & 1)) & ((counts >> (2 * COUNT_BITS)) - 1);
    clusters = (clusters & keep) | isMore(consonants, CONSONANTS_MAX);
  }
  return total | (longest << COUNT_BITS);
}

const CONSONANTS_MAX = 4;

/** 1 for a number above the other, else 0, without a branch. */
function isMore(one: number, other: number): number {
  return (other - one) >>> 31;
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
