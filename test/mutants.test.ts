import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { MUTANTS } from './mutants/mutants.ts';

it('every fault that is planted has exactly one place in the code', async () => {
  const misfits: string[] = [];
  for (const { file, old, new: planted, what } of MUTANTS) {
    const places = (await readFile(file, 'utf8')).split(old).length - 1;
    if (places !== 1 || old === planted) misfits.push(`${file} (${places} places): ${what}`);
  }

  assert.deepEqual(misfits, []);
  assert.ok(MUTANTS.length >= 40);
});
