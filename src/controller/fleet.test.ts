import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer } from '../../test/support/scenario.ts';
import { Fleet } from './fleet.ts';

const TIMES = { nowMs: 0, daemonMs: 0 };

it('a name that another container has taken stays its own when the first is seen renamed', () => {
  const fleet = new Fleet('box');
  const first = aContainer('web', { id: 'a'.repeat(64) });
  fleet.put(first, TIMES);
  fleet.put(aContainer('web', { id: 'b'.repeat(64) }), TIMES);

  fleet.put({ ...first, name: 'web-old' }, TIMES);

  assert.equal(fleet.workloadOf('web'), 'box/web');
  fleet.drop(first.id);
  assert.equal(fleet.workloadOf('web'), 'box/web');
});
