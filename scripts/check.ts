// Runs every static check, as many at a time as there are cores, and shows what failed in full:
// `npm run check`. Nothing is changed; `npm run format` and `npm run generate` mend what they can.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** What to do about a failure, where a command can mend it. */
  readonly hint?: string;
}

interface Outcome {
  readonly check: Check;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

const PROMETHEUS = 'deploy/prometheus';

/** The slow ones first, so that they run beside the quick ones. */
const CHECKS: readonly Check[] = [
  { name: 'knip (dead code, unused packages)', command: ['knip', '--no-progress'] },
  { name: 'tsc (types)', command: ['tsc', '--noEmit', '--project', '.'] },
  { name: 'oxlint (faults, cycles)', command: ['oxlint', '--deny-warnings', '.'] },
  {
    name: 'biome (format, import order)',
    command: ['biome', 'check', '.'],
    hint: 'npm run format',
  },
  {
    name: 'architecture (import direction)',
    command: ['node', '--test', 'test/architecture.test.ts'],
  },
  ...generated(),
  ...prometheus(),
];

process.exitCode = await main();

async function main(): Promise<number> {
  const queue = CHECKS.values();
  const outcomes: Outcome[] = [];
  const worker = async (): Promise<void> => {
    // The workers share one iterator: each takes the next check when it is free.
    for (const check of queue) {
      const outcome = await run(check);
      outcomes.push(outcome);
      report(outcome);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));

  const failed = outcomes.filter(({ passed }) => !passed).length;
  const total = outcomes.length;
  console.log(
    failed === 0 ? `All ${total} checks passed.` : `${failed} of ${total} checks failed.`,
  );
  return failed === 0 ? 0 : 1;
}

function report({ check, passed, seconds, output }: Outcome): void {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${seconds.toFixed(1).padStart(5)} s  ${check.name}`);
  if (passed) return;
  console.log(output.trimEnd().replaceAll(/^/gm, '     '));
  if (check.hint !== undefined) console.log(`     To mend: ${check.hint}`);
}

async function run(check: Check): Promise<Outcome> {
  const startedAtMs = performance.now();
  const [program, ...args] = check.command;
  // Found also where this script was not started by npm.
  const PATH = [join(process.cwd(), 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(program, args, {
    env: { ...env, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));

  const passed = await new Promise<boolean>((resolve) => {
    child.on('error', (error) => {
      output.push(Buffer.from(error.message));
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
  return {
    check,
    passed,
    seconds: (performance.now() - startedAtMs) / 1000,
    output: Buffer.concat(output).toString('utf8'),
  };
}

function generated(): readonly Check[] {
  if (!existsSync('scripts/generate.ts')) return [];
  return [
    {
      name: 'generated files in step',
      command: ['node', 'scripts/generate.ts', '--check'],
      hint: 'npm run generate',
    },
  ];
}

/** promtool comes with the Prometheus package, which `npm test` installs and `npm run check` does not. */
function prometheus(): readonly Check[] {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, 'promtool')))) {
    console.log('skip          promtool (Prometheus rules): not installed');
    return [];
  }
  const check = (name: string, ...args: string[]): Check => ({
    name: `promtool (${name})`,
    command: ['promtool', ...args],
  });
  return [
    check('configuration', 'check', 'config', `${PROMETHEUS}/prometheus.yaml`),
    check('rules', 'test', 'rules', `${PROMETHEUS}/rules.test.yaml`),
  ];
}
