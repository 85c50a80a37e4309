import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

/** `web` is sick, and `client`, which has a policy of its own, shares its network. */
function withClient(mode: string, action: object = {}): Scenario {
  const scenario = new Scenario(
    aPolicy({ selector: { names: ['web'] } }),
    aPolicy(
      {
        selector: { names: ['client'] },
        remediation: {
          mode,
          allowed: [{ name: 'restart', tool: 'docker/restart_container', ...action }],
        },
      },
      'client',
    ),
  );
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }] }));
  return scenario;
}

describe('a dependent with a policy of its own', () => {
  it('is touched where that policy permits the same', () => {
    const [effect] = withClient('Auto').reconcile(KEY).effects;

    assert.equal(effect?.kind, 'Execute');
  });

  for (const [what, mode, action] of [
    ['is in mode Off', 'Off', {}],
    ['is in mode Shadow', 'Shadow', {}],
    ['is in mode Approve', 'Approve', {}],
    ['asks for an approval', 'Auto', { approval: 'Required' }],
    ['permits another tool only', 'Auto', { tool: 'docker/stop_container' }],
  ] as const) {
    it(`is not touched where it ${what}`, () => {
      const scenario = withClient(mode, action);

      const { effects } = scenario.reconcile(KEY);

      assert.deepEqual(effects, []);
      assert.deepEqual(scenario.blockedBy(KEY), { restart: ['DependentNotPermitted'] });
    });
  }
});
