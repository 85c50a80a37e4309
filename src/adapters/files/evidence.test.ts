import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { EvidenceUnavailableError } from '#core/errors.ts';
import { openEvidenceStore } from './evidence.ts';

describe('the evidence store', () => {
  let root: string;
  let nowMs = 0;
  const open = (options = {}) => openEvidenceStore(join(root, 'evidence'), () => nowMs, options);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sentinel-evidence-'));
    nowMs = Date.now();
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('gives back what was put, by its hash, also after a restart', async () => {
    const bytes = Buffer.from('log lines');

    const { sha256, size } = await (await open()).put(bytes);
    const again = await open();

    assert.equal(size, 9);
    assert.deepEqual(Buffer.from((await again.get(sha256)) ?? []), bytes);
    assert.equal((await stat(join(root, 'evidence', sha256))).mode & 0o777, 0o600);
  });

  it('writes again what a power cut has left empty', async () => {
    const { sha256 } = await (await open()).put(Buffer.from('log lines'));
    await writeFile(join(root, 'evidence', sha256), '');
    const store = await open();
    const before = await store.get(sha256);

    await store.put(Buffer.from('log lines'));

    assert.equal(before, undefined);
    assert.equal(Buffer.from((await store.get(sha256)) ?? []).toString(), 'log lines');
  });

  it('keeps the same bytes once', async () => {
    const store = await open({ bytesMax: 15 });

    await store.put(Buffer.from('ten bytes.'));
    const { sha256 } = await store.put(Buffer.from('ten bytes.'));

    assert.deepEqual(await readdir(join(root, 'evidence')), [sha256]);
    assert.ok(await store.get(sha256));
  });

  it('knows nothing of what it does not have, whatever it is asked', async () => {
    const store = await open();
    await writeFile(join(root, 'secret'), 'secret');

    assert.equal(await store.get('0'.repeat(64)), undefined);
    assert.equal(await store.get('../secret'), undefined);
  });

  it('does not give out what was changed', async () => {
    const store = await open();
    const { sha256 } = await store.put(Buffer.from('as it was'));

    await writeFile(join(root, 'evidence', sha256), 'forged');

    assert.equal(await store.get(sha256), undefined);
  });

  it('lets the oldest go when it is too much, counted over restarts', async () => {
    const first = await (await open({ bytesMax: 20 })).put(Buffer.from('first 1234'));
    nowMs += 1_000;
    const store = await open({ bytesMax: 20 });

    const second = await store.put(Buffer.from('second 123'));
    nowMs += 1_000;
    await store.put(Buffer.from('third 1234'));

    assert.equal(await store.get(first.sha256), undefined);
    assert.ok(await store.get(second.sha256));
  });

  it('lets go what is too old', async () => {
    const { sha256 } = await (await open({ ageMaxMs: 1_000 })).put(Buffer.from('old'));

    nowMs += 10_000;
    const store = await open({ ageMaxMs: 1_000 });

    assert.equal(await store.get(sha256), undefined);
    assert.deepEqual(await readdir(join(root, 'evidence')), []);
  });

  it('says so when it cannot keep something', async () => {
    const store = await open();
    await rm(join(root, 'evidence'), { recursive: true });
    await writeFile(join(root, 'evidence'), '');

    await assert.rejects(store.put(Buffer.from('x')), EvidenceUnavailableError);
  });
});
