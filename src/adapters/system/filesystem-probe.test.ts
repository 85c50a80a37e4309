import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { createFilesystemProbe } from './filesystem-probe.ts';
import { isReadOnly, parseMounts } from './mount-info.ts';

const NEVER = new AbortController().signal;
const MOUNTS = [
  '1 0 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a',
  '2 1 8:1 /vol /data rw,relatime - ext4 /dev/sda1 rw',
  '3 1 8:1 /vol /data/config ro,relatime - ext4 /dev/sda1 rw',
  '4 1 8:2 / /broken rw,relatime - ext4 /dev/sdb1 ro,errors=remount-ro',
  '5 1 8:2 / /my\\040disk ro - ext4 /dev/sdb1 rw',
  '',
].join('\n');

let hostRoot: string;
let process: string;
let container: ObservedContainer;

async function look(path: string) {
  const answer = await createFilesystemProbe({ hostRoot }).writable(container, path, NEVER);
  return answer.kind === 'Writable' ? answer.kind : answer.reason;
}

describe('filesystem probe', () => {
  /** A host's /proc as the kernel would show it for one container, in a folder. */
  beforeEach(async () => {
    const engine = new MemoryEngine(new VirtualClock());
    const seen = await engine.inspect(await engine.add({ name: 'web' }), NEVER);
    assert.ok(seen !== undefined);
    container = seen;
    hostRoot = await mkdtemp(join(tmpdir(), 'sentinel-proc-'));
    process = join(hostRoot, 'proc', String(seen.pid));
    await mkdir(join(process, 'root/data/config'), { recursive: true });
    await mkdir(join(process, 'root/broken'));
    await writeFile(join(process, 'root/file'), '');
    await writeFile(join(process, 'cgroup'), `3:memory:/docker/${seen.id}\n`);
    await writeFile(join(process, 'mountinfo'), MOUNTS);
  });
  afterEach(async () => rm(hostRoot, { recursive: true }));

  for (const [path, expected] of [
    ['/', 'Writable'],
    ['/data', 'Writable'],
    ['/data/config', 'ReadOnlyMount'],
    ['/broken', 'ReadOnlyMount'],
    ['/absent', 'NoSuchDirectory'],
    ['/file', 'NoSuchDirectory'],
  ] as const) {
    it(`calls ${path} ${expected}`, async () => {
      const answer = await look(path);

      assert.equal(answer, expected);
    });
  }

  it('follows links within the container and never out of it', async () => {
    await symlink('/data/config', join(process, 'root/absolute'));
    await symlink('../../../../../../../etc', join(process, 'root/data/escape'));
    await symlink('loop', join(process, 'root/loop'));

    const answers = await Promise.all(['/absolute', '/data/escape', '/loop'].map(look));

    assert.deepEqual(answers, ['ReadOnlyMount', 'NoSuchDirectory', 'NoSuchDirectory']);
  });

  it('believes no pid that belongs to something else', async () => {
    await writeFile(join(process, 'cgroup'), '3:memory:/user.slice\n');

    const answer = await look('/data');

    assert.equal(answer, 'HostProcNotVisible');
  });

  it('says so where the host’s processes cannot be seen', async () => {
    await rm(join(hostRoot, 'proc'), { recursive: true });

    const answer = await look('/data');

    assert.equal(answer, 'HostProcNotVisible');
  });
});

describe('mount info', () => {
  it('reads escaped names, and lets the mount on top decide', () => {
    const mounts = parseMounts(`${MOUNTS}6 1 0:9 / /data ro - tmpfs tmpfs rw\n`);

    const answers = ['/my disk/x', '/data', '/database'].map((path) => isReadOnly(mounts, path));

    assert.deepEqual(answers, [true, true, false]);
  });
});
