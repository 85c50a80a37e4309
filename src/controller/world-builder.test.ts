import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { LABEL } from '#core/workload/container.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aContainer, aPolicy, compile, HOST, Scenario } from '../../test/support/scenario.ts';
import { missingOf } from './world-builder.ts';

describe('which policy governs', () => {
  it('is asked anew as soon as there are other policies', async () => {
    const operator = await MemoryOperator.open([aPolicy({}, 'first')]);
    await operator.engine.add({ name: 'web' });
    await operator.pass(1_000);
    const nameOf = () => {
      const governing = operator.controller.worlds().build().governing('box/web');
      return governing.kind === 'governed' ? governing.policy.name : governing.kind;
    };
    const before = nameOf();

    operator.policies.set([aPolicy({}, 'second')]);

    assert.deepEqual([before, nameOf()], ['first', 'second']);
    await operator.stop();
  });

  it('is the one of the highest priority also for what does not exist', async () => {
    const expected = [{ name: 'web' }];
    const operator = await MemoryOperator.open([
      aPolicy({ expected, priority: 1 }, 'low'),
      aPolicy({ expected, priority: 2 }, 'high'),
    ]);

    const governing = operator.controller.worlds().governing('box/web');

    assert.equal(governing.kind === 'governed' && governing.policy.name, 'high');
    await operator.stop();
  });
});

it('the first event of a container is kept though its policy selects by an image not yet known', async () => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const operator = await MemoryOperator.open([aPolicy({ selector: { images: ['shop/web'] } })], {
    clock,
    engine,
  });
  await engine.add({ name: 'web', image: 'shop/web:1' });
  await operator.pass(1_000);

  const events = operator.records
    .filter(({ type }) => type === 'workload.observed')
    .map(({ data }) => ('event' in data ? data.event : ''));

  assert.equal(events[0], 'create');
  await operator.stop();
});

it('of an expected service the replicas are missing whose numbers are not there', () => {
  const scenario = new Scenario();
  for (const number of ['1', '3']) {
    const labels = {
      [LABEL.composeProject]: 'shop',
      [LABEL.composeService]: 'web',
      [LABEL.composeNumber]: number,
    };
    scenario.put(aContainer(`shop-web-${number}`, { labels }));
  }
  const policies = compile(aPolicy({ expected: [{ project: 'shop', service: 'web', count: 4 }] }));

  const missing = missingOf(HOST, policies, scenario.views.values());

  assert.deepEqual(
    missing.map(({ name, number }) => [name, number]),
    [
      ['shop-web-2', 2],
      ['shop-web-4', 4],
    ],
  );
});
