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
  first: 8,
} as const;

/**
 * Where two templates of one shape have words that differ and might be values. Empty: they are the
 * same. Undefined: they say different things.
 */
export function differences(a: LogTemplate, b: LogTemplate): readonly number[] | undefined {
  if (a.tokens.length !== b.tokens.length) return undefined;
  const places: number[] = [];
  let common = 0;
  for (let at = 0; at < a.tokens.length; at += 1) {
    const token = a.tokens[at];
    const other = b.tokens[at];
    if (token === undefined || other === undefined) break;
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
  if (isVerdictToken(a) || isVerdictToken(b)) return 'different';
  if (mayHoldAnything(a) || mayHoldAnything(b)) return 'same';
  return a.kind === b.kind ? compareWords(a, b) : compareWithValue(a, b);
}

function compareWords(a: TemplateToken, b: TemplateToken): 'same' | 'different' | 'open' {
  if (withoutDigits(a.text) === withoutDigits(b.text)) return 'same';
  // A line begins with what it is about: "Connected to", "Disconnected from".
  return a.slot === 'first' && (isPlainWord(a) || isPlainWord(b)) ? 'different' : 'open';
}

/** Where one line has a number or an id and the other a word, the word is a name. */
function compareWithValue(a: TemplateToken, b: TemplateToken): 'same' | 'different' {
  return a.slot === 'first' && (isPlainWord(a) || isPlainWord(b)) ? 'different' : 'same';
}

function isVerdictToken({ kind, text }: TemplateToken): boolean {
  return kind === WORD && isVerdict(text);
}

/** A value by its place; or none, where there could be one. */
function mayHoldAnything({ slot, text }: TemplateToken): boolean {
  return slot === 'value' || slot === 'unit' || text === '';
}

function isPlainWord({ kind, text }: TemplateToken): boolean {
  return kind === WORD && !isIdentifier(text);
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
  if (slot === 'first') return WORDS_NEEDED.first;
  if (texts.every(isConstantName)) return WORDS_NEEDED.constant;
  if (slot === 'name') return WORDS_NEEDED.name;
  if (texts.every(isIdentifier)) return WORDS_NEEDED.identifier;
  return slot === 'object' ? WORDS_NEEDED.object : WORDS_NEEDED.word;
}
