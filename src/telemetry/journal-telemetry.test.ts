import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../test/support/scenario.ts';
import { journalTelemetry } from './journal-telemetry.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { policyTelemetry } from './policy-telemetry.ts';

it('counts an opened incident under its policy', async () => {
  const crash = { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' };
  const scenario = new Scenario(aPolicy({ thresholds: [crash] }, 'shop'));
  const key = scenario.put(aContainer('web', { state: 'exited', exitCode: 1 }));
  scenario.observe(key, 'die', { exitCode: 1 });
  scenario.reconcile(key);
  const metrics = createMetrics();

  journalTelemetry(metrics, createLogger('silent'), () => scenario.state)(scenario.records);

  const { values } = await metrics.incidentsTotal.get();
  assert.deepEqual(
    values.map(({ labels, value }) => ({ ...labels, value })),
    [{ policy: 'shop', threshold: 'crash', severity: 'critical', value: 1 }],
  );
});

it('counts an escalation by its reason, from zero on', async () => {
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Auto' } }, 'shop'));
  const metrics = createMetrics();
  const follow = journalTelemetry(metrics, createLogger('silent'), () => scenario.state);
  const counted = async () => {
    const { values } = await metrics.escalations.get();
    return values
      .filter(({ labels }) => ['NoAction', 'LimitReached'].includes(String(labels['reason'])))
      .map(({ labels, value }) => [labels['policy'], labels['reason'], value])
      .sort(([, a], [, b]) => (String(a) < String(b) ? -1 : 1));
  };
  policyTelemetry(
    metrics,
    createLogger('silent'),
  )({ policies: scenario.policies, problems: [], warnings: [], loadedOk: true, isKnown: true });
  follow(scenario.records);
  const before = await counted();
  const told = scenario.records.length;
  const key = scenario.put(
    aContainer('web', {
      health: health('unhealthy', { endedAtMs: scenario.wallMs - 100 }),
      startedAtMs: scenario.wallMs - 60_000,
    }),
  );
  scenario.reconcile(key);

  follow(scenario.records.slice(told));

  assert.deepEqual(before, [
    ['shop', 'LimitReached', 0],
    ['shop', 'NoAction', 0],
  ]);
  assert.deepEqual(await counted(), [
    ['shop', 'LimitReached', 0],
    ['shop', 'NoAction', 1],
  ]);
});
