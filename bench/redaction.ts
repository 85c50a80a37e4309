// How well and how fast secrets are found: `node bench/redaction.ts FILE...`. Files are texts with
// the spans of their secrets (`*.jsonl`, `*.jsonl.gz`: text, spans in code points, label, source),
// one text to a line with its secret between `«` and `»` (`*.txt`), and ordinary logs (`*.csv` with a
// column `Content`, else one line each). Of the texts of one source and label every second one is
// told apart, so that the others may be looked at. secretlint is measured beside it on the same
// texts in the same run.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { createRedactor } from '#core/redaction/redactor.ts';
import { readMarkedTexts } from '../test/support/marked-texts.ts';

type Span = readonly [start: number, end: number];
interface Sample {
  readonly source: string;
  readonly label: string;
  readonly rule?: string;
  readonly text: string;
  readonly spans: readonly Span[];
}
interface Log {
  readonly name: string;
  readonly lines: readonly string[];
}
/** What it takes out of a text, as UTF-16 offsets. */
type Finder = (text: string) => Promise<readonly Span[]>;

const FINDERS: Readonly<Record<string, Finder>> = {
  sentinel: async (text) =>
    createRedactor()
      .find(text)
      .map(({ start, end }) => [start, end] as const),
  secretlint: async (text) => {
    const { messages } = await lintSource({
      source: {
        filePath: '/text',
        content: text,
        contentType: 'text',
        ext: '.txt',
      },
      options: { config: { rules: [{ id: 'preset', rule: creator }] }, noPhysicFilePath: true },
    });
    return messages.map(({ range }) => [range[0], range[1]] as const);
  },
};
const THROUGHPUT_BYTES = 32 * 1024 * 1024;
const CHUNK_CHARS = 64 * 1024;
const ROUNDS = 3;

const files = process.argv.slice(2).filter((argument) => argument !== '--misses');
const showsMisses = process.argv.includes('--misses');
if (files.length === 0) {
  console.error(
    'usage: node bench/redaction.ts [--misses] FILE.jsonl[.gz]|FILE.txt|FILE.csv|FILE.log...',
  );
  process.exit(2);
}
const samples: Sample[] = [];
const logs: Log[] = [];
for (const file of files) {
  const bytes = await readFile(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  if (/\.jsonl(?:\.gz)?$/.test(file)) {
    const lines = text.split('\n').filter((line) => line !== '');
    samples.push(...lines.map((line) => JSON.parse(line) as Sample));
  } else if (file.endsWith('.txt')) {
    samples.push(...markedSamples(basename(file, '.txt')));
  } else logs.push({ name: basename(file), lines: logLines(file, text) });
}

await reportThroughput();
for (const [name, find] of Object.entries(FINDERS)) {
  console.log(`\n${name}`);
  await reportSamples(find);
  await reportLogs(find);
}

/** Of the fixtures; what is not between the marks is in code points as well, for it is ASCII. */
function markedSamples(name: string): Sample[] {
  return readMarkedTexts(`redaction/${name}.txt`).map(({ text, secret }) => ({
    source: `fixture ${name}`,
    label: secret === undefined ? 'fp' : 'tp',
    text,
    spans: secret === undefined ? [] : [[secret.start, secret.end]],
  }));
}

async function reportSamples(find: Finder): Promise<void> {
  const groups = new Map<string, boolean[]>();
  for (const sample of samples) {
    const key = `${sample.source.padEnd(16)} ${sample.label.padEnd(9)}`;
    const isHit = hits(sample, await find(sample.text));
    if (showsMisses && isHit !== sample.label.startsWith('tp')) {
      console.log(
        `  ${sample.label} ${sample.rule ?? ''} ${JSON.stringify(sample.text).slice(0, 300)}`,
      );
    }
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [isHit]);
    else group.push(isHit);
  }
  for (const [key, all] of [...groups].sort(([one], [other]) => one.localeCompare(other))) {
    const what = key.includes(' tp') ? 'found  ' : 'flagged';
    const odd = all.filter((_, index) => index % 2 === 0);
    const even = all.filter((_, index) => index % 2 === 1);
    console.log(
      `  ${key} ${what} ${share(all)} of ${all.length}, odd ${share(odd)}, even ${share(even)}`,
    );
  }
}

function share(hitsOf: readonly boolean[]): string {
  return (hitsOf.filter(Boolean).length / Math.max(1, hitsOf.length)).toFixed(3);
}

/** Every character of every secret covered; for a text without spans, anything taken out at all. */
function hits({ text, spans }: Sample, found: readonly Span[]): boolean {
  if (spans.length === 0) return found.length > 0;
  const units = utf16Offsets(text);
  return spans.every(([start, end]) => {
    const to = units[end] ?? text.length;
    let at = units[start] ?? text.length;
    for (const [from, until] of [...found].sort((one, other) => one[0] - other[0])) {
      if (from <= at && until > at) at = until;
    }
    return at >= to;
  });
}

function utf16Offsets(text: string): number[] {
  const offsets: number[] = [];
  let at = 0;
  for (const character of text) {
    offsets.push(at);
    at += character.length;
  }
  return [...offsets, at];
}

async function reportLogs(find: Finder): Promise<void> {
  for (const { name, lines } of logs) {
    let characters = 0;
    let altered = 0;
    let alteredLines = 0;
    for (const line of lines) {
      const found = await find(line);
      characters += line.length;
      altered += found.reduce((sum, [start, end]) => sum + end - start, 0);
      alteredLines += Number(found.length > 0);
      if (showsMisses && found.length > 0) console.log(`  ${line.slice(0, 200)}`);
    }
    const share = ((altered / Math.max(1, characters)) * 100).toFixed(4);
    console.log(
      `  ${name.padEnd(29)} altered ${share} % of ${characters} characters, ${alteredLines} of ${lines.length} lines`,
    );
  }
}

/** As a log streams: in chunks, again and again until it is long enough to measure. */
async function reportThroughput(): Promise<void> {
  const bases = [
    ['logs', logs.flatMap(({ lines }) => lines).join('\n')],
    ['texts with secrets', samples.map(({ text }) => text).join('\n')],
  ] as const;
  // Of processor time, not of wall time: other work on the machine does not count.
  console.log('MB/s of processor time, best of three');
  for (const [what, base] of bases) {
    if (base === '') continue;
    // Encoded and decoded once, so that it is a flat string like one that was read.
    const flat = Buffer.from(`${base}\n`.repeat(Math.ceil(THROUGHPUT_BYTES / base.length)));
    const text = flat.toString('utf8');
    const chunks: string[] = [];
    for (let at = 0; at < text.length; at += CHUNK_CHARS)
      chunks.push(text.slice(at, at + CHUNK_CHARS));
    const own = await best(async () => {
      const stream = createRedactor().stream();
      for (const chunk of chunks) stream.push(chunk);
      stream.end();
    });
    const others = await best(async () => {
      for (const chunk of chunks) await FINDERS['secretlint']?.(chunk);
    });
    const perSecond = (ms: number) => (flat.length / 1e6 / (ms / 1e3)).toFixed(1).padStart(7);
    console.log(
      `  ${what.padEnd(20)} sentinel ${perSecond(own)}   secretlint ${perSecond(others)}`,
    );
  }
}

async function best(work: () => Promise<void>): Promise<number> {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(started);
    bestMs = Math.min(bestMs, (user + system) / 1e3);
  }
  return bestMs;
}

/** The column `Content` of a CSV file, or the lines of any other. */
function logLines(file: string, text: string): string[] {
  if (!file.endsWith('.csv')) return text.split('\n').filter((line) => line !== '');
  const [header = [], ...rows] = csvRows(text);
  const column = header.indexOf('Content');
  return rows.flatMap((row) => (row[column] === undefined ? [] : [row[column]]));
}

function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = '', border] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^",\n\r]*))(,|\r?\n|$)/g,
  )) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (border === ',') continue;
    if (row.length > 1) rows.push(row);
    row = [];
    if (border === '') break;
  }
  return rows;
}
