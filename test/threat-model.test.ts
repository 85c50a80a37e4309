import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';

it('the threat model names tests that there are', async () => {
  const text = await readFile('docs/threat-model.md', 'utf8');

  const named = [...text.matchAll(/`((?:src|test|deploy)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );

  assert.ok(named.length > 40);
  assert.deepEqual(
    named.filter((path) => !existsSync(path)),
    [],
  );
});
