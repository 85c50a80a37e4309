// What is measured by bench/packing.ts: lines that tell, a log that buries them, and naive ways to fit it.
import { type PackBounds, type PromptSection, pack, tokensOf } from '#core/advice/pack.ts';
import { type Matter, sectionsOf } from '#core/advice/sections.ts';
import { excerptLines } from '#core/diagnosis/evidence-text.ts';
import { type Case, mentions } from '../rca/cases.ts';
import { logLines } from '../rca/recorded.ts';

export interface Telling {
  /** The end of the recorded log, up to the last line that tells. */
  readonly excerpt: readonly string[];
  /** For each thing that must be mentioned, and is in the log: the lines that do, as they are shown. */
  readonly lines: readonly (readonly string[])[];
}

const EXCERPT_LINES = 30;
/** Lines are cut for a prompt. */
const SHOWN_CHARS = 300;

/** @returns `undefined` where no line of the log tells what must be mentioned */
export function tellingOf({ evidence, must_mention: wanted }: Case): Telling | undefined {
  const all = logLines(evidence);
  const tell = (line: string) => wanted.some((entry) => isWord(entry) && mentions(line, entry));
  const last = all.findLastIndex(tell);
  if (last < 0) return undefined;
  const excerpt = all.slice(Math.max(0, last + 1 - EXCERPT_LINES), last + 1);
  const lines = wanted
    .filter(isWord)
    .map((entry) => excerpt.filter((line) => mentions(line, entry)).map(shownAs))
    .filter((some) => some.length > 0);
  return { excerpt, lines };
}

/** A number alone is in every log. */
function isWord(entry: string): boolean {
  return /[a-z]{3}/i.test(entry);
}

function shownAs(text: string): string {
  const [shown = ''] = excerptLines([rawLine(text)]);
  return shown.trim().slice(0, SHOWN_CHARS);
}

function rawLine(text: string) {
  return { timestamp: '', stream: 'stdout', text, truncated: false } as const;
}

/** Each thing that must be mentioned is, by a line of the log. */
export function keepsTelling({ lines }: Telling, prompt: string): boolean {
  return lines.every((some) => some.some((line) => prompt.includes(line)));
}

const COLUMNS = ['Date', 'Time', 'Level', 'Component', 'Content'] as const;

/** Lines as their program wrote them, about, of a labelled log. */
export function ordinaryLines(rows: readonly Readonly<Record<string, string>>[]): string[] {
  return rows.map((row) => COLUMNS.flatMap((name) => row[name] || []).join(' '));
}

/** So many ordinary lines before it, and as many after it; again from the beginning when they end. */
export function burying(
  excerpt: readonly string[],
  ordinary: readonly string[],
  around: number,
): string[] {
  const line = (at: number) => ordinary[at % ordinary.length] ?? '';
  const before = Array.from({ length: around }, (_, at) => line(at));
  const after = Array.from({ length: around }, (_, at) => line(around + at));
  return [...before, ...excerpt, ...after];
}

const LOG_TITLE = 'Its log';

/** The same sections in three ways to fit them. */
export function waysOf(matter: Matter): {
  readonly byWorth: Way;
  readonly cutOff: Way;
  readonly newestOnly: Way;
} {
  const sections = sectionsOf(matter);
  const others = sections.filter(({ title }) => !title.startsWith(LOG_TITLE));
  const log = excerptLines(matter.log, undefined, Number.POSITIVE_INFINITY);
  return {
    byWorth: (bounds) => pack(sections, bounds),
    cutOff: (bounds) => cutOff(others, log, bounds),
    newestOnly: (bounds) => newestOnly(others, log, bounds),
  };
}

type Way = (bounds: PackBounds) => string;

/** Everything in its order, line by line, until there is no more room. */
function cutOff(
  others: readonly PromptSection[],
  log: readonly string[],
  { tokensMax }: PackBounds,
): string {
  const text = [
    ...others.flatMap(({ title, items }) => [`## ${title}`, ...items.map((item) => item.text)]),
    `## ${LOG_TITLE}`,
    ...log,
  ];
  const kept: string[] = [];
  let tokens = 0;
  for (const line of text) {
    tokens += tokensOf(`${line}\n`);
    if (tokens > tokensMax) break;
    kept.push(line);
  }
  return kept.join('\n');
}

/** Everything but the log, by worth; the newest lines in the room that is left. */
function newestOnly(
  others: readonly PromptSection[],
  log: readonly string[],
  bounds: PackBounds,
): string {
  const text = pack(others, bounds);
  let tokens = tokensOf(text);
  let first = log.length;
  for (; first > 0; first -= 1) {
    tokens += tokensOf(`${log[first - 1] ?? ''}\n`);
    if (tokens > bounds.tokensMax) break;
  }
  return [text, `## ${LOG_TITLE}`, ...log.slice(first)].join('\n');
}
