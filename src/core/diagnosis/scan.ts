import { RE2JS } from 're2js';
import { TEXT_CAUSES, type TextCause } from './catalogue.ts';
import { detailOf } from './details.ts';

/** Where a text speaks of a cause. */
export interface Mention {
  readonly of: TextCause;
  /** Lines that do. */
  readonly count: number;
  /** Lines after the newest of them. */
  readonly linesSince: number;
  readonly detail?: string;
}

/** Newest lines that are looked at, and how much of them: what is cut off is not read. */
export const LINES_MAX = 300;
const LINE_CHARS_MAX = 1_000;
const CHARS_MAX = 48 * 1024;
/** Lines that one cause is looked for in: whoever writes only such lines costs no more than that. */
const TRIES_MAX = 40;

interface Compiled {
  readonly of: TextCause;
  readonly patterns: readonly RE2JS[];
  readonly unless: RE2JS | undefined;
}

let compiled: readonly Compiled[] | undefined;

function catalogue(): readonly Compiled[] {
  compiled ??= TEXT_CAUSES.map((of) => ({
    of,
    patterns: (of.patterns ?? []).map(compile),
    unless: of.unless === undefined ? undefined : compile(of.unless),
  }));
  return compiled;
}

function compile(source: string): RE2JS {
  return RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
}

/**
 * Lines that report no trouble of the container: requests that others made, whatever they hold, and
 * what is told only to developers or as over.
 */
const NOISE = compile(
  [
    String.raw`" ?http/[0-9](?:\.[0-9])?"? [1-5][0-9]{2}\b`,
    String.raw`http/[0-9](?:\.[0-9])?" [1-5][0-9]{2}\b`,
    String.raw`\b(?:level=(?:debug|trace)|"level": ?"(?:debug|trace)")`,
    String.raw`(?:^|[\s\[|])(?-i:DEBUG|TRACE)(?:[\s\]:|]|$)`,
    String.raw`\b(?:no longer|reconnected|recovered from|successfully)\b`,
  ].join('|'),
);

/**
 * What a text speaks of: one mention for each cause, in the catalogue's order. Never throws, and takes
 * time linear in the text.
 *
 * @param lines oldest first; more than {@link LINES_MAX} are not read
 */
export function scan(lines: readonly string[]): Mention[] {
  const read = newest(lines);
  const lowers = read.map((line) => line.toLowerCase());
  const whole = lowers.join('\n');
  // Most causes are not spoken of at all: that is seen in one pass over the whole.
  const spokenOf = catalogue().filter(({ of }) =>
    of.needles.some((needle) => whole.includes(needle)),
  );
  return spokenOf.flatMap((entry) => mentionOf(entry, read, lowers) ?? []);
}

/** The newest lines, each cut, as many as fit. */
function newest(lines: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let characters = 0;
  for (const line of lines.slice(-LINES_MAX).toReversed()) {
    const cut = line.slice(0, LINE_CHARS_MAX);
    characters += cut.length;
    if (characters > CHARS_MAX) break;
    kept.unshift(cut);
  }
  return kept;
}

/** The newest first: they count, and of them the detail is taken. */
function mentionOf(
  entry: Compiled,
  read: readonly string[],
  lowers: readonly string[],
): Mention | undefined {
  const { of } = entry;
  let count = 0;
  let linesSince = 0;
  let detail: string | undefined;
  let tries = 0;
  for (let index = read.length - 1; index >= 0 && tries < TRIES_MAX; index -= 1) {
    const lower = lowers[index] ?? '';
    if (!of.needles.some((needle) => lower.includes(needle))) continue;
    tries += 1;
    const line = read[index] ?? '';
    if (!isMatch(entry, line)) continue;
    if (count === 0) linesSince = read.length - 1 - index;
    count += 1;
    if (of.detail !== undefined) detail ??= detailOf(of.detail, line);
  }
  return count === 0
    ? undefined
    : { of, count, linesSince, ...(detail === undefined ? {} : { detail }) };
}

function isMatch({ patterns, unless }: Compiled, line: string): boolean {
  if (patterns.length > 0 && !patterns.some((pattern) => pattern.test(line))) return false;
  return !NOISE.test(line) && (unless === undefined || !unless.test(line));
}

/** The clause about what a mention found. */
export function clauseOf({ of, detail }: Pick<Mention, 'of' | 'detail'>): string {
  if (detail === undefined || of.saysOf === undefined) return of.says;
  // Not by a replacement pattern: a `$&` of the detail would be one.
  return of.saysOf.split('{}').join(detail);
}

const LISTENING = compile(
  String.raw`\b(?:listening|listens|running|serving|started|bound|binding|ready|listen)\b[^\n]{0,80}?(?:port[ :=]{1,3}|:)([0-9]{2,5})\b`,
);

/** TCP ports that its log says it listens on. */
export function listeningPorts(lines: readonly string[]): number[] {
  const ports = new Set<number>();
  for (const line of newest(lines)) {
    if (!/\d/.test(line)) continue;
    const matcher = LISTENING.matcher(line);
    if (matcher.find() && !NOISE.test(line)) ports.add(Number(matcher.group(1)));
  }
  return [...ports];
}
