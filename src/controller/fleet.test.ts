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

it('a run is as old as it was when it was first seen, also after a step of the daemon’s clock', () => {
  const fleet = new Fleet('box');
  const web = aContainer('web', { startedAtMs: 1_000 });
  fleet.put(web, { nowMs: 50_000, daemonMs: 11_000 });

  fleet.put({ ...web }, { nowMs: 51_000, daemonMs: 3_611_000 });

  assert.equal(fleet.views().get('box/web')?.runningSinceMs, 40_000);
});

it('a workload that comes again knows no signals of the container that is gone', () => {
  const fleet = new Fleet('box');
  const first = aContainer('web', { id: 'a'.repeat(64) });
  fleet.put(first, TIMES);
  const gauges = { 'memory.utilization': { kind: 'Value', value: 0.99, atMs: 0 } } as const;
  fleet.setSignals('box/web', { gauges, probes: {}, disks: {} });
  const before = fleet.views().get('box/web')?.gauges;

  fleet.drop(first.id);
  fleet.put(aContainer('web', { id: 'b'.repeat(64) }), TIMES);

  assert.deepEqual(before, gauges);
  assert.deepEqual(fleet.views().get('box/web')?.gauges, {});
});

it('a container is known with the one that it replaced, also after that is gone', () => {
  const fleet = new Fleet('box');
  const first = aContainer('web', { id: 'a'.repeat(64), image: 'shop:1', createdAtMs: 1_000 });
  fleet.put(first, TIMES);
  const alone = fleet.views().get('box/web')?.before;
  fleet.drop(first.id);

  fleet.put(aContainer('web', { id: 'b'.repeat(64), image: 'shop:2', createdAtMs: 2_000 }), TIMES);
  fleet.put(aContainer('web', { id: 'b'.repeat(64), image: 'shop:2', createdAtMs: 2_000 }), TIMES);

  assert.equal(alone, undefined);
  assert.equal(fleet.views().get('box/web')?.before?.image, 'shop:1');
});

it('a container that is set aside, or older, replaces nothing', () => {
  const fleet = new Fleet('box');
  const web = aContainer('web', { id: 'a'.repeat(64), createdAtMs: 2_000 });
  fleet.put(web, TIMES);

  fleet.put(aContainer('web.sentinel-x-old', { id: 'b'.repeat(64), createdAtMs: 3_000 }), TIMES);

  assert.equal(fleet.views().get('box/web')?.before, undefined);
});
