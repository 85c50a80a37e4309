import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogCounters } from '#core/workload/view.ts';
import { aContainer, aPolicy, health, Scenario, START_MS } from '../../../test/support/scenario.ts';

const USE = {
  stage: 'triage',
  outcome: 'Answered',
  requests: 1,
  promptTokens: 1,
  completionTokens: 1,
  promptDigest: '',
} as const;

/** A log in which the detector finds so many telling anomalies, and a model one more. */
function log(anomalies: number): LogCounters {
  return {
    coveredSinceMs: START_MS - 3_600_000,
    rate: () => 0,
    matches: () => 0,
    errors: () => 0,
    anomalies: () => anomalies,
    unusual: () => [],
    triaged: () => [{ atMs: START_MS, isTrouble: true, use: USE }],
  };
}

/** A policy that calls unusual lines critical, and a database of which only a model thinks ill. */
function suspected() {
  const novel = { name: 'novel', signal: 'log.anomaly', window: '5m', severity: 'critical' };
  const scenario = new Scenario(aPolicy({ thresholds: [novel] }));
  const key = scenario.put(aContainer('db'), { logs: log(0) });
  scenario.reconcile(key);
  return { scenario, key };
}

describe('what only a model takes for trouble', () => {
  it('is a warning, also where the policy calls it critical: it holds back nothing else', () => {
    const { scenario, key } = suspected();

    const incident = scenario.incident(key);

    assert.deepEqual(incident?.breached, ['novel']);
    assert.equal(incident.severity, 'warning');
  });

  it('is as grave as the policy says once it is seen without one, and stays so', () => {
    const { scenario, key } = suspected();

    scenario.pass(1_000);
    scenario.put(aContainer('db'), { logs: log(1) });
    scenario.reconcile(key);
    const seen = scenario.incident(key)?.severity;
    scenario.put(aContainer('db'), { logs: log(0) });
    scenario.reconcile(key);

    assert.equal(seen, 'critical');
    assert.equal(scenario.incident(key)?.severity, 'critical');
  });

  it('makes no storm, however much of it there is', () => {
    const thresholds = [
      { name: 'novel', signal: 'log.anomaly', window: '5m', severity: 'critical' },
      { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
    ];
    const remediation = {
      mode: 'Auto',
      allowed: [{ name: 'restart', tool: 'docker/restart_container', on: ['unhealthy'] }],
      storm: { above: 1 },
    };
    const scenario = new Scenario(aPolicy({ thresholds, remediation }));
    for (const name of ['a', 'b', 'c']) {
      scenario.reconcile(scenario.put(aContainer(name), { logs: log(0) }));
    }

    const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
    const { effects } = scenario.reconcile(key);

    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Execute'],
    );
  });
});
