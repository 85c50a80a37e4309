import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LABEL } from '#core/workload/container.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });
const WEB_ALONE = { selector: { names: ['web'] } };
const KEY = 'box/web';

function compose(service: string, more: Record<string, string> = {}) {
  return {
    [LABEL.composeProject]: 'shop',
    [LABEL.composeService]: service,
    [LABEL.composeNumber]: '1',
    ...more,
  };
}

describe('guards on the target', () => {
  it('protect what would only be touched along with it', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(sick());
    const self = aContainer('sentinel', { shares: [{ kind: 'network', owner: 'web' }] });
    scenario.put(self);
    scenario.over = { protected: new Map([[self.id, 'Sentinel itself']]) };

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { restart: ['SelfProtection'] });
  });

  it('take an unhealthy dependency for a deeper cause, also where no policy governs it', () => {
    const scenario = new Scenario(aPolicy(WEB_ALONE));
    scenario.put(aContainer('db', { health: health('unhealthy') }));
    scenario.put(sick({ shares: [{ kind: 'network', owner: 'db' }] }));
    const failing = scenario.reconcile(KEY).effects;
    const refused = scenario.blockedBy(KEY);

    scenario.put(aContainer('db', { health: health('healthy') }));
    const well = scenario.reconcile(KEY).effects;

    assert.deepEqual(failing, []);
    assert.deepEqual(refused, { restart: ['DependencyFailing'] });
    assert.equal(well.length, 1);
  });

  for (const [exitCode, expected] of [
    [0, []],
    [1, ['DependencyFailing']],
  ] as const) {
    it(`judge by its exit code ${exitCode} whether a one-off dependency has completed`, () => {
      const scenario = new Scenario(aPolicy({ selector: { services: ['web'] } }));
      const dependsOn = 'migrate:service_completed_successfully:false';
      const labels = compose('web', { [LABEL.composeDependsOn]: dependsOn });
      const key = scenario.put(sick({ labels }));
      scenario.put(
        aContainer('migrate', { state: 'exited', exitCode, labels: compose('migrate') }),
      );

      scenario.reconcile(key);

      assert.deepEqual(scenario.blockedBy(key), { restart: expected });
    });
  }

  for (const tool of ['stop_container', 'kill_container', 'recreate_container']) {
    it(`refuse ${tool} where --rm would lose the container`, () => {
      const allowed = [{ name: 'act', tool: `docker/${tool}` }];
      const scenario = new Scenario(aPolicy({ remediation: { mode: 'Auto', allowed } }));
      scenario.put(sick({ autoRemove: true }));

      scenario.reconcile(KEY);

      assert.deepEqual(scenario.blockedBy(KEY), { act: ['Unsupported'] });
    });
  }
});
