import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { it } from 'node:test';

/** What every command line program heeds, and `NAME_FILE` of what is named. */
const UNDERSTOOD = /^(?:NO_COLOR|TERM|PATH|HOME|\w+_FILE)$/;
/** `env['NAME']`, `secret('NAME')`, a line of a schema, and what a provider’s profile names. */
const READ =
  /(?:\benv\['|\bsecret\('|From: '|^ {2})(?<name>[A-Z][A-Z_]+)(?:'[\]),]|: z$|: z\.|: Port)/gm;
const FILES = 'src/{config,cli/*,entry/*,adapters/llm/profiles}.ts';

it('the README names each environment variable that is read, and no other', async () => {
  const read = new Set<string>();
  for await (const file of glob(FILES, { exclude: ['**/*.test.ts'] })) {
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
