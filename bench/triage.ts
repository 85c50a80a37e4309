// How many questions to a triage model the local detector saves: `node bench/triage.ts LOGS [CASES]`.
//
// LOGS holds labelled logs as for bench/log-templates.ts. Each is watched as that of a container, by the
// minute: by its own dates where they make sense, and with 20 lines for each minute. Asked is as the product
// asks, with a rest of five minutes. Peers in the same run: a question for each minute that has lines, and
// one for each that has a line with a word of trouble. With CASES, a folder as for bench/rca.ts, the lines
// that tell the cause of each case are put into one minute of each log: is it noticed?
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCsv } from './log-templates/csv.ts';
import { tellingOf } from './packing/ways.ts';
import { readCases } from './rca/cases.ts';
import { type Minutes, minutesByCount, minutesByDate, withLines } from './triage/minutes.ts';
import { type Watched, watch } from './triage/watch.ts';

const LINES_PER_MINUTE = 20;
const TROUBLE = /error|fail|fatal|exception|panic|refused|denied|warn|timed? ?out/i;

const [logsFolder, casesFolder] = process.argv.slice(2);
if (logsFolder === undefined) {
  console.error('usage: node bench/triage.ts LOGS [CASES]');
  process.exit(2);
}

const logs = readdirSync(logsFolder)
  .filter((name) => name.endsWith('.csv'))
  .sort()
  .map((name) => ({
    name: name.replace(/\.csv$/, ''),
    rows: parseCsv(readFileSync(join(logsFolder, name), 'utf8')),
  }));

await report(
  'by the dates of the log',
  logs.map(({ name, rows }) => ({ name, minutes: minutesByDate(rows) })),
);
await report(
  `with ${LINES_PER_MINUTE} lines for each minute`,
  logs.map(({ name, rows }) => ({ name, minutes: minutesByCount(rows, LINES_PER_MINUTE) })),
);
if (casesFolder !== undefined) await reportNoticed(casesFolder);

async function report(
  title: string,
  watched: readonly { readonly name: string; readonly minutes: Minutes | undefined }[],
): Promise<void> {
  console.log(
    `${title}\n${row('', ['minutes', 'trouble', 'unusual', 'asked', 'saved', 'by words'])}`,
  );
  const sums: Counts = { minutes: 0, trouble: 0, unusual: 0, asked: 0 };
  const sizes: number[] = [];
  for (const { name, minutes } of watched) {
    if (minutes === undefined) {
      console.log(row(name, ['too short, or no order']));
      continue;
    }
    const found = await watch(minutes);
    const counts = countsOf(minutes, found);
    sizes.push(...found.filter(({ isAsked }) => isAsked).map(({ promptTokens }) => promptTokens));
    for (const key of Object.keys(sums) as (keyof Counts)[]) sums[key] += counts[key];
    console.log(row(name, cells(counts)));
  }
  console.log(row('all', cells(sums)));
  sizes.sort((a, b) => a - b);
  console.log(
    `a question: ${sizes[sizes.length >> 1]} tokens or so in the middle, ${sizes.at(-1)} at the largest\n`,
  );
}

interface Counts {
  /** With lines. */
  minutes: number;
  /** With a word of trouble. */
  trouble: number;
  /** In which the detector found something. */
  unusual: number;
  asked: number;
}

function countsOf({ lines }: Minutes, watched: readonly Watched[]): Counts {
  return {
    minutes: lines.size,
    trouble: [...lines.values()].filter((some) => some.some((line) => TROUBLE.test(line))).length,
    unusual: watched.filter(({ unusual }) => unusual.length > 0).length,
    asked: watched.filter(({ isAsked }) => isAsked).length,
  };
}

function cells({ minutes, trouble, unusual, asked }: Counts): string[] {
  const saved = (of: number) => (1 - of / minutes).toFixed(3);
  return [...[minutes, trouble, unusual, asked].map(String), saved(asked), saved(trouble)];
}

function row(name: string, columns: readonly string[]): string {
  return `${name.padEnd(12)}${columns.map((cell) => cell.padStart(9)).join('')}`;
}

/** In the middle of the second half, when what is usual is known. */
async function reportNoticed(folder: string): Promise<void> {
  const tellings = (await readCases(folder)).flatMap((one) => tellingOf(one) ?? []);
  let noticed = 0;
  let asked = 0;
  let all = 0;
  for (const { rows } of logs) {
    for (const { lines } of tellings) {
      const minutes = minutesByCount(rows, LINES_PER_MINUTE);
      const at = Math.floor(minutes.count * 0.75);
      const told = lines.flat();
      const watched = await watch(withLines(minutes, at, told));
      const { unusual = [], isAsked = false } = watched[at] ?? {};
      const isNoticed = unusual.some(({ example = '' }) => told.includes(example));
      all += 1;
      noticed += Number(isNoticed);
      asked += Number(isNoticed && isAsked);
    }
  }
  const share = (count: number) => `${count} (${(count / all).toFixed(3)})`;
  console.log(`of ${all} minutes with the lines of a recorded incident in an ordinary log
  noticed                               ${share(noticed)}
  asked about, no question just before  ${share(asked)}`);
}
