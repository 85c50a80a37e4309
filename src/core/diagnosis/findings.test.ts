import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GaugeHistory } from '#core/detection/gauge-history.ts';
import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import type { GaugeName } from '#core/policy/signals.ts';
import { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import type { LogCounters, WorkloadView } from '#core/workload/view.ts';
import { aContainer, Scenario } from '../../../test/support/scenario.ts';
import { forecasts, unusualGauges, unusualLines } from './findings.ts';

const STEP_MS = 10_000;

function aView(more: Partial<WorkloadView>): WorkloadView {
  const scenario = new Scenario();
  return scenario.views.get(scenario.put(aContainer('web'), more)) ?? assert.fail();
}

function anomaly(more: Partial<LogAnomaly>): LogAnomaly {
  return { kind: 'new', template: 'a b', count: 1, expected: 0, isGrave: false, ...more };
}

function logs(...unusual: readonly LogAnomaly[]): Partial<WorkloadView> {
  const zero = () => 0;
  const counters: LogCounters = {
    coveredSinceMs: 0,
    rate: zero,
    matches: zero,
    errors: zero,
    anomalies: zero,
    unusual: (sinceMs) => (sinceMs === -600_000 ? unusual : []),
  };
  return { logs: counters };
}

/** Values ten seconds apart, the newest at 0. */
function sampled(gauge: GaugeName, values: readonly number[]): Partial<WorkloadView> {
  const samples = new GaugeHistory();
  for (const [at, value] of values.entries()) {
    samples.push({ [gauge]: { kind: 'Value', value, atMs: (at - values.length + 1) * STEP_MS } });
  }
  return { samples };
}

/** What wavers a little, as everything does. */
function about(level: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => level * (1 + ((at * 7) % 5) / 100));
}

describe('unusual lines', () => {
  it('are told in words, with an example', () => {
    const view = aView(
      logs(
        anomaly({
          template: 'no route to <*>',
          count: 12,
          example: 'no route to db',
          isGrave: true,
        }),
        anomaly({
          kind: 'surge',
          template: 'GET <*>',
          count: 512,
          expected: 98.4,
          example: 'GET /',
        }),
        anomaly({ kind: 'silence', template: 'tick', count: 0, expected: 60 }),
      ),
    );

    const found = unusualLines(view, 0).map(({ value, note }) => [value, note]);

    assert.deepEqual(found, [
      ['12 lines of a new kind like: no route to <*>', 'first: no route to db'],
      ['512 lines where 98 are usual like: GET <*>', 'first: GET /'],
      ['0 lines where 60 are usual like: tick', undefined],
    ]);
  });

  it('are no more than three, each form once', () => {
    const templates = ['a', 'a', 'b', 'c', 'd'];

    const found = unusualLines(
      aView(logs(...templates.map((template) => anomaly({ template })))),
      0,
    );

    assert.deepEqual(
      found.map(({ value }) => value),
      ['a', 'b', 'c'].map((template) => `1 line of a new kind like: ${template}`),
    );
  });

  it('have no secret in them, no escape sequence, and no end', () => {
    const example = `\u001b[31mlogin password=hunter2 for ${'very '.repeat(200)}long`;
    const view = aView(logs(anomaly({ template: 'login password=hunter2', example })));

    const [found] = unusualLines(view, 0);

    const text = JSON.stringify(found);
    assert.doesNotMatch(text, /hunter2|\\u001b/);
    assert.match(text, /password=\[redacted:password#1\]/);
    assert.ok(text.length < 800, String(text.length));
  });

  it('keep the values of the container’s own variables to themselves', () => {
    const container = aContainer('web', {
      secrets: new ContainerSecrets(['SESSION_KEY=plain words of mine']),
    });
    const text = 'got plain words of mine';
    const view = { ...aView(logs(anomaly({ template: text, example: text }))), container };

    assert.doesNotMatch(JSON.stringify(unusualLines(view, 0)), /plain words/);
  });

  it('that may be of a private key are not shown', () => {
    const line = 'jXUSmFuVy+tuQFS0a/y5+n36BwMb33WNKF6jXFTU/XMkyNBfJaCPuuXlJKgZJ6iJ';

    const found = unusualLines(aView(logs(anomaly({ template: line, example: line }))), 0);

    assert.deepEqual(found, [
      { signal: 'log.unusual', value: '1 line of a new kind that may be a part of a key' },
    ]);
  });
});

describe('a forecast', () => {
  const growing = Array.from({ length: 40 }, (_, at) => 0.2 + at * 0.01);

  it('says when memory reaches its limit', () => {
    const [found] = forecasts(aView(sampled('memory.utilization', growing)));

    assert.match(found?.value ?? '', /^memory reaches its limit in 7 min \(7 min to 7 min\)$/);
  });

  it('says nothing of what does not grow, nor of a container that is down', () => {
    const still = aView(sampled('memory.utilization', about(0.4, 40)));
    const down = aView({
      ...sampled('memory.utilization', growing),
      container: aContainer('web', { state: 'exited' }),
    });

    assert.deepEqual([...forecasts(still), ...forecasts(down)], []);
  });
});

describe('unusual gauges', () => {
  it('tell since when a level is another', () => {
    const values = [...about(0.2, 30), ...about(0.7, 20)];

    const found = unusualGauges(aView(sampled('cpu.utilization', values)), 0);

    assert.deepEqual(found, [
      {
        signal: 'gauge.level',
        value: 'cpu.utilization is at 71.4 % for 3m10s, at 20.4 % before',
      },
    ]);
  });

  it('tell what lies far off just now', () => {
    const found = unusualGauges(aView(sampled('pids.utilization', [...about(0.1, 30), 0.9])), 0);

    assert.deepEqual(found, [
      { signal: 'gauge.outlier', value: 'pids.utilization is 90 %, usually 10.2 %' },
    ]);
  });

  it('say nothing of a change that nobody would call one', () => {
    const little = [...about(0.2, 30), ...about(0.25, 12)];
    const bytes = [...about(100, 30), ...about(140, 12)];

    const found = [
      ...unusualGauges(aView(sampled('cpu.utilization', little)), 0),
      ...unusualGauges(aView(sampled('network.rx', bytes)), 0),
    ];

    assert.deepEqual(found, []);
  });
});
