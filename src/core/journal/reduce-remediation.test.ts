import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

describe('an action of which nobody knows what became', () => {
  it('leaves nobody who is known to have stopped the container that it left down', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(KEY);
    const intent = scenario.incident(KEY)?.attempts[0]?.intent ?? '';
    scenario.observe(KEY, 'kill', { cause: 'Sentinel', intent });
    scenario.observe(KEY, 'die', { cause: 'Sentinel', intent, exitCode: 0 });
    scenario.complete(KEY, { outcome: 'OutcomeUnknown', message: 'no answer' });
    scenario.put(aContainer('web', { health: health('unhealthy'), state: 'exited' }));
    scenario.pass(600_000);

    const { effects } = scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.attempts[0]?.verification, 'Failed');
    assert.deepEqual(effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { restart: ['IntentUnknown'] });
  });
});
