import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObservedContainer } from '#core/workload/container.ts';
import { fixturePath, readFixture } from '../../../test/support/fixtures.ts';
import { createCgroupSource } from './cgroup-source.ts';
import { parseInspect } from './inspect-body.ts';

const ID = 'ffffffff0123456789abcdef0123456789abcdef0123456789abcdefeeeeeeee';
const container: ObservedContainer = {
  ...parseInspect(readFixture('docker/inspect-everything.json')),
  id: ID,
  pid: 4242,
  startedAtMs: 1_000,
};
const clock = { bootMs: () => 5_000 };

function sourceOf(tree: string) {
  return createCgroupSource({ clock, hostRoot: fixturePath(`cgroup/${tree}`) });
}

describe('samples from cgroup files', () => {
  it('reads a v1 tree, as recorded', async () => {
    const sample = sourceOf('v1').sample(container);

    assert.deepEqual(sample, {
      atMs: 5_000,
      startedAtMs: 1_000,
      cpu: { totalNs: 193_058_492, onlineCpus: 2, periods: 10, throttledPeriods: 7 },
      memory: {
        usageBytes: 31_125_504,
        inactiveFileBytes: 29_523_968,
        activeFileBytes: 53_248,
      },
      pids: { current: 1 },
      network: { rxBytes: 736, txBytes: 0 },
      blkio: { readBytes: 5_120, writeBytes: 30_000_512 },
    });
  });

  it('reads a v2 tree by the systemd driver, from a cgroup of the container’s own init', async () => {
    const sample = sourceOf('v2').sample(container);

    assert.deepEqual(sample, {
      atMs: 5_000,
      startedAtMs: 1_000,
      cpu: { totalNs: 7_654_321_000, onlineCpus: 2, periods: 120, throttledPeriods: 30 },
      memory: {
        usageBytes: 52_428_800,
        inactiveFileBytes: 16_777_216,
        activeFileBytes: 12_582_912,
      },
      pids: { current: 7 },
      network: { rxBytes: 1_000_500, txBytes: 20_700 },
      blkio: { readBytes: 5_096, writeBytes: 8_192 },
    });
  });

  for (const [name, changes] of [
    ['a process id that now belongs to another container', { id: 'd'.repeat(64) }],
    ['a process id that is not visible', { pid: 4243 }],
    ['a container that does not run', { pid: 0 }],
  ] as const) {
    it(`has none for ${name}`, async () => {
      const stranger = { ...container, ...changes };

      assert.equal(sourceOf('v2').sample(stranger), undefined);
      assert.equal(sourceOf('v1').sample(stranger), undefined);
    });
  }

  it('has none where the host’s files are not mounted', async () => {
    assert.equal(sourceOf('missing').sample(container), undefined);
  });

  for (const [name, changes] of [
    ['the host’s network', { networks: { host: { address: '' } } }],
    ['another container’s network', { shares: [{ kind: 'network', owner: 'other' }] }],
  ] as const) {
    it(`gives no network figures for ${name}, which are not its own`, async () => {
      const sample = sourceOf('v2').sample({ ...container, ...changes });

      assert.ok(sample?.cpu !== undefined);
      assert.equal(sample.network, undefined);
    });
  }
});
