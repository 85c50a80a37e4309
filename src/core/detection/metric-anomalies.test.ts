import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { changePoint } from './change-point.ts';
import { exhaustionText, forecastExhaustion } from './exhaustion.ts';
import { median, robustScore } from './robust.ts';
import { type Sample, SampleRing } from './sample-ring.ts';

const STEP_MS = 10_000;
/** Noise from -0.5 to 0.5, the same in every run: a number mixed until it looks like chance. */
function noise(at: number): number {
  let mixed = Math.imul(at + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 - 0.5;
}

/** Noise of which each value is much like the one before, differing from run to run. */
function drift(run: number, count: number): number[] {
  let level = 0;
  return Array.from({ length: count }, (_, at) => {
    level = 0.6 * level + noise(run * 1_000 + at);
    return level;
  });
}

function samplesOf(count: number, value: (at: number) => number): Sample[] {
  return Array.from({ length: count }, (_, at) => ({ atMs: at * STEP_MS, value: value(at) }));
}

describe('the ring of samples', () => {
  it('keeps the newest, oldest first', () => {
    const ring = new SampleRing(3);

    for (let at = 1; at <= 5; at += 1) ring.push({ atMs: at, value: at * 10 });

    assert.deepEqual(
      ring.samples().map(({ value }) => value),
      [30, 40, 50],
    );
  });

  it('leaves out what is not later, and what is no number', () => {
    const ring = new SampleRing(3);

    for (const sample of [
      { atMs: 5, value: 1 },
      { atMs: 5, value: 2 },
      { atMs: 4, value: 3 },
      { atMs: 6, value: Number.NaN },
    ]) {
      ring.push(sample);
    }

    assert.deepEqual(ring.samples(), [{ atMs: 5, value: 1 }]);
  });

  it('begins anew when it was cleared', () => {
    const ring = new SampleRing(2);
    for (let at = 1; at <= 3; at += 1) ring.push({ atMs: at, value: at });

    ring.clear();
    ring.push({ atMs: 1, value: 7 });

    assert.deepEqual(ring.samples(), [{ atMs: 1, value: 7 }]);
  });
});

describe('the robust score', () => {
  it('counts in spreads from the median, whatever a few outliers do', () => {
    const usual = [10, 11, 9, 10, 12, 8, 10, 11, 9];

    const plain = robustScore(usual, 20, 0);
    const withOutliers = robustScore([...usual, 1e9, -1e9], 20, 0);

    assert.deepEqual(plain, { median: 10, spread: 1.4826, z: 10 / 1.4826 });
    assert.deepEqual(withOutliers, plain);
  });

  it('takes the smallest spread for a metric that never moved, and says nothing without one', () => {
    const still = Array.from({ length: 10 }, () => 5);

    assert.equal(robustScore(still, 7, 0.5)?.z, 4);
    assert.equal(robustScore(still, 7, 0), undefined);
  });

  it('says nothing of too few values or of what is no number', () => {
    assert.equal(robustScore([1, 2, 3], 4, 1), undefined);
    assert.equal(
      robustScore(
        Array.from({ length: 10 }, () => 1),
        Number.NaN,
        1,
      ),
      undefined,
    );
  });

  it('has half of the values on each side of the median', () => {
    const splits = fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      return below <= values.length / 2 && above <= values.length / 2;
    });

    fc.assert(splits);
  });
});

describe('the change point', () => {
  it('is where the level moved', () => {
    const change = changePoint(samplesOf(40, (at) => (at < 25 ? 10 : 14) + noise(at)));

    assert.equal(change?.atMs, 25 * STEP_MS);
    assert.ok(change.pValue < 0.001);
    assert.ok(Math.abs(change.before - 10) < 0.3 && Math.abs(change.after - 14) < 0.3);
  });

  it('is not seen in noise, in a single spike or in what never moves', () => {
    for (const value of [noise, (at: number) => (at === 20 ? 1e6 : noise(at)), () => 5]) {
      assert.equal(changePoint(samplesOf(40, value)), undefined);
    }
  });

  for (const [name, valuesOf] of [
    [
      'independent values',
      (run: number) => Array.from({ length: 40 }, (_, at) => noise(run * 1_000 + at)),
    ],
    ['values that are like their neighbours', (run: number) => drift(run, 40)],
  ] as const) {
    it(`is rarely seen among ${name} where there is none`, () => {
      const alarms = Array.from({ length: 200 }, (_, run) => {
        const values = valuesOf(run);
        return changePoint(samplesOf(40, (at) => values[at] ?? 0));
      }).filter((change) => change !== undefined).length;

      assert.ok(alarms <= 6, `${alarms} of 200`);
    });
  }
});

describe('the forecast of exhaustion', () => {
  it('tells when a steady growth reaches the limit', () => {
    // 40 MiB of 100 after five minutes, 5 MiB a minute: twelve minutes are left.
    const samples = samplesOf(31, (at) => 15 + (at * 5) / 6);

    const forecast = forecastExhaustion(samples, 100);

    assert.equal(forecast.kind, 'Exhausting');
    assert.equal(
      exhaustionText('memory', forecast),
      'memory reaches its limit in 12 min (12 min to 12 min)',
    );
  });

  it('tells a range that widens with the noise and holds the truth', () => {
    const widths = [2, 10].map((height) => {
      const samples = samplesOf(60, (at) => 20 + at / 2 + height * noise(at));
      const forecast = forecastExhaustion(samples, 100);
      assert.ok(forecast.kind === 'Exhausting');
      const { earliestMs, latestMs = Infinity } = forecast;
      const truthMs = ((100 - 49.5) / 0.5) * STEP_MS;
      assert.ok(earliestMs <= truthMs && truthMs <= latestMs);
      return latestMs - earliestMs;
    });

    const [narrow = 0, wide = 0] = widths;
    assert.ok(narrow < wide);
  });

  it('holds the truth in its range as often as it says, also where samples are alike', () => {
    const runs = Array.from({ length: 100 }, (_, run) => {
      const values = drift(run, 40);
      return forecastExhaustion(
        samplesOf(40, (at) => 20 + at / 5 + (values[at] ?? 0)),
        40,
      );
    });

    const truthMs = ((40 - 27.8) / 0.2) * STEP_MS;
    const told = runs.filter((forecast) => forecast.kind === 'Exhausting');
    const holding = told.filter(
      ({ earliestMs, latestMs = Infinity }) => earliestMs <= truthMs && truthMs <= latestMs,
    );
    assert.ok(told.length >= 90, `told ${told.length} times`);
    assert.ok(holding.length >= 0.95 * told.length, `${holding.length} of ${told.length}`);
  });

  it('is not moved by outliers', () => {
    const samples = samplesOf(31, (at) => (at % 7 === 3 ? 99 : 15 + (at * 5) / 6));

    const forecast = forecastExhaustion(samples, 100);

    assert.ok(forecast.kind === 'Exhausting');
    assert.ok(Math.abs(forecast.inMs - 720_000) < 60_000, `${forecast.inMs}`);
  });

  for (const [name, samples, reason] of [
    ['too few samples', samplesOf(9, (at) => at), 'TooFewSamples'],
    ['noise without growth', samplesOf(60, (at) => 50 + 10 * noise(at)), 'NoTrend'],
    ['a level that falls', samplesOf(60, (at) => 90 - at), 'NoTrend'],
    ['what never moves', samplesOf(60, () => 90), 'NoTrend'],
    // A slow wave: neighbours are alike, so that a part of it looks like growth.
    ['a slow wave', samplesOf(60, (at) => 50 + 10 * Math.sin(at / 9)), 'NoTrend'],
    ['growth too slow to tell', samplesOf(60, (at) => 10 + at / 100), 'TooFar'],
  ] as const) {
    it(`is none for ${name}`, () => {
      assert.deepEqual(forecastExhaustion(samples, 100), { kind: 'None', reason });
    });
  }

  it('says that the limit is reached, and nothing where there is nothing to say', () => {
    const reached = forecastExhaustion(
      samplesOf(20, (at) => 90 + at),
      100,
    );

    assert.deepEqual(reached, { kind: 'Reached' });
    assert.equal(exhaustionText('memory', reached), 'memory has reached its limit');
    assert.equal(exhaustionText('memory', { kind: 'None', reason: 'NoTrend' }), undefined);
  });

  for (const [ms, words] of [
    [400, '1 s'],
    [200_000, '200 s'],
    [3_600_000, '60 min'],
    [4 * 3_600_000, '4 h'],
    [100 * 3_600_000, '4 days'],
  ] as const) {
    it(`says ${words} for ${ms} ms`, () => {
      const forecast = { kind: 'Exhausting', inMs: ms, earliestMs: ms, slope: 1 } as const;

      assert.equal(
        exhaustionText('disk', forecast),
        `disk reaches its limit in ${words} (not before ${words})`,
      );
    });
  }

  it('gives an interval around its estimate for any samples', () => {
    const anySamples = fc
      .array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 40 })
      .map((values) => values.map((value, at) => ({ atMs: at * STEP_MS, value })));
    const ordered = fc.property(
      anySamples,
      fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
      (samples, limit) => {
        const forecast = forecastExhaustion(samples, limit);
        if (forecast.kind !== 'Exhausting') return;
        const { inMs, earliestMs, latestMs = Infinity } = forecast;
        assert.ok(0 <= earliestMs && earliestMs <= inMs && inMs <= latestMs);
      },
    );

    fc.assert(ordered, { numRuns: 60 });
  });
});
