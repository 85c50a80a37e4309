import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import type { ResourceLimits } from '../workload/container.ts';
import { gaugesOf } from './metrics.ts';
import type { RawSample } from './sample.ts';

const MIB = 2 ** 20;
const host = { cpus: 4, memoryBytes: 8 * 2 ** 30 };
const limits: ResourceLimits = { memoryBytes: 100 * MIB, nanoCpus: 500_000_000, pids: 50 };

const first: RawSample = {
  atMs: 10_000,
  startedAtMs: 1_000,
  cpu: { totalNs: 1e9, onlineCpus: 4, periods: 100, throttledPeriods: 10 },
  memory: { usageBytes: 60 * MIB, inactiveFileBytes: 10 * MIB, activeFileBytes: 20 * MIB },
  pids: { current: 5 },
  network: { rxBytes: 1_000, txBytes: 2_000 },
  blkio: { readBytes: 0, writeBytes: 4_096 },
};
const second: RawSample = {
  ...first,
  atMs: 20_000,
  cpu: { totalNs: 3e9, onlineCpus: 4, periods: 200, throttledPeriods: 35 },
  network: { rxBytes: 11_000, txBytes: 2_000 },
  blkio: { readBytes: 40_960, writeBytes: 4_096 },
};

function valueOf(name: keyof ReturnType<typeof gaugesOf>, gauges: ReturnType<typeof gaugesOf>) {
  const reading = gauges[name];
  return reading.kind === 'Value' ? reading.value : reading.reason;
}

describe('gauges', () => {
  it('are computed from two samples of one run', () => {
    const gauges = gaugesOf(first, second, limits, host);

    const values = Object.fromEntries(
      Object.keys(gauges).map((name) => [name, valueOf(name as keyof typeof gauges, gauges)]),
    );
    assert.deepEqual(values, {
      // 2 s of CPU in 10 s, of half a processor.
      'cpu.utilization': 0.4,
      'cpu.throttled': 0.25,
      'memory.utilization': 0.3,
      'memory.workingSet': 50 * MIB,
      'pids.utilization': 0.1,
      'network.rx': 1_000,
      'network.tx': 0,
      'blkio.read': 4_096,
      'blkio.write': 0,
    });
    assert.deepEqual(gauges['network.tx'], { kind: 'Value', value: 0, atMs: 20_000 });
  });

  it('measure CPU by the host’s own counter where there is one, as docker stats does', () => {
    const withSystem = (sample: RawSample, systemNs: number): RawSample => ({
      ...sample,
      ...(sample.cpu && { cpu: { ...sample.cpu, systemNs } }),
    });

    const before = withSystem(first, 100e9);
    // Four processors for 8 s, though our clock says 10.
    const gauges = gaugesOf(before, withSystem(second, 132e9), {}, host);

    assert.equal(valueOf('cpu.utilization', gauges), 2 / 8 / 4);
  });

  it('take the whole host for the limit of CPU where there is none, or a larger one', () => {
    const ofHost = gaugesOf(first, second, {}, host);
    const ofMore = gaugesOf(first, second, { nanoCpus: 64_000_000_000 }, host);

    assert.equal(valueOf('cpu.utilization', ofHost), 0.05);
    assert.equal(valueOf('cpu.utilization', ofMore), 0.05);
  });

  it('are unsupported without the limit that they are a share of', () => {
    const gauges = gaugesOf(first, second, {}, host);

    for (const name of ['cpu.throttled', 'memory.utilization', 'pids.utilization'] as const) {
      assert.deepEqual(gauges[name], { kind: 'Unsupported', reason: 'NoLimit' });
    }
    assert.equal(gauges['memory.workingSet'].kind, 'Value');
  });

  it('do not take the kernel’s word for no limit as a limit', () => {
    const gauges = gaugesOf(first, second, { memoryBytes: 9_223_372_036_854_771_712 }, host);

    assert.equal(gauges['memory.utilization'].kind, 'Unsupported');
  });

  for (const [name, previous, reason] of [
    ['there is one sample only', undefined, 'NeedsTwoSamples'],
    ['both are of one instant', { ...second }, 'NeedsTwoSamples'],
    ['the container was restarted in between', { ...first, startedAtMs: 500 }, 'RunChanged'],
    [
      'a counter has fallen',
      { ...first, cpu: { totalNs: 9e9, onlineCpus: 4, periods: 999, throttledPeriods: 0 } },
      'CounterReset',
    ],
  ] as const) {
    it(`of CPU are unknown when ${name}, while those of one sample are not`, () => {
      const gauges = gaugesOf(previous, second, limits, host);

      assert.deepEqual(gauges['cpu.utilization'], { kind: 'Unknown', reason });
      assert.deepEqual(gauges['cpu.throttled'], { kind: 'Unknown', reason });
      assert.equal(gauges['memory.utilization'].kind, 'Value');
      assert.equal(gauges['pids.utilization'].kind, 'Value');
    });
  }

  it('are unknown, never zero, for what was not reported', () => {
    const bare = { atMs: 20_000, startedAtMs: 1_000 };
    const gauges = gaugesOf({ ...bare, atMs: 10_000 }, bare, limits, host);

    for (const reading of Object.values(gauges)) {
      assert.deepEqual(reading, { kind: 'Unknown', reason: 'NotReported' });
    }
  });

  it('of throttling are zero when nothing wanted to run', () => {
    const idle = { ...second, ...(first.cpu && { cpu: first.cpu }) };

    assert.equal(valueOf('cpu.throttled', gaugesOf(first, idle, limits, host)), 0);
  });

  it('of memory leave the cache in only when it is not smaller than the whole', () => {
    const torn = {
      ...second,
      memory: { usageBytes: MIB, inactiveFileBytes: 2 * MIB, activeFileBytes: MIB },
    };

    const gauges = gaugesOf(first, torn, limits, host);

    assert.equal(valueOf('memory.workingSet', gauges), MIB);
    assert.equal(valueOf('memory.utilization', gauges), 0);
  });

  it('are never negative nor unreal, whatever the counters', () => {
    const count = fc.nat();
    const sample = fc.record({
      atMs: fc.nat(1_000),
      startedAtMs: fc.constantFrom(1, 2),
      cpu: fc.record({
        totalNs: count,
        onlineCpus: fc.integer({ min: 1, max: 8 }),
        systemNs: count,
        periods: count,
        throttledPeriods: count,
      }),
      memory: fc.record({ usageBytes: count, inactiveFileBytes: count, activeFileBytes: count }),
      network: fc.record({ rxBytes: count, txBytes: count }),
    });
    const sound = fc.property(sample, sample, (previous, current) => {
      const readings = Object.values(gaugesOf(previous, current, limits, host));
      return readings.every(
        (reading) =>
          reading.kind !== 'Value' || (Number.isFinite(reading.value) && reading.value >= 0),
      );
    });

    fc.assert(sound, runs());
  });
});
