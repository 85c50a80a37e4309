import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { createMemoryModelClient } from '#adapters/memory/memory-model-client.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { aModelRequest, NEVER } from '../../test/support/models.ts';
import { createLazyModels } from './models.ts';

describe('a client that is loaded when it is needed', () => {
  it('is not for a look at what is known', () => {
    const models = createLazyModels(
      () => assert.fail('loaded'),
      () => assert.fail('told'),
    );

    const readiness = models.readiness('a/x');

    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'NotProbed' });
  });

  it('is loaded once, however many ask at once', async () => {
    const memory = createMemoryModelClient(new VirtualClock());
    memory.setReadiness('a/x', { ready: true });
    memory.say({ value: 1 });
    let loads = 0;
    const models = createLazyModels(
      async () => {
        loads += 1;
        return memory;
      },
      () => assert.fail('told'),
    );

    const [probed, answer] = await Promise.all([
      models.probe('a/x', NEVER),
      models.complete(aModelRequest(), NEVER),
    ]);

    assert.deepEqual([loads, probed.ready, answer.kind], [1, true, 'Answer']);
    assert.deepEqual(models.readiness('a/x'), { ready: true });
  });

  it('throws at nobody when it cannot be loaded, and is tried again', async () => {
    const memory = createMemoryModelClient(new VirtualClock());
    memory.setReadiness('a/x', { ready: true });
    const told: unknown[] = [];
    const broken = new Error('no such file');
    const loads = [Promise.reject(broken), Promise.reject(broken), Promise.resolve(memory)];
    for (const load of loads) load.catch(() => undefined);
    const models = createLazyModels(
      () => loads.shift() ?? assert.fail('loaded too often'),
      (cause) => told.push(cause),
    );

    const probed = await models.probe('a/x', NEVER);
    const answer = await models.complete(aModelRequest(), NEVER);
    const later = await models.probe('a/x', NEVER);

    assert.partialDeepStrictEqual(probed, { ready: false, reason: 'Unreachable' });
    assert.partialDeepStrictEqual(answer, { kind: 'Unavailable', reason: 'NoRoute' });
    assert.deepEqual([later, told], [{ ready: true }, [broken, broken]]);
  });
});

it('nothing that asks models is loaded by a start', async () => {
  const reached = await importedBy('src/main.ts');

  assert.ok(reached.has('src/entry/models.ts'));
  assert.deepEqual(
    [...reached].filter((file) => file.startsWith('src/adapters/llm/')),
    [],
  );
});

/** The modules that importing one loads: what is imported by name, not what `import()` loads later. */
async function importedBy(root: string): Promise<ReadonlySet<string>> {
  const files = new Set(await Array.fromAsync(glob('src/**/*.ts')));
  const reached = new Set([root]);
  for (const file of reached) {
    const text = await readFile(file, 'utf8');
    for (const match of text.matchAll(/^(?:import|export) (?!type\b)[^;]*? ?from '([^']+)';/gms)) {
      const target = match[1] ?? '';
      const path = target.startsWith('#') ? `src/${target.slice(1)}` : join(dirname(file), target);
      if (files.has(path)) reached.add(path);
    }
  }
  return reached;
}
