import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gitRevision } from '#adapters/files/git-revision.ts';

describe('the revision of a checkout', () => {
  let root: string;
  let folder: string;

  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const write = (name: string, text: string) => writeFile(join(root, name), text);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sentinel-git-'));
    folder = join(root, 'policies');
    await mkdir(join(folder, 'deep'), { recursive: true });
    git('init', '--quiet', '--initial-branch=main');
    await write('policies/a.yaml', 'a: 1\n');
    await write('policies/deep/b.yml', 'b: 1\n');
    await write('policies/README.md', 'about\n');
    await symlink('a.yaml', join(folder, 'link.yaml'));
    await write('code.c', 'int main;\n');
    git('add', '.');
    git('commit', '--quiet', '--message=x');
  });
  afterEach(async () => rm(root, { recursive: true, force: true }));

  const clean = () => `main@sha1:${git('rev-parse', 'HEAD')}`;

  it('is that of the commit, for the folder, the whole checkout, and one file', async () => {
    assert.equal(await gitRevision(folder), clean());
    assert.equal(await gitRevision(root), clean());
    assert.equal(await gitRevision(join(folder, 'a.yaml')), clean());
  });

  it('names no branch where none is checked out', async () => {
    git('checkout', '--quiet', '--detach');

    assert.equal(await gitRevision(folder), clean().replace('main', 'HEAD'));
  });

  for (const [name, change] of [
    [
      'a policy that was changed, to one of the same size',
      () => write('policies/a.yaml', 'a: 2\n'),
    ],
    ['a policy that was removed', () => rm(join(folder, 'deep/b.yml'))],
    ['a policy that is not in the commit', () => write('policies/new.yaml', 'c: 1\n')],
    [
      'a policy that is not in the commit since git ignores it',
      async () => {
        await write('.git/info/exclude', '*.yaml\n');
        await write('policies/new.yaml', 'c: 1\n');
      },
    ],
    [
      'a link that leads elsewhere',
      async () => {
        await rm(join(folder, 'link.yaml'));
        await symlink('deep/b.yml', join(folder, 'link.yaml'));
      },
    ],
    [
      'a file where a link was',
      async () => {
        await rm(join(folder, 'link.yaml'));
        await write('policies/link.yaml', 'a.yaml');
      },
    ],
  ] as const) {
    it(`is marked for ${name}`, async () => {
      await change();

      assert.equal(await gitRevision(folder), `${clean()}+dirty`);
    });
  }

  it('is not marked for what is no policy, nor for a file that was only touched', async () => {
    await write('policies/README.md', 'changed\n');
    await write('code.c', 'changed\n');
    await utimes(join(folder, 'a.yaml'), 1, 1);

    assert.equal(await gitRevision(folder), clean());
  });

  it('is empty outside a checkout, and before the first commit', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'sentinel-git-'));
    assert.equal(await gitRevision(elsewhere), '');
    execFileSync('git', ['init', '--quiet'], { cwd: elsewhere });

    assert.equal(await gitRevision(elsewhere), '');
    await rm(elsewhere, { recursive: true });
  });

  it('runs no program that the checkout names', async () => {
    const ran = join(root, '.git/ran');
    await mkdir(ran);
    const touch = (what: string) => `touch '${join(ran, what)}'`;
    const script = join(root, '.git/monitor');
    await writeFile(script, `#!/bin/sh\n${touch('monitor')}\n`, { mode: 0o755 });
    for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction']) {
      const path = join(root, '.git/hooks', hook);
      await writeFile(path, `#!/bin/sh\n${touch(hook)}\n`);
      await chmod(path, 0o755);
    }
    await write('.gitattributes', '* filter=x\n');
    for (const [key, value] of [
      ['filter.x.clean', `${touch('clean')}; cat`],
      ['filter.x.smudge', `${touch('smudge')}; cat`],
      ['filter.y.process', touch('process')],
      ['filter.x.required', 'true'],
      ['core.fsmonitor', script],
      ['diff.external', touch('diff')],
      ['core.pager', touch('pager')],
    ] as const) {
      git('config', key, value);
    }
    await write('.git/info/attributes', 'b.yml filter=y\n');
    // Other times and sizes than the index has make git read the files.
    await utimes(join(folder, 'a.yaml'), 1, 1);
    await write('policies/deep/b.yml', 'b: 1\nc: 1\n');

    const revision = await gitRevision(folder);

    assert.equal(revision, `${clean()}+dirty`);
    assert.deepEqual(await readdir(ran), []);
    git('status');
    assert.ok((await readdir(ran)).includes('clean'), 'git status does run them');
  });

  it('fetches nothing that a partial clone lacks', async () => {
    const ran = join(root, '.git/ran');
    const tree = git('rev-parse', 'HEAD:policies');
    for (const [key, value] of [
      ['core.repositoryFormatVersion', '1'],
      ['extensions.partialClone', 'origin'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', `ext::touch ${ran}`],
      ['protocol.ext.allow', 'always'],
    ] as const) {
      git('config', key, value);
    }
    await rm(join(root, '.git/objects', tree.slice(0, 2), tree.slice(2)));

    assert.equal(await gitRevision(folder), '');
    assert.equal(existsSync(ran), false);
    assert.throws(() => git('ls-tree', '-r', 'HEAD'));
    assert.equal(existsSync(ran), true, 'git by itself does run it');
  });
});
