// Plants one fault after the other and looks whether the tests or the simulation catch it:
// `npm run mutants`. Takes about ten seconds for each on one core; nothing in this folder is changed.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MUTANTS, type Mutant } from '../test/mutants/mutants.ts';

const COPIED = ['src', 'test', 'scripts', 'bin', 'demo', 'bench', 'docs', 'policies', 'deploy'];
const COPIED_FILES = ['package.json', 'tsconfig.json', 'README.md', 'crds-examples'];
const UNIT = ['scripts/run-tests.ts', 'unit'];
const SIMULATION = ['bin/sentinel.mjs', 'simulate', '--seeds', '40', '--seed', '1'];
/** Longer than either takes on a busy machine: a fault may make a loop without end. */
const LIMIT_MS = 300_000;

interface Verdict {
  readonly mutant: Mutant;
  readonly caughtBy: 'tests' | 'simulation' | undefined;
}

process.exitCode = await main(process.argv.slice(2));

/** @param parts only mutants whose file or words contain one of these; all when there are none */
async function main(parts: readonly string[]): Promise<number> {
  const chosen = MUTANTS.filter(
    ({ file, what }) =>
      parts.length === 0 || parts.some((part) => file.includes(part) || what.includes(part)),
  );
  const queue = chosen.values();
  const verdicts: Verdict[] = [];
  const worker = async (): Promise<void> => {
    const folder = await copyOfThis();
    try {
      // The workers share one iterator: each takes the next mutant when it is free.
      for (const mutant of queue) {
        const caughtBy = await judge(mutant, folder);
        verdicts.push({ mutant, caughtBy });
        console.log(`${(caughtBy ?? 'SURVIVES').padEnd(10)}  ${mutant.file}: ${mutant.what}`);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism() - 1) }, worker));

  const count = (by: Verdict['caughtBy']) => verdicts.filter(({ caughtBy }) => caughtBy === by);
  const survivors = count(undefined).length;
  console.log(
    `${verdicts.length} faults: ${count('tests').length} caught by tests, ` +
      `${count('simulation').length} by the simulation alone, ${survivors} by neither`,
  );
  return survivors === 0 ? 0 : 1;
}

async function copyOfThis(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-mutants-'));
  for (const name of [...COPIED, ...COPIED_FILES]) {
    await cp(name, join(folder, name), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function judge({ file, old, new: planted, by }: Mutant, folder: string) {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const places = text.split(old).length - 1;
  if (places !== 1) throw new Error(`${file} has ${places} places that read: ${old}`);
  await writeFile(
    path,
    text.replace(old, () => planted),
  );
  try {
    if (by !== undefined && !(await passes(['--test', by], folder))) return 'tests';
    if (!(await passes(UNIT, folder))) return 'tests';
    return (await passes(SIMULATION, folder)) ? undefined : 'simulation';
  } finally {
    await writeFile(path, text);
  }
}

function passes(args: readonly string[], cwd: string): Promise<boolean> {
  const child = spawn(process.execPath, args, { cwd, stdio: 'ignore', timeout: LIMIT_MS });
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done(code === 0));
  });
}
