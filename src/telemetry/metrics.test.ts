import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { readOff } from './controller-telemetry.ts';
import { createMetrics } from './metrics.ts';

const NOT_A_METRIC = ['registry', 'onScrape'];

it('has no metric that nothing writes: what is documented is measured', async () => {
  const files = await Array.fromAsync(glob('src/**/*.ts', { exclude: ['**/*.test.ts'] }));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const source = texts.join('\n');
  // To begin a series at zero is not to measure anything.
  const written = (name: string) =>
    new RegExp(`metrics\\.${name}\\.(?:inc|set|observe)\\((?!.*, 0\\);)`).test(source);
  const names = Object.keys(createMetrics()).filter((name) => !NOT_A_METRIC.includes(name));

  assert.deepEqual(
    names.filter((name) => !written(name)),
    [],
  );
});

it('reads off how many workloads several policies tie for', async () => {
  const metrics = createMetrics();
  const conflicts = [{ workload: 'box/web', policies: ['a', 'b'] }];

  readOff(metrics, { workingMs: [], workloads: [], conflicts });

  const { values } = await metrics.policyConflicts.get();
  assert.deepEqual(
    values.map(({ value }) => value),
    [1],
  );
});
