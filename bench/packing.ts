// Whether the lines that tell the cause are still in the prompt when a log is long and a budget small:
//
//   node bench/packing.ts CASES LOGS
//
// CASES is a folder as for bench/rca.ts; LOGS holds labelled logs as for bench/log-templates.ts. The end of
// each recorded log is put between so many ordinary lines before it and as many after it. Three ways to
// put the same sections into the same number of tokens, in the same run: packed by worth, as the product
// does; written one after the other and cut off at the end; and all else first, then the newest lines.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { INCIDENT_LOG_LINES } from '#controller/incident-logs.ts';
import { tokensOf } from '#core/advice/pack.ts';
import { rootCauseQuestion } from '#core/advice/root-cause.ts';
import { parseCsv } from './log-templates/csv.ts';
import { burying, keepsTelling, ordinaryLines, tellingOf, waysOf } from './packing/ways.ts';
import { readCases } from './rca/cases.ts';
import { matterOf } from './rca/matter.ts';

const BUDGETS = [1_000, 2_000, 3_000, 6_000] as const;
const AROUND = [20, 100, 500, 2_000, 5_000] as const;
const WAYS = ['byWorth', 'cutOff', 'newestOnly'] as const;
const BOUNDS = { mark: 'c0ffee123456' };

const [casesFolder, logsFolder] = process.argv.slice(2);
if (casesFolder === undefined || logsFolder === undefined) {
  console.error('usage: node bench/packing.ts CASES LOGS');
  process.exit(2);
}

const cases = (await readCases(casesFolder)).flatMap((one) => {
  const telling = tellingOf(one);
  return telling === undefined ? [] : [{ ...one, telling }];
});
const logs = readdirSync(logsFolder)
  .filter((name) => name.endsWith('.csv'))
  .sort()
  .map((name) => ordinaryLines(parseCsv(readFileSync(join(logsFolder, name), 'utf8'))));
const trials = cases.flatMap((one) => logs.map((ordinary) => ({ one, ordinary })));
console.log(
  `${cases.length} cases whose log tells something, in ${logs.length} logs: ${trials.length} prompts for each figure\n`,
);
console.log('share that keep what tells                     by worth  cut at end  newest lines');
for (const around of AROUND) {
  const buried = trials.map(({ one: { telling, ...one }, ordinary }) => {
    const lines = burying(telling.excerpt, ordinary, around);
    return { telling, ways: waysOf(matterOf(one, Number.POSITIVE_INFINITY, lines)) };
  });
  for (const tokensMax of BUDGETS) {
    const shares = WAYS.map((way) => {
      const isKept = ({ telling, ways }: (typeof buried)[number]) =>
        keepsTelling(telling, ways[way]({ ...BOUNDS, tokensMax }));
      return (buried.filter(isKept).length / buried.length).toFixed(3).padStart(10);
    });
    const what = `${around} lines before and after, ${tokensMax} tokens`;
    console.log(`${what.padEnd(44)} ${shares.join('  ')}`);
  }
}

const read = (around: number) =>
  trials.filter(({ one, ordinary }) => {
    const lines = burying(one.telling.excerpt, ordinary, around);
    return keepsTelling(
      one.telling,
      rootCauseQuestion(matterOf(one, INCIDENT_LOG_LINES, lines)).user,
    );
  }).length / trials.length;
console.log(
  `\nas asked by the product, which reads the newest ${INCIDENT_LOG_LINES} lines: ${AROUND.map((around) => `${read(around).toFixed(3)} behind ${around}`).join(', ')}`,
);

for (const around of [250, 2_500]) costs(around);

/** What asking costs before a request is sent: the event loop waits for it. */
function costs(around: number): void {
  const figures = trials.map(({ one, ordinary }) => {
    const lines = burying(one.telling.excerpt, ordinary, around);
    const matter = matterOf(one, Number.POSITIVE_INFINITY, lines);
    rootCauseQuestion(matter);
    const heapBytes = process.memoryUsage().heapUsed;
    const begunAtMs = performance.now();
    const { system, user, schema } = rootCauseQuestion(matter);
    const tookMs = performance.now() - begunAtMs;
    const bytes = process.memoryUsage().heapUsed - heapBytes;
    return { tookMs, bytes, tokens: tokensOf([system, user, JSON.stringify(schema)].join('\n')) };
  });
  const times = figures.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  // Where garbage was collected meanwhile it is no figure.
  const sizes = figures.flatMap(({ bytes }) => (bytes > 0 ? bytes : [])).sort((a, b) => a - b);
  const tokens = figures.map((figure) => figure.tokens).sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number) =>
    sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  console.log(
    `building a question of some ${2 * around} lines: ${at(times, 0.5).toFixed(1)} ms in the middle, ${at(times, 0.95).toFixed(1)} ms at p95; it allocates ${(at(sizes, 0.5) / 2 ** 20).toFixed(1)} MiB and has ${at(tokens, 0.5)} tokens or so, ${at(tokens, 1)} at the largest`,
  );
}
