import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { LAST_GOOD_FILE } from '#adapters/files/last-good-policies.ts';
import { isOpen } from '#core/incident/incident.ts';
import { TestStack } from '../support/engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, breakHealth, untilHealth } from '../support/workloads.ts';

/** How long an operator that closed an incident would need for it, several times over. */
const LOOK_MS = 3_000;

it('a start with a broken policy file closes no incident, with and without a kept set', async () => {
  await using stack = await TestStack.open();
  const web = await aService(stack, 'web');
  await untilHealth(web, 'healthy');
  const policy = aQuickPolicy(stack, { remediation: { mode: 'Approve' } });
  await using operator = await SentinelProcess.start({ policies: [policy] });
  const name = `${stack.prefix}-web`;
  await breakHealth(web);
  await operator.untilIncident(name, isOpen);

  await operator.stop();
  await writeFile(join(operator.policies, 'broken.yaml'), 'kind: [');
  await operator.start();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const kept = await operator.incidentsOf(name);
  const loaded = await operator.recordsOf('policy.loaded');
  await operator.stop();
  await rm(join(operator.data, LAST_GOOD_FILE));
  await operator.start('serving');
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const unknown = await operator.incidentsOf(name);
  const ready = await operator.get('/readyz');

  assert.deepEqual([kept.map(isOpen), unknown.map(isOpen)], [[true], [true]]);
  assert.equal(loaded.at(-1)?.data.policies.length, 1);
  assert.equal(ready.status, 503);
});
