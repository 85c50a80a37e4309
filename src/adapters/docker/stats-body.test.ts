import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { gaugesOf } from '#core/health/metrics.ts';
import { readFixture } from '../../../test/support/fixtures.ts';
import { assertUnpolluted, nearJson, runs } from '../../../test/support/fuzz.ts';
import { parseStats } from './stats-body.ts';

const at = { atMs: 1, startedAtMs: 2 };

it('reads an answer of a cgroup v1 host', () => {
  assert.deepEqual(parseStats(readFixture('docker/stats-v1.json'), at), {
    ...at,
    cpu: {
      totalNs: 193_058_492,
      systemNs: 4_397_540_000_000,
      onlineCpus: 2,
      periods: 10,
      throttledPeriods: 7,
    },
    memory: {
      usageBytes: 31_125_504,
      inactiveFileBytes: 29_523_968,
      activeFileBytes: 53_248,
    },
    pids: { current: 1 },
    network: { rxBytes: 736, txBytes: 0 },
    blkio: { readBytes: 0, writeBytes: 0 },
  });
});

it('reads an answer of a cgroup v2 host', () => {
  assert.deepEqual(parseStats(readFixture('docker/stats-v2.json'), at), {
    ...at,
    cpu: {
      totalNs: 7_654_321_000,
      systemNs: 84_379_270_000_000,
      onlineCpus: 4,
      periods: 120,
      throttledPeriods: 30,
    },
    memory: {
      usageBytes: 52_428_800,
      inactiveFileBytes: 16_777_216,
      activeFileBytes: 12_582_912,
    },
    pids: { current: 7 },
    network: { rxBytes: 1_000_500, txBytes: 20_700 },
    blkio: { readBytes: 4_096, writeBytes: 8_192 },
  });
});

it('finds no sample in the answer for a stopped container', () => {
  const stopped = {
    read: '0001-01-01T00:00:00Z',
    preread: '0001-01-01T00:00:00Z',
    pids_stats: {},
    cpu_stats: { cpu_usage: { total_usage: 0 }, throttling_data: { periods: 0 } },
    memory_stats: {},
  };

  assert.equal(parseStats(stopped, at), undefined);
});

it('leaves out what was not reported, instead of calling it zero', () => {
  const rootless = {
    read: '2026-11-24T06:00:00Z',
    cpu_stats: { cpu_usage: { total_usage: 0 }, online_cpus: 2 },
    memory_stats: { usage: 4096 },
    blkio_stats: { io_service_bytes_recursive: null },
  };

  assert.deepEqual(parseStats(rootless, at), at);
});

it('counts processors by their counters where the engine gives no number', () => {
  const old = {
    read: '2026-11-24T06:00:00Z',
    cpu_stats: { cpu_usage: { total_usage: 5, percpu_usage: [2, 3, 0] }, system_cpu_usage: 9 },
  };

  assert.equal(parseStats(old, at)?.cpu?.onlineCpus, 3);
});

it('refuses what is no stats answer', () => {
  assert.throws(() => parseStats('OK', at));
  const read = '2026-11-24T06:00:00Z';
  for (const usage of [-1, 1e300]) {
    assert.throws(() => parseStats({ read, memory_stats: { usage, stats: {} } }, at));
  }
});

it('gives samples whose gauges are sound, or none, whatever the engine sends', () => {
  const bodies = fc.oneof(
    nearJson(readFixture('docker/stats-v1.json')),
    nearJson(readFixture('docker/stats-v2.json')),
  );
  const isSound = fc.property(bodies, bodies, (before, after) => {
    const samples = [before, after].map((body, index) => {
      try {
        return parseStats(body, { atMs: 1_000 * (index + 1), startedAtMs: 1 });
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor.name === 'ZodError');
        return undefined;
      }
    });
    assertUnpolluted();
    const [first, second] = samples;
    if (second === undefined) return;
    const limits = { memoryBytes: 2 ** 26, nanoCpus: 1e9, pids: 10 };
    const gauges = gaugesOf(first, second, limits, { cpus: 2, memoryBytes: 2 ** 33 });
    for (const reading of Object.values(gauges)) {
      if (reading.kind === 'Value') assert.ok(Number.isFinite(reading.value) && reading.value >= 0);
    }
  });

  fc.assert(isSound, runs(60));
});
