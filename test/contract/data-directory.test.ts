import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { newJournalId, openDataDirectory } from '#adapters/files/data-directory.ts';
import { isDirectoryLocked } from '#adapters/files/directory-lock.ts';
import { ConfigError, DataDirectoryLockedError } from '#core/errors.ts';

/** A test that fails must not leave one to hold its directory, and the run up. */
const children = new Set<ChildProcess>();
const MODULE = new URL('../../src/adapters/files/data-directory.ts', import.meta.url).pathname;

describe('the data directory', () => {
  let root: string;
  let path: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sentinel-data-'));
    path = join(root, 'deep/data');
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await rm(root, { recursive: true, force: true });
  });

  it('is made for its owner alone, with a key that stays the same', async () => {
    const first = await openDataDirectory(path);
    const key = first.hmacKey;
    await first[Symbol.asyncDispose]();
    await using second = await openDataDirectory(path);

    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, 'hmac-key'))).mode & 0o777, 0o600);
    assert.equal(key.length, 32);
    assert.deepEqual(Buffer.from(second.hmacKey), Buffer.from(key));
  });

  it('is closed to others where it was open', async () => {
    await mkdir(path, { recursive: true });
    await chmod(path, 0o755);

    await using _data = await openDataDirectory(path);

    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it('is held by one Sentinel: a second is told who has it, and a third is kept out too', async () => {
    await using _first = await openDataDirectory(path);

    const second = openDataDirectory(path);

    await assert.rejects(second, (error: Error) => {
      assert.ok(error instanceof DataDirectoryLockedError);
      assert.match(error.message, new RegExp(`"pid":${process.pid}`));
      return true;
    });
    assert.equal((await openInChild(path)).said, 'DataDirectoryLockedError');
  });

  it('is refused when its key was cut', async () => {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'hmac-key'), 'short');

    await assert.rejects(openDataDirectory(path), /has 5 bytes instead of 32/);

    assert.equal(await readFile(join(path, 'hmac-key'), 'utf8'), 'short');
    await rm(join(path, 'hmac-key'));
    await using _data = await openDataDirectory(path);
  });

  it('is refused, with the remedy, when it belongs to somebody else', async (context) => {
    if (process.getuid?.() !== 0) {
      context.skip('only root can give a directory away');
      return;
    }
    await mkdir(path, { recursive: true });
    await chown(path, 12_345, 12_345);

    await assert.rejects(openDataDirectory(path), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /belongs to uid 12345, and Sentinel runs as uid 0: chown 0 /);
      return true;
    });
  });

  it('is refused when it is a file', async () => {
    path = join(root, 'file');
    await writeFile(path, '');

    await assert.rejects(openDataDirectory(path), ConfigError);
  });

  it('is refused at once where no directory can be made', { timeout: 20_000 }, async () => {
    for (const nowhere of ['/proc/x', '/proc/x/deep']) {
      await assert.rejects(openDataDirectory(nowhere), (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(
          error.message,
          /^the data directory \/proc\/x.* cannot be made: .*; name another one with --data/,
        );
        return true;
      });
    }
  });

  it('is said to be read-only, not missing (tried as root, who can become another user)', async (context) => {
    if (process.getuid?.() !== 0) {
      context.skip('not root');
      return;
    }
    await chmod(root, 0o755);
    const closed = join(root, 'closed');
    await mkdir(closed, { mode: 0o555 });

    const attempts = await Promise.all(
      ['data', 'deep/data'].map((name) => openInChild(join(closed, name), { uid: 12_345 })),
    );

    for (const { said } of attempts) {
      assert.match(
        said,
        /^ConfigError: the data directory .*closed.* is not writable for uid 12345/,
      );
    }
  });

  it('is refused, with the remedy, where nothing more can be written', async () => {
    await mkdir(path, { recursive: true });

    const { said } = await openInChild(path, { before: 'ulimit -f 0' });

    assert.match(
      said,
      /^ConfigError: the data directory .* has no room: EFBIG.*; make room, or name another one/,
    );
    await using _data = await openDataDirectory(path);
  });

  it('is opened where it is complete but full: whoever starts tells what is wrong', async () => {
    await (await openDataDirectory(path))[Symbol.asyncDispose]();

    const { said, child } = await openInChild(path, { before: 'ulimit -f 0' });

    assert.equal(said, 'open');
    assert.equal(await isDirectoryLocked(path), true);
    // Who held it before does not hold it now.
    const names = await readdir(path);
    assert.deepEqual(names.sort(), ['hmac-key', 'lock']);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('is seen to be held, and not to be, without a trace, and free when its holder is killed', async () => {
    await (await openDataDirectory(path))[Symbol.asyncDispose]();
    const before = await readFile(join(path, 'lock.owner'), 'utf8');
    const names = await readdir(path);

    const whileFree = await isDirectoryLocked(path);
    const traces = [await readFile(join(path, 'lock.owner'), 'utf8'), await readdir(path)];
    const holder = await openInChild(path);
    const whileHeld = await isDirectoryLocked(path);
    const after = openDataDirectory(path);

    assert.deepEqual([whileFree, holder.said, whileHeld], [false, 'open', true]);
    assert.deepEqual(traces, [before, names]);
    await assert.rejects(after, DataDirectoryLockedError);
    holder.child.kill('SIGKILL');
    await once(holder.child, 'exit');
    assert.equal(await isDirectoryLocked(path), false);
    await using data = await openDataDirectory(path);
    assert.equal(data.hmacKey.length, 32);
    assert.equal(await isDirectoryLocked(root), false);
    assert.deepEqual(await readdir(root), ['deep']);
  });

  it('names each journal differently', () => {
    assert.match(newJournalId(), /^[0-9a-f]{32}$/);
    assert.notEqual(newJournalId(), newJournalId());
  });
});

/** Opens the directory in another process, which then holds it until it is killed. */
async function openInChild(
  path: string,
  { uid = process.getuid?.() ?? 0, before = ':' }: { uid?: number; before?: string } = {},
) {
  const script = `
    const { openDataDirectory } = await import(${JSON.stringify(MODULE)});
    const said = await openDataDirectory(${JSON.stringify(path)}).then(
      (data) => { globalThis.data = data; return 'open'; },
      (error) => (error.name === 'ConfigError' ? String(error) : error.name),
    );
    console.log(said);
    setInterval(() => globalThis.gc?.(), 20);
  `;
  // With the garbage collector at work: a lock must not depend on who still refers to it.
  const node = [process.execPath, '--expose-gc', '--input-type=module', '-e', script];
  const child = spawn('sh', ['-c', `${before}; exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
    uid,
  });
  children.add(child);
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  if (!said.includes('open')) child.kill('SIGKILL');
  return { child, said: said.toString().trim() };
}
