import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GaugeHistory } from './gauge-history.ts';

const STEP_MS = 10_000;

/** So many samples of a memory that grows by a hundredth of its limit with each. */
function aHistory(count: number): GaugeHistory {
  const history = new GaugeHistory();
  for (let at = 1; at <= count; at += 1) {
    history.push({ 'memory.utilization': { kind: 'Value', value: at / 100, atMs: at * STEP_MS } });
  }
  return history;
}

describe('the history of gauges', () => {
  it('keeps what was measured, and a gap where nothing was', () => {
    const history = aHistory(2);

    history.push({
      'memory.utilization': { kind: 'Unknown', reason: 'Stale' },
      'pids.utilization': { kind: 'Unsupported', reason: 'NoLimit' },
    });

    assert.deepEqual(history.names(), ['memory.utilization']);
    assert.deepEqual(
      history.of('memory.utilization').map(({ value }) => value),
      [0.01, 0.02],
    );
    assert.deepEqual(history.of('pids.utilization'), []);
  });

  for (const count of [25, 39, 90]) {
    it(`tells from ${count} samples when the limit is reached`, () => {
      const forecast = aHistory(count).forecast('memory.trend');

      const inMs = forecast.kind === 'Exhausting' ? forecast.inMs : assert.fail(forecast.kind);
      assert.ok(Math.abs(inMs - (100 - count) * STEP_MS) < 1, String(inMs));
    });
  }

  it('keeps twenty minutes, and tells anew with each sample', () => {
    const history = aHistory(9);

    const before = history.forecast('memory.trend');
    for (let at = 10; at <= 300; at += 1) {
      history.push({
        'memory.utilization': { kind: 'Value', value: at / 300, atMs: at * STEP_MS },
      });
    }

    assert.deepEqual(before, { kind: 'None', reason: 'TooFewSamples' });
    assert.equal(history.of('memory.utilization').length, 120);
    assert.deepEqual(history.forecast('memory.trend'), { kind: 'Reached' });
    assert.equal(history.forecast('pids.trend').kind, 'None');
  });
});
