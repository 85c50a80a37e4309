import assert from 'node:assert/strict';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';

/** They run when they are loaded; the end-to-end tests start them. */
const ENTRY_POINTS = ['src/sentinel.ts', 'src/main.ts'];

// Without this, the coverage report omits what no test loads, and a module that only a rare command
// imports could fail to load unseen.
it('loads every module', async () => {
  const failures: string[] = [];

  for await (const file of glob('src/**/*.ts', { exclude: ['**/*.test.ts', ...ENTRY_POINTS] })) {
    const url = pathToFileURL(join(process.cwd(), file)).href;
    await import(url).catch((error: unknown) => failures.push(`${file}: ${String(error)}`));
  }

  assert.deepEqual(failures, []);
});
