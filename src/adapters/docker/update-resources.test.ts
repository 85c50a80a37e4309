import assert from 'node:assert/strict';
import { it } from 'node:test';
import { repositoryOf } from './image-reference.ts';
import { toUpdateBody } from './update-resources.ts';

const unlimited = { memory: 0, memorySwap: 0, cpuQuota: 0, cpuPeriod: 0 };

for (const [name, limits, current, expected] of [
  ['no limits', { memoryBytes: 64 }, {}, { Memory: 64, MemorySwap: 64 }],
  [
    'room for swap',
    { memoryBytes: 64 },
    { memory: 32, memorySwap: 64 },
    { Memory: 64, MemorySwap: 96 },
  ],
  [
    'no room for swap',
    { memoryBytes: 64 },
    { memory: 32, memorySwap: 32 },
    { Memory: 64, MemorySwap: 64 },
  ],
  [
    'unlimited swap',
    { memoryBytes: 64 },
    { memory: 32, memorySwap: -1 },
    { Memory: 64, MemorySwap: -1 },
  ],
  [
    'a swap limit to change alone',
    { memorySwapBytes: 80 },
    { memory: 32, memorySwap: 64 },
    { Memory: 32, MemorySwap: 80 },
  ],
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
