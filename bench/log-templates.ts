// How well and how fast log templates are found: `node bench/log-templates.ts DIR`.
//
// DIR holds labelled logs as CSV files with the columns Content and EventTemplate, such as the sets of
// loghub-2.0. Prints grouping accuracy, FGA, FTA and lines per second for each file, and their means.
// The peer in the same run are masks alone: patterns for what varies, and lines that are equal then.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LogMiner } from '#core/detection/log-miner.ts';
import { currentTemplate, templateText } from '#core/detection/log-template.ts';
import { parseCsv } from './log-templates/csv.ts';
import { scoreTemplates, type TemplateScore } from './log-templates/score.ts';

interface Result extends TemplateScore {
  readonly linesPerSecond: number;
}

/** How long each file is mined anew, again and again, for one figure of speed. */
const MEASURED_MS = 500;

/** What varies in most logs: addresses, hexadecimal numbers, and numbers. */
const MASKS: readonly RegExp[] = [
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,
  /\b0x[0-9a-fA-F]+\b/g,
  /(?<![A-Za-z\d])[-+]?\d+(?![A-Za-z\d])/g,
];

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('usage: node bench/log-templates.ts DIR');
  process.exit(2);
}

const files = readdirSync(directory).filter((name) => name.endsWith('.csv'));
const logs = files.sort().map((name) => {
  const rows = parseCsv(readFileSync(join(directory, name), 'utf8'));
  return {
    name: name.replace(/\.csv$/, ''),
    lines: rows.map((row) => row['Content'] ?? ''),
    labels: rows.map((row) => row['EventTemplate'] ?? ''),
  };
});
// So that no file pays for the compilation of the code.
for (const { lines } of logs) mine(lines);

report('Sentinel', (lines, labels) => {
  const { templates } = mine(lines);
  return { ...scoreTemplates(templates, labels), linesPerSecond: speed(lines) };
});
console.log('');
report('Masks alone', (lines, labels) => {
  const startedAtMs = performance.now();
  const templates = lines.map(masked);
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return { ...scoreTemplates(templates, labels), linesPerSecond: lines.length / seconds };
});
console.log('\nRecorded on another machine of two cores, means of 14 sets of loghub-2.0:');
console.log('Drain3 0.9.11 with its shipped masks GA .786, FGA .775, FTA .347, 55,000 lines/s;');
console.log('without masks .752, .732, .268, 223,000 lines/s.');

function report(
  title: string,
  measure: (lines: readonly string[], labels: readonly string[]) => Result,
): void {
  console.log(
    `${title.padEnd(30)} ${'GA'.padStart(6)} ${'FGA'.padStart(6)} ${'FTA'.padStart(6)} ${'lines/s'.padStart(11)} ${'templates'.padStart(10)} ${'labelled'.padStart(9)}`,
  );
  const results = logs.map(({ name, lines, labels }) => {
    const result = measure(lines, labels);
    console.log(row(name, result));
    return result;
  });
  const mean = (of: (result: Result) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length;
  console.log(
    row(`mean of ${results.length}`, {
      groupingAccuracy: mean((result) => result.groupingAccuracy),
      groupF1: mean((result) => result.groupF1),
      templateF1: mean((result) => result.templateF1),
      linesPerSecond: mean((result) => result.linesPerSecond),
      found: mean((result) => result.found),
      labelled: mean((result) => result.labelled),
    }),
  );
}

function row(name: string, result: Result): string {
  const shares = [result.groupingAccuracy, result.groupF1, result.templateF1];
  const cells = shares.map((share) => share.toFixed(3).padStart(6)).join(' ');
  const counts = [
    Math.round(result.linesPerSecond).toLocaleString('en').padStart(11),
    String(Math.round(result.found)).padStart(10),
    String(Math.round(result.labelled)).padStart(9),
  ];
  return `${name.padEnd(30)} ${cells} ${counts.join(' ')}`;
}

/** The text of each line's template as it is known after the last line, found by one new miner. */
function mine(lines: readonly string[]): { readonly templates: string[]; readonly tookMs: number } {
  const miner = new LogMiner();
  const startedAtMs = performance.now();
  const found = lines.map((line) => miner.add(line));
  const texts = new Map(miner.templates().map((template) => [template, templateText(template)]));
  const tookMs = performance.now() - startedAtMs;
  const templates = found.map((template) => {
    const current = currentTemplate(template);
    return texts.get(current) ?? templateText(current);
  });
  return { templates, tookMs };
}

/** The median of as many passes as fit into the time, each by a new miner. */
function speed(lines: readonly string[]): number {
  const passes: number[] = [];
  const endMs = performance.now() + MEASURED_MS;
  do passes.push(mine(lines).tookMs);
  while (performance.now() < endMs);
  passes.sort((a, b) => a - b);
  return (lines.length / (passes[passes.length >> 1] ?? Number.NaN)) * 1_000;
}

function masked(line: string): string {
  return MASKS.reduce((text, mask) => text.replace(mask, '<*>'), line);
}
