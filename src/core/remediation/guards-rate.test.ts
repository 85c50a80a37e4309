import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, compile, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const sick = (name = 'web', more = {}) =>
  aContainer(name, { health: health('unhealthy'), ...more });
const remediation = (more: object) => ({
  remediation: {
    mode: 'Auto',
    allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
    ...more,
  },
});

describe('guards on how often and how many at once', () => {
  it('let no two actions touch one dependent at the same time', () => {
    const scenario = new Scenario(aPolicy(remediation({ budget: { maxConcurrent: 9 } })));
    const first = scenario.put(sick('first'));
    const second = scenario.put(sick('second'));
    const shares = [
      { kind: 'network', owner: 'first' },
      { kind: 'ipc', owner: 'second' },
    ] as const;
    scenario.put(aContainer('client', { shares }));
    assert.equal(scenario.reconcile(first).effects.length, 1);

    const { effects } = scenario.reconcile(second);

    assert.deepEqual(effects, []);
    assert.ok(scenario.blockedBy(second)['restart']?.includes('ActionInFlight'));
  });

  it('count what a policy decided in Shadow for that policy alone', () => {
    const shadow = remediation({ mode: 'Shadow' });
    const scenario = new Scenario(aPolicy(shadow));
    scenario.put(sick());
    scenario.reconcile(KEY);

    scenario.policies = compile(aPolicy(shadow, 'other'));
    scenario.reconcile(KEY);

    const decided = scenario.records.filter(({ type }) => type === 'shadow.decided');
    assert.deepEqual(
      decided.map(({ policy }) => policy?.name),
      ['web', 'other'],
    );
  });

  it('ask of minHealthy only how the others are', () => {
    const scenario = new Scenario(aPolicy(remediation({ budget: { minHealthy: '100%' } })));
    scenario.put(sick());
    scenario.put(aContainer('other', { health: health('healthy') }));

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('count what is under way for the policy that did it', () => {
    const scenario = new Scenario(
      aPolicy({ selector: { names: ['web'] } }),
      aPolicy({ selector: { names: ['other'] } }, 'other'),
    );
    scenario.put(sick());
    const other = scenario.put(sick('other'));

    assert.equal(scenario.reconcile(other).effects.length, 1);
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('rest after attempts of an earlier incident as after a first one', () => {
    const scenario = new Scenario(aPolicy(remediation({ backoff: { initial: '1m', factor: 4 } })));
    scenario.put(sick());
    const agoMs = [50, 30, 2].map((minutes) => minutes * 60_000);
    scenario.state.ledger[KEY] = agoMs.map((ms, index) => ({
      intent: `old-${index}`,
      action: 'another',
      policy: 'web',
      incident: 'inc-old',
      atMs: scenario.nowMs - ms,
    }));

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });
});
