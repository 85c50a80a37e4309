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
  /** The length of the longest of those pieces. */
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
const IS_VOWEL = Uint8Array.from({ length: 256 }, (_, slot) => Number(hasSet(slot, VOWEL)));
/**
 * What a character counts for, by slot: three numbers of ten bits each, added up as one. The first
 * has lower case, upper case and digits, the second symbols, digits of hex and parts of masks.
 */
const KIND_COUNTS = Int32Array.from({ length: 256 }, (_, slot) => {
  const place = [0, 10, 20][KINDS[slot] ?? SYMBOL];
  return place === undefined ? 0 : 1 << place;
});
const SIGN_COUNTS = Int32Array.from({ length: 256 }, (_, slot) => {
  const isMask = 'xX*.#?-'.includes(String.fromCharCode(slot));
  return (
    Number(KINDS[slot] === SYMBOL) |
    (Number(hasSet(slot, HEX | DASH)) << 10) |
    (Number(isMask) << 20)
  );
});
const COUNT_BITS = 10;
const COUNT_MASK = 2 ** COUNT_BITS - 1;
/** 1 for a digit beside a letter, by eight times the kind before and the kind. */
const MIXES = Uint8Array.from({ length: 64 }, (_, pair) => {
  const [one, other] = [pair >> 3, pair & 7];
  return Number(
    (one === DIGIT_KIND) !== (other === DIGIT_KIND) && one <= DIGIT_KIND && other <= DIGIT_KIND,
  );
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
 */
function pronounceable(length: number): number {
  SLOTS[length] = END_SLOT;
  let total = 0;
  let longest = 0;
  let from = 0;
  let capitals = 0;
  let vowels = 0;
  /** Behind the last vowel; of a piece that has had too many there is no way back. */
  let consonants = 0;
  let before = JOINER;
  for (let index = 0; index <= length; index += 1) {
    const slot = SLOTS[index] as number;
    const kind = KINDS[slot] as number;
    // A piece ends before what is no letter, and before a capital after a small letter.
    const isHump = kind === UPPER_KIND && before === LOWER_KIND;
    before = kind;
    if (kind > UPPER_KIND || isHump) {
      const letters = index - from;
      const isOneCase = capitals <= 1 || capitals === letters;
      if (letters >= 3 && isOneCase && vowels * 4 >= letters && consonants <= CONSONANTS_MAX) {
        total += letters;
        if (letters > longest) longest = letters;
      }
      from = isHump ? index : index + 1;
      capitals = 0;
      vowels = 0;
      consonants = 0;
    }
    if (kind > UPPER_KIND) continue;
    capitals += kind;
    const isVowel = IS_VOWEL[slot] as number;
    vowels += isVowel;
    if (consonants <= CONSONANTS_MAX) consonants = (consonants + 1) * (1 - isVowel);
  }
  return total | (longest << COUNT_BITS);
}

const CONSONANTS_MAX = 4;

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
