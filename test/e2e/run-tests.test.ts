import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';

const SCRIPT = resolve('scripts/run-tests.ts');
const PASSING = "import { it } from 'node:test'; it('holds', () => {});";
const FAILING = "import { it } from 'node:test'; it('breaks', () => { throw new Error('no'); });";

/** Runs the test runner in a project that consists of these files. */
async function runIn(files: Record<string, string>, ...args: string[]) {
  // A space, since a checkout may lie below one.
  const root = await mkdtemp(join(tmpdir(), 'sentinel run-tests-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    const child = spawn(process.execPath, [SCRIPT, ...args], { cwd: root, stdio: 'pipe' });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    const code = await new Promise((done) => child.on('close', done));
    const lastCount = [...output.matchAll(/^ℹ tests (?<tests>\d+)$/gm)].map(({ groups }) =>
      Number(groups?.['tests']),
    );
    return { code, output, counts: lastCount };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

describe('the test runner', () => {
  const project = {
    'src/core/one.test.ts': PASSING,
    'test/two.test.ts': PASSING,
    'test/contract/three.test.ts': PASSING,
    'test/e2e/deep/four.test.ts': PASSING,
    'node_modules/other/five.test.ts': FAILING,
  };

  for (const [suite, counts] of [
    ['unit', [2]],
    ['integration', [2]],
    ['all', [2, 2]],
  ] as const) {
    it(`runs the tests of ${suite} and ends with the summary`, async () => {
      const { code, output, counts: ran } = await runIn(project, suite);

      assert.equal(code, 0, output);
      assert.deepEqual(ran, counts);
      assert.match(output.trimEnd().split('\n').at(-1) ?? '', /duration_ms/);
    });
  }

  it('fails when a test fails, and does not begin the next suite', async () => {
    const { code, counts } = await runIn({ ...project, 'src/bad.test.ts': FAILING }, 'all');

    assert.equal(code, 1);
    assert.deepEqual(counts, [3]);
  });

  it('fails when an integration test fails', async () => {
    const { code } = await runIn({ ...project, 'test/e2e/bad.test.ts': FAILING }, 'all');

    assert.equal(code, 1);
  });

  it('runs only the files whose path contains an argument', async () => {
    const { code, counts } = await runIn(project, 'all', 'three', './test/two');

    assert.equal(code, 0);
    assert.deepEqual(counts, [1, 1]);
  });

  it('hands options on to node', async () => {
    const { code, counts } = await runIn(
      project,
      'unit',
      '--test-name-pattern=nothing has this name',
    );

    assert.equal(code, 0);
    assert.deepEqual(counts, [0]);
  });

  it('fails when nothing matches, since no test is no success', async () => {
    const { code, output } = await runIn(project, 'unit', 'misspelt');

    assert.equal(code, 1);
    assert.match(output, /no test file matches: unit misspelt/);
  });
});
