import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { watchPolicyFolder } from '#adapters/files/policy-source.ts';
import type { CompileContext } from '#core/policy/compile.ts';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import type { Clock } from '#ports/clock.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';

const run = promisify(execFile);
const context = (): CompileContext => ({
  tool: builtinTool,
  builtinTools: Object.values(BUILTIN_TOOLS).map(({ name }) => name),
});
const clock: Clock = {
  wallMs: () => Date.now(),
  bootMs: () => Math.floor(performance.now()),
  bootId: 'test',
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  sleep: async (delayMs) => new Promise((resolve) => void setTimeout(resolve, delayMs)),
  random: () => 0.5,
};

function policy(name: string, priority = 0): string {
  return `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: ${name} }
spec:
  selector: { names: [${name}] }
  priority: ${priority}
  thresholds:
    - { name: unhealthy, signal: health, severity: critical }
`;
}

describe('watchPolicyFolder', () => {
  let root = '';
  let folder = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'policies-'));
    folder = join(root, 'policies');
    await mkdir(folder);
  });
  afterEach(async () => rm(root, { recursive: true, force: true }));

  const open = async () => watchPolicyFolder({ path: folder, context, clock });
  const write = async (name: string, text: string) => writeFile(join(folder, name), text);

  it('loads every policy file below the folder, and nothing else', async () => {
    await mkdir(join(folder, 'team/.scratch'), { recursive: true });
    await write('a.yaml', `${policy('a')}---\n${policy('b')}`);
    await write('team/c.yml', policy('c'));
    await write('team/.scratch/d.yaml', policy('d'));
    await write('.e.yaml', policy('e'));
    await write('README.md', 'no policy');

    await using source = await open();

    assert.deepEqual(names(source.current()), ['a', 'b', 'c']);
    assert.equal(source.current().loadedOk, true);
  });

  it('loads a single file, whatever its name', async () => {
    await write('policy.txt', policy('a'));

    await using source = await watchPolicyFolder({
      path: join(folder, 'policy.txt'),
      context,
      clock,
    });

    assert.deepEqual(names(source.current()), ['a']);
  });

  it('tells of a folder that is not there, and finds it when it comes', async () => {
    await rm(folder, { recursive: true });
    await using source = await open();

    const before = source.current();
    await mkdir(folder);
    await write('a.yaml', policy('a'));
    await source.reload();

    assert.equal(before.problems[0]?.message, 'cannot be read: ENOENT');
    assert.deepEqual(names(source.current()), ['a']);
  });

  it('takes a new file, a changed one, and lets a deleted one go', async () => {
    await write('a.yaml', policy('a'));
    await using source = await open();

    await write('b.yaml', policy('b'));
    await until(source, (set) => names(set).join() === 'a,b');
    await write('a.yaml', policy('a', 7));
    await until(source, (set) => set.policies[0]?.spec.priority === 7);
    await unlink(join(folder, 'a.yaml'));
    await until(source, (set) => names(set).join() === 'b');

    assert.equal(source.current().generationOf('a'), 2);
    assert.equal(source.current().generationOf('b'), 1);
    assert.equal(source.current().generationOf('never'), 0);
  });

  it('takes a file that is renamed into place', async () => {
    await write('a.yaml', policy('a'));
    await using source = await open();

    await writeFile(join(root, 'new'), policy('a', 3));
    await rename(join(root, 'new'), join(folder, 'a.yaml'));

    await until(source, (set) => set.policies[0]?.spec.priority === 3);
  });

  it('takes a swap of the link that a ConfigMap is mounted by, as one set', async () => {
    const version = async (name: string, priority: number) => {
      await mkdir(join(folder, name));
      for (const it of ['a', 'b']) await write(`${name}/${it}.yaml`, policy(it, priority));
    };
    await version('..2026_1', 1);
    await symlink('..2026_1', join(folder, '..data'));
    for (const it of ['a', 'b']) await symlink(`..data/${it}.yaml`, join(folder, `${it}.yaml`));
    await using source = await open();
    const seen: number[][] = [];
    source.onChange((set) => seen.push(set.policies.map(({ spec }) => spec.priority)));

    await version('..2026_2', 2);
    await symlink('..2026_2', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await until(source, (set) => set.policies[0]?.spec.priority === 2);

    assert.deepEqual(seen, [[2, 2]]);
  });

  it('keeps what was in force while any file is half written, and says so', async () => {
    await write('a.yaml', policy('a'));
    await write('b.yaml', policy('b'));
    await using source = await open();
    const good = source.current();

    await write('a.yaml', policy('a', 9).slice(0, -20));
    await write('b.yaml', policy('b', 9));
    const broken = await until(source, (set) => !set.loadedOk);
    await write('a.yaml', '');
    const empty = await until(source, (set) => /is empty/.test(set.problems[0]?.message ?? ''));
    await write('a.yaml', policy('a', 9));
    const mended = await until(source, (set) => set.loadedOk);

    assert.deepEqual(broken.policies, good.policies);
    assert.equal(broken.problems[0]?.file, join(folder, 'a.yaml'));
    assert.deepEqual(empty.policies, good.policies);
    assert.deepEqual(
      mended.policies.map(({ spec }) => spec.priority),
      [9, 9],
    );
    assert.deepEqual(mended.problems, []);
  });

  it('does not call back when nothing changed', async () => {
    await write('a.yaml', policy('a'));
    await using source = await open();
    const before = source.current();
    let calls = 0;
    source.onChange(() => (calls += 1));

    await write('a.yaml', `# a comment\n${policy('a')}`);
    await source.reload();

    assert.equal(source.current(), before);
    assert.equal(calls, 0);
  });

  it('gives the commit, and whether the files differ from it', async () => {
    const git = async (...args: string[]) =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: root });
    await git('init', '--quiet', '--initial-branch=main');
    await write('a.yaml', policy('a'));
    await git('add', '.');
    await git('commit', '--quiet', '--message=x');
    const commit = (await git('rev-parse', 'HEAD')).stdout.trim();
    await using source = await open();

    const clean = source.current();
    await writeFile(join(root, 'elsewhere.txt'), 'not a policy');
    await write('b.yaml', policy('b'));
    const dirty = await source.reload();
    await write('b.yaml', 'no: policy');
    const failed = await source.reload();

    assert.equal(clean.lastAppliedRevision, `main@sha1:${commit}`);
    assert.equal(clean.policies[0]?.commit, `main@sha1:${commit}`);
    assert.equal(dirty.lastAppliedRevision, `main@sha1:${commit}+dirty`);
    assert.deepEqual(
      [failed.lastAppliedRevision, failed.lastAttemptedRevision],
      [`main@sha1:${commit}+dirty`, `main@sha1:${commit}+dirty`],
    );
  });

  it('has no revision outside a checkout', async () => {
    await write('a.yaml', policy('a'));

    await using source = await open();

    assert.equal(source.current().lastAppliedRevision, '');
  });

  it('looks again by itself, for changes that no notice comes of', async () => {
    const elsewhere = join(root, 'elsewhere.yaml');
    await writeFile(elsewhere, policy('a'));
    await symlink(elsewhere, join(folder, 'a.yaml'));
    const timers: { readonly delayMs: number; readonly callback: () => void }[] = [];
    const byHand: Clock = {
      ...clock,
      after: (delayMs, callback) => {
        timers.push({ delayMs, callback });
        return () => undefined;
      },
    };
    await using source = await watchPolicyFolder({ path: folder, context, clock: byHand });
    const changed = until(source, (set) => set.policies[0]?.spec.priority === 4);

    await writeFile(elsewhere, policy('a', 4));
    const [look] = timers;
    look?.callback();
    while (timers.length < 2) await new Promise(setImmediate);
    for (const { callback } of timers.slice(1)) callback();

    assert.equal(look?.delayMs, 15_000);
    assert.equal((await changed).generationOf('a'), 2);
  });

  it('follows a link that leads back up only once', async () => {
    await write('a.yaml', policy('a'));
    await symlink('.', join(folder, 'loop'));

    await using source = await open();

    assert.deepEqual(names(source.current()), ['a']);
  });
});

function names(set: PolicySet): string[] {
  return set.policies.map(({ name }) => name);
}

/** Waits for a state, however many loads it takes to get there. */
async function until(
  source: PolicySource,
  reached: (set: PolicySet) => boolean,
): Promise<PolicySet> {
  if (reached(source.current())) return source.current();
  return new Promise((resolve) => {
    const stop = source.onChange((set) => {
      if (!reached(set)) return;
      stop();
      resolve(set);
    });
  });
}
