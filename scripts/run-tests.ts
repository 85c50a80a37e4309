// Runs the tests: `node scripts/run-tests.ts unit|integration|all [FILE-PART | --node-option]...`
//
// unit         beside their subjects and directly in test/: no engine, no Redis, one process
// integration  in folders below test/: real engines and servers, a process per file
// all          unit, then integration; stops at the first that fails
import { spawn } from 'node:child_process';
import { glob } from 'node:fs/promises';
import { constants } from 'node:os';

interface Suite {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: readonly string[];
}

const SUITES: readonly Suite[] = [
  {
    name: 'unit',
    files: ['{src,scripts,demo,bench}/**/*.test.{ts,js,mjs}', 'test/*.test.ts'],
    // A process per file costs 0.2 s each; pure code needs no such protection from its neighbour.
    options: ['--test-isolation=none'],
  },
  {
    name: 'integration',
    files: ['test/*/**/*.test.ts'],
    // Two at a time: more would let health checks of one test starve those of another. The timeout
    // is the bound on a hang, far above what any one test needs.
    options: ['--test-concurrency=2', '--test-timeout=300000'],
  },
];

process.exitCode = await main(process.argv.slice(2));

async function main([wanted = '', ...rest]: readonly string[]): Promise<number> {
  const suites = SUITES.filter(({ name }) => wanted === 'all' || wanted === name);
  if (suites.length === 0) {
    console.error('usage: node scripts/run-tests.ts unit|integration|all [FILE-PART]...');
    return 2;
  }
  const nodeOptions = rest.filter((word) => word.startsWith('-'));
  const parts = rest.filter((word) => !word.startsWith('-'));

  let ran = 0;
  for (const suite of suites) {
    const files = await filesOf(suite, parts);
    if (files.length === 0) continue;
    ran += files.length;
    const code = await runNodeTest([...suite.options, ...nodeOptions], files);
    if (code !== 0) return code;
  }
  if (ran === 0) console.error(`no test file matches: ${[wanted, ...parts].join(' ')}`);
  return ran === 0 ? 1 : 0;
}

async function filesOf({ files }: Suite, parts: readonly string[]): Promise<string[]> {
  const found = await Array.fromAsync(glob(files, { exclude: ['**/node_modules/**'] }));
  const chosen = found.filter(
    (file) => parts.length === 0 || parts.some((part) => file.includes(part.replace(/^\.\//, ''))),
  );
  return chosen.sort();
}

/** @returns the exit code of `node --test`, whose summary ends the output */
async function runNodeTest(options: readonly string[], files: readonly string[]): Promise<number> {
  // Set inside a test run, where it would turn the report into a machine's format.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  // Types are stripped once, not at every run and in every process.
  const env = { NODE_COMPILE_CACHE: '.cache/test', ...inherited };
  const runner = spawn(process.execPath, ['--test', '--test-reporter=spec', ...options, ...files], {
    stdio: 'inherit',
    env,
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // The runner gets a terminal's Ctrl-C itself and ends; this process reports how.
    process.on(signal, () => {
      if (signal === 'SIGTERM') runner.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    runner.on('error', reject);
    runner.on('close', (code, killer) =>
      resolve(code ?? 128 + constants.signals[killer ?? 'SIGKILL']),
    );
  });
}
