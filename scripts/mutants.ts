// Plants one fault after the other and looks whether the tests or the simulation catch it:
// `npm run mutants`. Takes about ten seconds for each on one core; nothing in this folder is changed.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { MUTANTS, type Mutant } from '../test/mutants/mutants.ts';

const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', '.git', '.cache']);
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
      for (const [name, command] of Object.entries({ tests: UNIT, simulation: SIMULATION })) {
        if (await passes(command, folder)) continue;
        throw new Error(`${name}: fails in the copy without any fault, and would catch all`);
      }
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
  for (const name of await readdir('.')) {
    if (!NOT_COPIED.has(name)) await cp(name, join(folder, name), { recursive: true });
  }
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  // It looks for the text that a fault replaces, and would catch each.
  await rm(join(folder, 'test/mutants.test.ts'));
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
    // Most are caught beside the file, in a fraction of the time that all tests take.
    const beside = (await hasTests(dirname(path))) ? [[...UNIT, `${dirname(file)}/`]] : [];
    const named = by === undefined ? [] : [['--test', by]];
    for (const tests of [...named, ...beside, UNIT]) {
      if (!(await passes(tests, folder))) return 'tests';
    }
    return (await passes(SIMULATION, folder)) ? undefined : 'simulation';
  } finally {
    await writeFile(path, text);
  }
}

async function hasTests(folder: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true });
  return names.some((name) => name.endsWith('.test.ts'));
}

function passes(args: readonly string[], cwd: string): Promise<boolean> {
  const child = spawn(process.execPath, args, { cwd, stdio: 'ignore', timeout: LIMIT_MS });
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done(code === 0));
  });
}
