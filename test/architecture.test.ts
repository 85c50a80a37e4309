import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';

/** In a row of the table: any package, Node's own modules among them. */
const ANY_PACKAGE = 'any package';
const EVERYTHING = 'everything';

/**
 * Name under src/ → what it may import: names under src/, packages, or one of the words above.
 * The same table stands in docs/architecture.md.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'sentinel.ts': [EVERYTHING],
  'main.ts': [EVERYTHING],
  entry: [EVERYTHING],
  'config.ts': ['core', 'lib', 'zod'],
  core: ['lib', 'zod', '@marcbachmann/cel-js', 're2js', 'canonicalize', 'croner', 'node:crypto'],
  ports: ['core', 'lib'],
  actions: ['ports', 'core', 'lib', 'zod'],
  controller: ['ports', 'core', 'telemetry', 'lib', ANY_PACKAGE],
  adapters: ['ports', 'core', 'telemetry', 'lib', ANY_PACKAGE],
  http: ['ports', 'core', 'telemetry', 'lib', ANY_PACKAGE],
  cli: ['ports', 'core', 'telemetry', 'lib', ANY_PACKAGE],
  telemetry: ['core', 'lib', ANY_PACKAGE],
  simulation: [
    'ports',
    'core',
    'actions',
    'controller',
    'http',
    'lib',
    'adapters/memory',
    ANY_PACKAGE,
  ],
  lib: [],
};
const DOCUMENT = 'docs/architecture.md';
const IMPORT = /\b(?:from|import)\s*\(?\s*'(?<target>[^']+)'/g;

describe('architecture', () => {
  it('lets imports point inwards only, by subpath across folders', async () => {
    const offences: string[] = [];

    for await (const file of glob('src/**/*.ts', { exclude: ['**/*.test.ts'] })) {
      for (const match of (await readFile(file, 'utf8')).matchAll(IMPORT)) {
        const target = match.groups?.['target'] ?? '';
        if (!mayImport(file, target)) offences.push(`${file} imports ${target}`);
      }
    }

    assert.deepEqual(offences, []);
  });

  it('has a row for everything directly under src/', async () => {
    const names = await readdir('src');

    const withoutRow = names.filter((name) => !(name in MAY_IMPORT) && !name.endsWith('.test.ts'));

    assert.deepEqual(withoutRow, []);
  });

  it('is the table of docs/architecture.md', { skip: !existsSync(DOCUMENT) }, async () => {
    const text = await readFile(DOCUMENT, 'utf8');

    const documented = tableOf(text);

    const expected = Object.entries(MAY_IMPORT).map(
      ([name, allowed]) => [name, [...allowed].sort()] as const,
    );
    assert.deepEqual(documented, Object.fromEntries(expected));
  });
});

function mayImport(file: string, target: string): boolean {
  const [, from = '', technology] = file.split('/');
  const allowed = MAY_IMPORT[from] ?? assert.fail(`src/${from} has no row in MAY_IMPORT`);
  if (allowed.includes(EVERYTHING) || target.startsWith('./')) return true;
  // `../` is never right: within a folder it hides a second layer, across folders there is `#`.
  if (target.startsWith('.')) return false;
  if (!target.startsWith('#')) return isAllowedPackage(allowed, target);

  const [to = '', neighbour] = target.slice(1).split('/');
  if (to === from) return from !== 'adapters' || neighbour === technology;
  return allowed.includes(to) || allowed.includes(`${to}/${neighbour}`);
}

function isAllowedPackage(allowed: readonly string[], target: string): boolean {
  if (allowed.includes(ANY_PACKAGE)) return true;
  return allowed.some((name) => target === name || target.startsWith(`${name}/`));
}

/**
 * Reads rows such as "| `src/core/` | what it holds | lib, zod |": the first cell names the folder
 * or file, the last what it may import ("nothing" for nothing).
 */
function tableOf(text: string): Record<string, readonly string[]> {
  const rows = text.matchAll(/^\|\s*`src\/(?<name>[^`]+?)\/?`\s*\|.*\|(?<allowed>[^|]*)\|\s*$/gm);
  const table: Record<string, readonly string[]> = {};
  for (const { groups } of rows) {
    const words = (groups?.['allowed'] ?? '').replaceAll('`', '').split(',');
    const allowed = words.map((word) => word.trim()).filter((word) => word !== 'nothing');
    table[groups?.['name'] ?? ''] = allowed.sort();
  }
  return table;
}
