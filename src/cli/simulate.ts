import { randomInt } from 'node:crypto';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { formatDuration } from '#lib/duration.ts';
import type { CliContext, ExitCode } from './context.ts';
import type { SimulatedSeed } from './wiring.ts';

/** Seeds whose timeline is printed; of all further ones the number is enough. */
const TOLD_MAX = 3;
const LINES_TOLD = 80;
const SEED_MAX = 2 ** 31 - 1;

interface Options {
  readonly seeds: number;
  readonly seed?: number;
  readonly hours: number;
  readonly workloads: number;
  readonly verbose?: boolean;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('simulate')
    .option('--seeds <n>', 'how many', counting(1, SEED_MAX), 100)
    .option('--seed <s>', 'the first one; by chance unless given', counting(0, SEED_MAX))
    .option('--hours <h>', 'simulated hours of trouble for each', counting(1, 1_000), 3)
    .option('--workloads <w>', 'containers for each', counting(1, 200), 6)
    .option('--verbose', 'print what happened also where nothing broke')
    .addHelpText(
      'after',
      `
Runs the operator on a clock of its own, on hosts that are made up from seeds: containers crash, hang
and leak, people stop and deploy them, Docker, the disk and Redis fail, and Sentinel is killed at any
moment. Then all faults end, and everything must come right. docs/invariants.md lists what is checked.
The same seed gives the same run on any machine.

Examples:
  sentinel simulate --seeds 1000
  sentinel simulate --seed 4711 --seeds 1 --verbose`,
    )
    .action(async (options: Options) => {
      end(await simulate(context, options));
    });
}

async function simulate(context: CliContext, options: Options): Promise<ExitCode> {
  const { stdout, stderr, wiring } = context;
  const { seeds, hours, workloads } = options;
  const firstSeed = options.seed ?? randomInt(SEED_MAX - seeds);
  const startedAtMs = performance.now();
  const broken: SimulatedSeed[] = [];
  const sum = { records: 0, calls: 0, happenings: 0 };
  const bar = new SingleBar({
    stream: stderr as NodeJS.WritableStream,
    format: '{bar} {value}/{total} seeds, {rate}/s, {broken} broken, {eta_formatted} left',
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    clearOnComplete: true,
  });
  bar.start(seeds, 0, { rate: '0', broken: 0 });
  let done = 0;
  await wiring.simulate({ firstSeed, seeds, hours, workloads }, (result) => {
    done += 1;
    sum.records += result.records;
    sum.calls += result.calls;
    for (const count of Object.values(result.happenings)) sum.happenings += count;
    if (result.violations.length > 0) broken.push(result);
    const rate = (done / (performance.now() - startedAtMs)) * 1_000;
    bar.update(done, { rate: rate.toFixed(1), broken: broken.length });
    if (options.verbose === true) {
      stdout.write(`${result.timeline.join('\n')}\nseed ${result.seed} has hash ${result.hash}\n`);
    }
  });
  bar.stop();

  const tookMs = performance.now() - startedAtMs;
  for (const result of broken.toSorted((a, b) => a.seed - b.seed).slice(0, TOLD_MAX)) {
    stdout.write(`${story(result, options)}\n`);
  }
  const range =
    seeds === 1 ? `seed ${firstSeed}` : `seeds ${firstSeed} to ${firstSeed + seeds - 1}`;
  const verdict =
    broken.length === 0
      ? 'no invariant was broken'
      : `${broken.length} broke: ${broken.map(({ seed }) => seed).join(', ')}`;
  stdout.write(
    `${range}: ${verdict}\n` +
      `${sum.happenings} happenings, ${sum.calls} calls of tools, ${sum.records} records; ` +
      `${formatDuration(Math.round(tookMs / 1_000) * 1_000)}, ${((seeds / tookMs) * 1_000).toFixed(1)} seeds/s\n`,
  );
  return broken.length === 0 ? 0 : 1;
}

/** What broke, what led to it, and how to see it again. */
function story({ seed, violations, timeline }: SimulatedSeed, options: Options): string {
  const first = timeline.findIndex((line) => line.includes('BROKEN'));
  const until = first < 0 ? timeline.length : first + 1;
  const lines = timeline.slice(Math.max(0, until - LINES_TOLD), until);
  const broken = violations.map(
    ({ invariant, message, sentence }) => `  ${invariant}: ${message}\n    ${sentence}`,
  );
  return [
    `seed ${seed} broke:`,
    ...new Set(broken),
    '',
    ...lines,
    '',
    `Again: sentinel simulate --seeds 1 --seed ${seed} --hours ${options.hours} --workloads ${options.workloads} --verbose`,
    '',
  ].join('\n');
}

function counting(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
  };
}
