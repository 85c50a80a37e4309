import assert from 'node:assert/strict';
import { it } from 'node:test';
import { conflictTelemetry } from './conflict-telemetry.ts';
import type { Logger } from './logger.ts';

it('warns of a conflict when it begins or changes, and tells its end', () => {
  const told: unknown[] = [];
  const tell = (level: string) => (fields: object) => told.push([level, ...Object.values(fields)]);
  const log = { warn: tell('warn'), info: tell('info') } as unknown as Logger;
  const follow = conflictTelemetry(log);
  const tie = (...policies: string[]) => [{ workload: 'box/web', policies }];

  for (const conflicts of [[], tie('a', 'b'), tie('a', 'b'), tie('a', 'c'), []]) follow(conflicts);

  assert.deepEqual(told, [
    ['warn', 'box/web', 'a, b'],
    ['warn', 'box/web', 'a, c'],
    ['info', 'box/web'],
  ]);
});
