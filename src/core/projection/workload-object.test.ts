import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { WorkloadObject } from './schema.ts';
import { workloadObject } from './workload-object.ts';

function objectOf(scenario: Scenario, key: string): WorkloadObject {
  const view = scenario.views.get(key) ?? assert.fail('no view');
  return workloadObject(view, scenario.world());
}

describe('workloadObject', () => {
  it('fits its own schema and names the policy with its effective mode', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(aContainer('web', { health: health('healthy') }));
    scenario.over = { shadowAll: true };

    const object = objectOf(scenario, key);

    assert.deepEqual(WorkloadObject.parse(object), object);
    const { governance, policy, mode, state } = object.status;
    assert.deepEqual([governance, policy, mode, state], ['Governed', 'web', 'Shadow', 'running']);
    assert.equal(object.status.health, 'healthy');
  });

  it('holds no label, command or variable, and redacts what Docker says', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(
      aContainer('web', {
        labels: { 'traefik.auth': 'admin:hunter2' },
        command: ['serve', '--token', 'hunter2'],
        envNames: ['HUNTER2_NAME'],
        error: 'exec failed: DB_PASSWORD=hunter2',
      }),
    );

    const json = JSON.stringify(objectOf(scenario, key));

    assert.doesNotMatch(json, /hunter2/i);
    assert.match(json, /DB_PASSWORD=\[redacted:password#1\]/);
  });

  it('says who keeps Sentinel away', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(
      aContainer('web', { state: 'exited', labels: { 'sre-sentinel.pause': 'true' } }),
    );
    scenario.observe(key, 'stop', { cause: 'Human' });

    const { conditions, exitCode } = objectOf(scenario, key).status;

    assert.deepEqual(
      conditions.map(({ type, reason }) => `${type} ${reason}`),
      ['Paused Label', 'HumanAction Stopped'],
    );
    assert.equal(exitCode, 0);
  });

  it('tells a conflict with the policies that tie', () => {
    const scenario = new Scenario(aPolicy({}, 'one'), aPolicy({}, 'two'));
    const key = scenario.put(aContainer('web'));

    const { governance, policies } = objectOf(scenario, key).status;

    assert.deepEqual([governance, policies], ['PolicyConflict', ['one', 'two']]);
  });

  it('gives an unknown gauge with its reason and never as zero', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(aContainer('web'), {
      gauges: {
        'cpu.utilization': { kind: 'Value', value: 0.25, atMs: 0 },
        'memory.utilization': { kind: 'Unsupported', reason: 'NoLimit' },
      },
    });

    const { gauges } = objectOf(scenario, key).status;

    assert.deepEqual(gauges, {
      'cpu.utilization': { value: 0.25 },
      'memory.utilization': { value: null, reason: 'NoLimit' },
    });
  });

  it('says what the detectors find, redacted', () => {
    const scenario = new Scenario(aPolicy());
    const anomaly = { template: 'panic: password=hunter2', count: 2, expected: 0, isGrave: true };
    const key = scenario.put(aContainer('web'), {
      samples: {
        names: () => [],
        of: () => [],
        forecast: (trend) =>
          trend === 'memory.trend'
            ? {
                kind: 'Exhausting',
                inMs: 720_000,
                earliestMs: 540_000,
                latestMs: 1_020_000,
                slope: 1,
              }
            : { kind: 'None', reason: 'NoTrend' },
      },
      logs: {
        coveredSinceMs: 0,
        rate: () => 0,
        matches: () => 0,
        errors: () => 0,
        anomalies: () => 1,
        unusual: () => [{ kind: 'new', ...anomaly }],
      },
    });

    const { findings } = objectOf(scenario, key).status;

    assert.deepEqual(findings, [
      'memory reaches its limit in 12 min (9 min to 17 min)',
      '2 lines of a new kind like: panic: password=[redacted:password#1]',
    ]);
  });
});
