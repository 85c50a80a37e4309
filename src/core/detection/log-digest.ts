import { LogMiner } from './log-miner.ts';
import { currentTemplate, type LogTemplate, templateText } from './log-template.ts';

/** What the lines of one template have in common, and two of them. */
export interface DigestEntry {
  readonly template: string;
  readonly count: number;
  /** The lines themselves, cut; not redacted. */
  readonly first: string;
  readonly last: string;
  /** Their places among the lines, from 0. */
  readonly firstAt: number;
  readonly lastAt: number;
}

/** Log lines in the space of a few: the templates in the order of their first line. */
export interface LogDigest {
  readonly lines: number;
  readonly entries: readonly DigestEntry[];
  /** What was left out because there were more templates than entries. */
  readonly omitted: { readonly templates: number; readonly lines: number };
}

export interface DigestBounds {
  readonly entriesMax: number;
  readonly lineCharsMax: number;
}

const BOUNDS: DigestBounds = { entriesMax: 60, lineCharsMax: 400 };

/**
 * Compresses lines for a reader, human or model. Where there are too many templates, those are kept
 * that were seen last: an incident is at the end of its log.
 */
export function digestLog(lines: readonly string[], bounds = BOUNDS): LogDigest {
  const miner = new LogMiner();
  const places = Map.groupBy(lines.map((line) => miner.add(line)).entries(), ([, template]) =>
    currentTemplate(template),
  );
  const entries = [...places].map(([template, members]) => {
    const [firstAt = 0] = members.at(0) ?? [];
    const [lastAt = 0] = members.at(-1) ?? [];
    return entryOf(template, { lines, bounds, firstAt, lastAt, count: members.length });
  });
  const kept = entries.toSorted((a, b) => b.lastAt - a.lastAt).slice(0, bounds.entriesMax);
  const keptLines = kept.reduce((sum, { count }) => sum + count, 0);
  return {
    lines: lines.length,
    entries: kept.sort((a, b) => a.firstAt - b.firstAt),
    omitted: { templates: entries.length - kept.length, lines: lines.length - keptLines },
  };
}

interface Members {
  readonly lines: readonly string[];
  readonly bounds: DigestBounds;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
}

function entryOf(template: LogTemplate, members: Members): DigestEntry {
  const { lines, bounds, firstAt, lastAt, count } = members;
  const cut = (text: string) =>
    text.length <= bounds.lineCharsMax ? text : `${text.slice(0, bounds.lineCharsMax)}…`;
  return {
    template: cut(templateText(template)),
    count,
    first: cut(lines[firstAt] ?? ''),
    last: cut(lines[lastAt] ?? ''),
    firstAt,
    lastAt,
  };
}

/**
 * The digest as text: a line that stands alone as it is, else the number of lines, their template,
 * and the first and last of them where they differ.
 */
export function digestText({ entries, omitted }: LogDigest): string {
  const parts = entries.map(({ count, template, first, last }) => {
    if (count === 1) return first;
    const examples = first === last ? [] : [`  first: ${first}`, `  last: ${last}`];
    return [`${count} × ${template}`, ...examples].join('\n');
  });
  if (omitted.templates > 0) {
    parts.push(`and ${omitted.lines} earlier lines of ${omitted.templates} other forms`);
  }
  return parts.map((part) => `${part}\n`).join('');
}
