import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { JournalRecord } from '#core/journal/record.ts';
import { counted } from '#lib/counted.ts';
import { plainJson, plainLine } from '#lib/plain-text.ts';
import { recordWords } from './audit-words.ts';
import type { CliContext, ExitCode } from './context.ts';
import { warnOfDamage } from './damage-warning.ts';
import { dataDirectory, READ_DATA_ELSE } from './data-option.ts';
import { Paint, print } from './terminal.ts';
import type { ChainHead, JournalArchive, JournalVerdict } from './wiring.ts';

type End = (code: ExitCode) => void;

const DATA = ['--data <dir>', `the data directory (${READ_DATA_ELSE})`] as const;

export function command(context: CliContext, end: End): Command {
  return new Command('audit')
    .addCommand(tailCommand(context, end))
    .addCommand(verifyCommand(context, end))
    .addCommand(exportCommand(context, end))
    .addHelpText(
      'after',
      `
These read the journal on disk; no Sentinel needs to run. A damaged one is read up to the damage, and
tail and export then end with 3.

Examples:
  sentinel audit tail -f --data /var/lib/sentinel
  sentinel audit verify --head 1042:9f86d081884c7d65…
  sentinel audit export --incident inc-20261124-k3v9q0m2xa > incident.jsonl`,
    );
}

interface FilterOptions {
  readonly data?: string;
  readonly incident?: string;
  readonly type?: string;
}

interface TailOptions extends FilterOptions {
  readonly lines: number;
  readonly follow?: boolean;
  readonly output: 'text' | 'json';
}

const POLL_MS = 1_000;

function tailCommand(context: CliContext, end: End): Command {
  return withFilter(new Command('tail'))
    .description('Print the newest records')
    .option('-n, --lines <count>', 'how many', wholeNumber, 20)
    .option('-f, --follow', 'go on with those that come')
    .addOption(new Option('-o, --output <format>', 'how').choices(['text', 'json']).default('text'))
    .action(async (options: TailOptions) => {
      const directory = dataDirectory(context, options.data);
      const archive = await context.wiring.openJournal(directory);
      const write = writer(context, options.output);
      let next = 1;
      const newest: JournalRecord[] = [];
      for await (const record of archive.records(await firstOf(archive, options))) {
        next = record.seq + 1;
        if (!matches(record, options)) continue;
        newest.push(record);
        if (newest.length > options.lines) newest.shift();
      }
      newest.forEach(write);
      const isWhole = () => archive.damage() === undefined;
      while (options.follow === true && !context.signal.aborted && isWhole()) {
        await sleep(POLL_MS, undefined, { signal: context.signal }).catch(() => undefined);
        for await (const record of archive.records(next)) {
          next = record.seq + 1;
          if (matches(record, options)) write(record);
        }
      }
      end(warnOfDamage(context, archive, directory));
    });
}

/** Without a filter only the end needs to be read. */
async function firstOf(archive: JournalArchive, options: TailOptions): Promise<number> {
  if (options.incident !== undefined || options.type !== undefined) return 1;
  const { seq } = await archive.state();
  return Math.max(1, seq - options.lines);
}

interface VerifyOptions {
  readonly data?: string;
  readonly head?: ChainHead;
  readonly output: 'text' | 'json';
}

function verifyCommand(context: CliContext, end: End): Command {
  return new Command('verify')
    .description('Name every record that was changed, moved or removed')
    .option(...DATA)
    .option('--head <seq:hash>', 'a head that was kept elsewhere: shows a cut tail', parseHead)
    .addOption(new Option('-o, --output <format>', 'how').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Sentinel keeps a head in Redis, as --head takes it: the last published record, at the key
sentinel:outbox:<journalId>:head. The first record of the newest segment names the journal id.

Example:
  sentinel audit verify --head "$(redis-cli get sentinel:outbox:JOURNAL_ID:head)"`,
    )
    .action(async ({ data, head, output }: VerifyOptions) => {
      const archive = await context.wiring.openJournal(dataDirectory(context, data));
      const verdict = await archive.verify(head);
      if (output === 'json') context.stdout.write(`${plainJson(verdict, 2)}\n`);
      else print(context.stdout, verdictWords(verdict));
      end(verdict.ok ? 0 : 1);
    });
}

function verdictWords(verdict: JournalVerdict): string {
  const { ok, records, segments, problems, problemCount, head, cannotCover } = verdict;
  const lines = problems.map(
    ({ segment, line, seq, what }) => `${segment}:${line}: record ${seq}: ${what}`,
  );
  const left = problemCount - problems.length;
  if (left > 0) lines.push(`… and ${left} more`);
  const size = `${counted(records, 'record')} in ${counted(segments, 'segment')}`;
  lines.push(
    ok
      ? `the chain is whole: ${size}`
      : `the journal was damaged: ${counted(problemCount, 'finding')}; good: ${size}`,
  );
  if (head !== undefined) lines.push(`head ${head.seq}:${head.hash}`);
  return [...lines, ...cannotCover.map((note) => `note: ${note}`)].join('\n');
}

interface ExportOptions extends FilterOptions {
  readonly from: number;
}

function exportCommand(context: CliContext, end: End): Command {
  return withFilter(new Command('export'))
    .description('Write records as they are, one JSON object a line')
    .option('--from <seq>', 'first record', wholeNumber, 1)
    .action(async (options: ExportOptions) => {
      const directory = dataDirectory(context, options.data);
      const archive = await context.wiring.openJournal(directory);
      const write = writer(context, 'json');
      for await (const record of archive.records(options.from)) {
        if (matches(record, options)) write(record);
      }
      end(warnOfDamage(context, archive, directory));
    });
}

function withFilter(command: Command): Command {
  return command
    .option(...DATA)
    .option('--incident <name>', 'only records of this incident')
    .option('--type <type>', 'only records of this type, or of a group: incident, remediation');
}

/** The record that opens an incident does not know its name yet; all after it do. */
function matches(record: JournalRecord, { incident, type }: FilterOptions): boolean {
  if (incident !== undefined && record.incident !== incident) return false;
  return type === undefined || record.type === type || record.type.startsWith(`${type}.`);
}

function writer({ stdout, env }: CliContext, output: 'text' | 'json') {
  const paint = new Paint(stdout, env);
  return (record: JournalRecord) => {
    if (output === 'json') {
      stdout.write(`${plainJson(record)}\n`);
      return;
    }
    const { seq, time, type, workload, incident } = record;
    const about = [workload, incident].filter((part) => part !== '').join(' ');
    const words = [plainLine(about), plainLine(recordWords(record))].filter((part) => part !== '');
    const place = `${time.replace('T', ' ').replace(/\.\d+Z$/, 'Z')}  #${seq}`;
    stdout.write(`${place}  ${paint.as('bold', type)}  ${words.join('  ')}\n`);
  };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError('must be a whole number');
}

function parseHead(text: string): ChainHead {
  // With a blank between them: as earlier versions wrote it to Redis.
  const { seq, hash } = /^(?<seq>\d{1,15})[: ](?<hash>[0-9a-f]{64})$/.exec(text)?.groups ?? {};
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('must be SEQ:HASH, as audit verify prints it.');
}
