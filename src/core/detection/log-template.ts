import { type LogScanner, SIGN, VALUE, WORD } from './log-scan.ts';
import { rangeDash } from './log-value.ts';
import { isClassifier, isEventKey, isPreposition, isUnit, isVerdict } from './log-words.ts';

/**
 * Values that touch, with the signs that touch them: `<<*>>`. Bounded, since a run of such signs
 * would else be tried from each of them.
 */
const GLUED = /[<>*?~^\\]{0,8}(?:<\*>)+[<>*?~^\\]{0,8}/g;

/** What stands for a value in the text of a template. */
export const WILDCARD = '<*>';

/**
 * What a word's place in the line tells of it. `value`: a value stands there (`key=value`, `'value'`).
 * `unit`: it counts the number before it. `name`, `object`: a name may stand there, as after `user`
 * or after `for`. `first`: it is the first word, or the first token. `word`: nothing.
 */
export type Slot = 'value' | 'unit' | 'name' | 'object' | 'first' | 'word';

export interface TemplateToken {
  kind: number;
  text: string;
  readonly spaced: boolean;
  readonly slot: Slot;
}

/** Lines that say the same about different values. */
export interface LogTemplate {
  /** Unique within a miner, rising with the first appearance. */
  readonly id: number;
  readonly tokens: readonly TemplateToken[];
  /** Equal for templates with the same marks in the same places. */
  readonly shape: number;
  /** Lines seen, those of merged templates included. */
  count: number;
  /** Set when it was found to be a part of another: see `currentTemplate`. */
  mergedInto: LogTemplate | undefined;
  /** The miner will not give it again: a line like it is of another one. */
  isForgotten: boolean;
}

/** The template as the scanner read its first line. */
export function templateOf(line: string, scan: LogScanner, id: number): LogTemplate {
  const texts: string[] = [];
  for (let at = 0; at < scan.length; at += 1) texts.push(textAt(line, scan, at));
  const own = detached(texts);
  const tokens: TemplateToken[] = [];
  let hasSubject = false;
  for (let at = 0; at < scan.length; at += 1) {
    const kind = scan.kinds[at] ?? WORD;
    const text = own[at] ?? '';
    const spaced = scan.spaced[at] === 1;
    const slot = slotAt(own, scan, at);
    // Times, levels and keys may stand before it.
    const isSubject: boolean =
      at === 0 || (kind === WORD && slot !== 'value' && !hasSubject && !isVerdict(text));
    hasSubject ||= isSubject && kind === WORD;
    tokens.push({ kind, text, spaced, slot: isSubject ? 'first' : slot });
  }
  return {
    id,
    tokens,
    shape: shapeOf(tokens),
    count: 0,
    mergedInto: undefined,
    isForgotten: false,
  };
}

function textAt(line: string, scan: LogScanner, at: number): string {
  const text = line.slice(scan.starts[at], scan.ends[at]);
  const prefix = scan.prefixes[at] ?? 0;
  if (prefix > 0) return text.slice(0, prefix) + WILDCARD;
  if (scan.kinds[at] !== VALUE) return text;
  if (rangeDash(text, 0, text.length) > 0) return `${WILDCARD}-${WILDCARD}`;
  const count = scan.counts[at] ?? 1;
  if (count === 1 || scan.dates[at] === 1) return WILDCARD;
  const comma = /^[^,\s]*(?<comma>,\s?)/.exec(text)?.groups?.['comma'];
  return Array.from({ length: count }, () => WILDCARD).join(comma ?? ' ');
}

/** The same texts as parts of one small string: a slice would keep the whole line in memory. */
function detached(texts: readonly string[]): string[] {
  // Of two parts at least, else it would be the one slice itself.
  const whole = [...texts, ' '].join('');
  let at = 0;
  return texts.map((text) => {
    at += text.length;
    return whole.slice(at - text.length, at);
  });
}

function slotAt(texts: readonly string[], scan: LogScanner, at: number): Slot {
  const before = texts[at - 1] ?? '';
  if (texts[at] === '') return 'value';
  if (scan.kinds[at - 1] === VALUE && isUnit(texts[at] ?? '')) return 'unit';
  const connected = connectedSlot(texts, scan, at);
  if (connected !== undefined) return isEventKey(keyBefore(texts, scan, at)) ? 'word' : connected;
  if (isClassifier(before)) return 'name';
  return isPreposition(before) ? 'object' : 'word';
}

/** What `key=word`, `"word"`, `[word]` and `key:word` make of the word. */
function connectedSlot(
  texts: readonly string[],
  scan: LogScanner,
  at: number,
): 'value' | 'name' | undefined {
  const before = texts[at - 1] ?? '';
  if (before === '=' || isEnclosed(before, texts[at + 1])) return 'value';
  const isGlued = scan.spaced[at] === 0 && scan.kinds[at - 2] === WORD;
  return before === ':' && isGlued ? 'name' : undefined;
}

function isEnclosed(before: string, after: string | undefined): boolean {
  if (before === '[') return after === ']';
  return before === after && (before === '"' || before === "'");
}

/** The word that `=`, `:` and quotes connect with the token at `at`. */
function keyBefore(texts: readonly string[], scan: LogScanner, at: number): string {
  let back = at - 1;
  while (back > 0 && scan.kinds[back] === SIGN) back -= 1;
  return texts[back] ?? '';
}

function shapeOf(tokens: readonly TemplateToken[]): number {
  let shape = tokens.length;
  for (const { kind, text, spaced } of tokens) {
    const mark = kind === SIGN ? text.charCodeAt(0) + 128 * text.length : 0;
    shape = Math.imul(shape ^ mark ^ (spaced ? 1 << 20 : 0), 0x85ebca6b);
    shape ^= shape >>> 13;
  }
  return shape;
}

/** What it became, if it was merged since. */
export function currentTemplate(template: LogTemplate): LogTemplate {
  let current = template;
  while (current.mergedInto !== undefined) current = current.mergedInto;
  return current;
}

/** Makes `template` a part of `into`: where they differ, a value stands from now on. */
export function mergeTemplate(into: LogTemplate, template: LogTemplate): void {
  for (const [at, token] of into.tokens.entries()) {
    if (token.text === template.tokens[at]?.text) continue;
    token.kind = VALUE;
    token.text = WILDCARD;
  }
  into.count += template.count;
  template.mergedInto = into;
}

/** The template in the notation of the field: `session opened for user <*> by (uid=<*>)`. */
export function templateText(template: LogTemplate): string {
  let text = '';
  for (const { kind, text: own, spaced, slot } of template.tokens) {
    // "5 kB" and "7 MB": the unit is a part of the value.
    if (kind === VALUE && slot === 'unit') continue;
    text += spaced ? ` ${own}` : own;
  }
  return text.replaceAll(GLUED, WILDCARD);
}
