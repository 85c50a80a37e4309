import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, Scenario } from '../../test/support/scenario.ts';
import { journalTelemetry } from './journal-telemetry.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';

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
