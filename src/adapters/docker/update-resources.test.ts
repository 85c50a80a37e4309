import assert from 'node:assert/strict';
import { it } from 'node:test';
import { repositoryOf } from './image-reference.ts';
import { toUpdateBody } from './update-resources.ts';

const unlimited = { cpuQuota: 0, cpuPeriod: 0 };

for (const [name, limits, current, expected] of [
  ['memory', { memoryBytes: 64, memorySwapBytes: 96 }, {}, { Memory: 64, MemorySwap: 96 }],
  ['CPUs', { nanoCpus: 2_000_000_000 }, {}, { NanoCpus: 2_000_000_000 }],
  [
    'a quota',
    { nanoCpus: 2_000_000_000 },
    { cpuQuota: 50_000, cpuPeriod: 0 },
    { CpuPeriod: 100_000, CpuQuota: 200_000 },
  ],
  ['pids', { pids: 9 }, {}, { PidsLimit: 9 }],
] as const) {
  it(`updates a container with ${name}`, () => {
    assert.deepEqual(toUpdateBody(limits, { ...unlimited, ...current }), expected);
  });
}

for (const [reference, expected] of [
  ['nginx', 'nginx'],
  ['nginx:1.29', 'nginx'],
  ['docker.io/library/nginx:1.29', 'nginx'],
  ['ghcr.io/acme/web@sha256:abc', 'ghcr.io/acme/web'],
  ['registry:5000/web', 'registry:5000/web'],
  ['registry:5000/web:2', 'registry:5000/web'],
  [`sha256:${'a'.repeat(64)}`, undefined],
  ['b'.repeat(64), undefined],
] as const) {
  it(`finds the repository of ${reference}`, () => {
    assert.equal(repositoryOf(reference), expected);
  });
}
