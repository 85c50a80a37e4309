import { SIGN, VALUE, WORD } from './log-scan.ts';
import type { LogTemplate, TemplateToken } from './log-template.ts';
import { isConstantName, isIdentifier, isVerdict } from './log-words.ts';

/** Most words in which two templates may differ and still be the same with other names in it. */
const DIFFERENCES_MAX = 2;
/** Words that must be the same for each that may differ. */
const COMMON_PER_DIFFERENCE = 2;

/**
 * How many different words must have been seen in a place before they count as values of one
 * template. Fewer, the more the place or the words look like names.
 */
const WORDS_NEEDED = {
  name: 2,
  identifier: 3,
  object: 3,
  word: 4,
  constant: 8,
  firstIdentifier: 8,
} as const;

/**
 * Where two templates of one shape have words that differ and might be values. Empty: they are the
 * same. Undefined: they say different things.
 */
export function differences(a: LogTemplate, b: LogTemplate): readonly number[] | undefined {
  if (a.tokens.length !== b.tokens.length) return undefined;
  const places: number[] = [];
  let common = 0;
  for (const [at, token] of a.tokens.entries()) {
    const other = b.tokens[at] ?? token;
    if (token.text === other.text) {
      if (token.kind === WORD) common += 1;
      continue;
    }
    const verdict = compare(token, other);
    if (verdict === 'different') return undefined;
    if (verdict === 'open') places.push(at);
    if (places.length > DIFFERENCES_MAX) return undefined;
  }
  const needed = Math.max(1, COMMON_PER_DIFFERENCE * places.length);
  return common >= needed ? places : undefined;
}

/** What two tokens with different texts are to each other. */
function compare(a: TemplateToken, b: TemplateToken): 'same' | 'different' | 'open' {
  if (a.kind === SIGN || b.kind === SIGN) return 'different';
  if (a.kind === VALUE && b.kind === VALUE) return 'same';
  const words = [a, b].filter(({ kind }) => kind === WORD).map(({ text }) => text);
  if (words.some(isVerdict)) return 'different';
  if (a.slot === 'value' || a.slot === 'unit') return 'same';
  if (a.kind === b.kind) return withoutDigits(a.text) === withoutDigits(b.text) ? 'same' : 'open';
  // One line has a number or an id where the other has a word: the word is a name.
  return a.slot !== 'first' || words.every(isIdentifier) ? 'same' : 'open';
}

function withoutDigits(text: string): string {
  return text.replaceAll(/\d+/g, '0');
}

/**
 * Whether the words that alike templates have in these places are values.
 *
 * @param places as `differences` gives them, the same for each pair of the templates
 */
export function areValues(templates: readonly LogTemplate[], places: readonly number[]): boolean {
  return places.every((at) => {
    const texts = new Set(templates.map(({ tokens }) => tokens[at]?.text ?? ''));
    const slot = templates[0]?.tokens[at]?.slot ?? 'word';
    // Words that change together prove less than a word that changes alone.
    return texts.size >= wordsNeeded(slot, [...texts]) + places.length - 1;
  });
}

function wordsNeeded(slot: TemplateToken['slot'], texts: readonly string[]): number {
  const areIdentifiers = texts.every(isIdentifier);
  // A line begins with what it is about: "Connected to", "Disconnected from".
  if (slot === 'first') return areIdentifiers ? WORDS_NEEDED.firstIdentifier : Infinity;
  if (texts.every(isConstantName)) return WORDS_NEEDED.constant;
  if (slot === 'name') return WORDS_NEEDED.name;
  if (areIdentifiers) return WORDS_NEEDED.identifier;
  return slot === 'object' ? WORDS_NEEDED.object : WORDS_NEEDED.word;
}
