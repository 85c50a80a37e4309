// The minutes of a labelled log: by its own dates, or so many lines for each.

type Row = Readonly<Record<string, string>>;

export interface Minutes {
  readonly count: number;
  /** By the number of the minute, from 0; those without lines are missing. */
  readonly lines: ReadonlyMap<number, readonly string[]>;
}

const MINUTE_MS = 60_000;
/** A log that is shorter is all learned from. */
const MINUTES_MIN = 30;
/** A log with holes of years is no log of one container. */
const MINUTES_MAX = 100_000;

/** @returns `undefined` where it has no dates, or they tell of too short or too long a time */
export function minutesByDate(rows: readonly Row[]): Minutes | undefined {
  const times = rows.map(timeOf);
  const first = Math.min(...times);
  const span = Math.floor((Math.max(...times) - first) / MINUTE_MS) + 1;
  // Not a number is neither.
  if (!(span >= MINUTES_MIN && span <= MINUTES_MAX)) return undefined;
  const places = rows.map((row, at) => ({
    minute: Math.floor(((times[at] ?? first) - first) / MINUTE_MS),
    text: row['Content'] ?? '',
  }));
  const groups = Map.groupBy(places, ({ minute }) => minute);
  return { count: span, lines: new Map([...groups].map(([at, some]) => [at, textsOf(some)])) };
}

export function minutesByCount(rows: readonly Row[], linesPerMinute: number): Minutes {
  const places = rows.map((row, at) => ({
    minute: Math.floor(at / linesPerMinute),
    text: row['Content'] ?? '',
  }));
  const groups = Map.groupBy(places, ({ minute }) => minute);
  return {
    count: groups.size,
    lines: new Map([...groups].map(([at, some]) => [at, textsOf(some)])),
  };
}

/** The same with lines added to one minute. */
export function withLines(minutes: Minutes, at: number, added: readonly string[]): Minutes {
  const lines = new Map(minutes.lines);
  lines.set(at, [...(lines.get(at) ?? []), ...added]);
  return { ...minutes, lines };
}

function textsOf(some: readonly { readonly text: string }[]): string[] {
  return some.map(({ text }) => text);
}

/** Epoch milliseconds as if in UTC; NaN where it cannot be told. A year that is not given is any. */
export function timeOf({ Date: date = '', Month = '', Day = '', Time: time = '' }: Row): number {
  const clock = inParts(time.replace(/,\d+$/, ''), ':');
  if (Month !== '') return Date.parse(`${Month} ${date} 2001 ${clock} UTC`);
  if (Day !== '') return Date.parse(`${date} ${Day} 2001 ${clock} UTC`);
  const day = inParts(date, '-').replace(/^(\d\d)[-/](\d\d)[-/](\d\d)$/, '20$1-$2-$3');
  return Date.parse(`${day} ${clock} UTC`);
}

/** Six digits by two: whoever took them for a number dropped the noughts in front. */
function inParts(text: string, separator: string): string {
  if (!/^\d{1,6}$/.test(text)) return text;
  return (text.padStart(6, '0').match(/\d\d/g) ?? []).join(separator);
}
