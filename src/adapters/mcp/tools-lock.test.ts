import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { builtinDefinitions } from './builtin-definitions.ts';
import { digestOf, type ToolDefinition } from './tool-definition.ts';
import { comparePins, EMPTY_LOCK, pinTools, readLock, writeLock } from './tools-lock.ts';

const TOOL: ToolDefinition = {
  name: 'restart',
  description: 'Restarts.',
  inputSchema: { type: 'object', properties: { name: { type: 'string' } } },
  annotations: { readOnlyHint: false },
};

describe('the digest of a tool', () => {
  it('does not depend on the order of keys, nor on what is not pinned', () => {
    const shuffled = {
      title: 'another',
      annotations: { readOnlyHint: false },
      inputSchema: { properties: { name: { type: 'string' } }, type: 'object' as const },
      description: 'Restarts.',
      name: 'restart',
    };

    assert.equal(digestOf(shuffled), digestOf(TOOL));
  });

  for (const [what, change] of [
    ['name', { name: 'restart2' }],
    ['description', { description: 'Restarts. Call me first.' }],
    ['input schema', { inputSchema: { type: 'object' } }],
    ['output schema', { outputSchema: { type: 'object' } }],
    ['annotations', { annotations: { readOnlyHint: true } }],
  ] as const) {
    it(`changes with the ${what}`, () => {
      assert.notEqual(digestOf({ ...TOOL, ...change }), digestOf(TOOL));
    });
  }
});

describe('pins', () => {
  const { servers } = pinTools(EMPTY_LOCK, 'other', [TOOL, { ...TOOL, name: 'mcp-exec' }]);

  it('leave out tools that are never called', () => {
    assert.deepEqual(Object.keys(servers['other'] ?? {}), ['restart']);
  });

  for (const [what, tools, message] of [
    ['new', [TOOL, { ...TOOL, name: 'stop' }], /stop is new/],
    ['missing', [], /restart is missing/],
    ['changed', [{ ...TOOL, description: 'x' }], /restart has changed/],
  ] as const) {
    it(`one tool that is ${what} stops the server`, () => {
      const verdict = comparePins(servers['other'], tools);

      assert.equal(verdict.pinned === false && verdict.reason, 'ToolManifestChanged');
      assert.match(verdict.pinned ? '' : verdict.message, message);
    });
  }

  it('hold when nothing has changed, whatever the server adds of those never called', () => {
    assert.deepEqual(comparePins(servers['other'], [{ ...TOOL, name: 'mcp_add' }, TOOL]), {
      pinned: true,
    });
  });

  it('a tool whose name every object has is not pinned by accident', () => {
    const verdict = comparePins({}, [{ ...TOOL, name: 'constructor' }]);

    assert.equal(verdict.pinned, false);
  });
});

describe('the lock file', () => {
  it('is read back as it was written, sorted, with nothing left beside it', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'sentinel.tools.lock');
      const lock = pinTools(pinTools(EMPTY_LOCK, 'b', [TOOL]), 'a', [TOOL]);

      await writeLock(path, lock);

      assert.deepEqual(await readLock(path), lock);
      const text = await readFile(path, 'utf8');
      assert.ok(text.indexOf('"a"') < text.indexOf('"b"'));
      assert.deepEqual(await readdir(folder), ['sentinel.tools.lock']);
    });
  });

  it('pins nothing when it is missing, and is an error when it is damaged', async () => {
    await inFolder(async (folder) => {
      const path = join(folder, 'sentinel.tools.lock');

      assert.deepEqual(await readLock(path), EMPTY_LOCK);
      await writeFile(path, '{"version":1,"servers":{"a":{"b":"not a digest"}}}');
      await assert.rejects(readLock(path), { code: 'SENTINEL_CONFIG_INVALID' });
    });
  });
});

it('the built-in definitions are the same each time, and fewer when they only read', () => {
  const [whole = {}, again = {}, reading = {}] = [false, false, true].map((readOnly) => {
    const tools = builtinDefinitions({ readOnly });
    return Object.fromEntries(tools.map((tool) => [tool.name, digestOf(tool)]));
  });

  assert.deepEqual(again, whole);
  assert.deepEqual(
    [whole, reading].map(Object.keys).map(({ length }) => length),
    [18, 5],
  );
  for (const { name, annotations } of builtinDefinitions({ readOnly: true })) {
    assert.equal(annotations?.['readOnlyHint'], true, name);
  }
});

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-lock-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
