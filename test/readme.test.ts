import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { it } from 'node:test';

/** What every command line program heeds, and `NAME_FILE` of what is named. */
const UNDERSTOOD = /^(?:NO_COLOR|TERM|PATH|HOME|\w+_FILE)$/;
/** `env['NAME']`, `secret('NAME')`, and a line of a schema. */
const READ = /(?:\benv\['|\bsecret\('|^ {2})(?<name>[A-Z][A-Z_]+)(?:'[\])]|: z$|: z\.|: Port)/gm;

it('the README names each environment variable that is read, and no other', async () => {
  const read = new Set<string>();
  for await (const file of glob('src/{config,cli/*,entry/*}.ts', { exclude: ['**/*.test.ts'] })) {
    for (const { groups } of (await readFile(file, 'utf8')).matchAll(READ)) {
      read.add(groups?.['name'] ?? '');
    }
  }

  const rows = (await readFile('README.md', 'utf8')).matchAll(/^\| (`[A-Z][^|]*) \|/gm);
  const named = [...rows].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name),
  );

  const wanted = [...read].filter((name) => !UNDERSTOOD.test(name) || named.includes(name));
  assert.deepEqual(named.toSorted(), wanted.toSorted());
});
