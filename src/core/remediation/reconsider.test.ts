import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { reconsider } from './reconsider.ts';

const KEY = 'box/web';

/** An intent was recorded for a container that is unhealthy; what it serves is looked at again. */
function intended(spec: object = {}) {
  const scenario = new Scenario(aPolicy(spec));
  scenario.over = { maxActions: { max: 1, perMs: 60_000 } };
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  assert.equal(scenario.reconcile(KEY).effects.length, 1);
  const { name: incident, attempts } = scenario.incident(KEY) ?? assert.fail('no incident');
  const [attempt] = attempts;
  assert.ok(attempt);
  const again = () => reconsider(scenario.world(), KEY, { incident, attempt, memory: undefined });
  return { scenario, again };
}

describe('reconsidering an intent', () => {
  it('finds that it does not stand in its own way, though it is the one that the host permits', () => {
    const { again } = intended();

    assert.deepEqual(again()?.blockedBy, []);
  });

  it('finds nothing when another threshold asks for the same by now', () => {
    const { scenario, again } = intended({
      thresholds: [
        { name: 'unhealthy', signal: 'health', severity: 'critical' },
        { name: 'slow', signal: 'health', equals: 'starting', severity: 'critical' },
      ],
    });
    const before = again();

    scenario.put(aContainer('web', { health: health('starting') }));

    assert.equal(before?.candidate.trigger, 'unhealthy');
    assert.equal(again(), undefined);
  });
});
