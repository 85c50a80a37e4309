import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LABEL } from '#core/workload/container.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });

function inProject(project: string, service = 'web') {
  const labels = {
    [LABEL.composeProject]: project,
    [LABEL.composeService]: service,
    [LABEL.composeNumber]: '1',
  };
  return aContainer(`${project}-${service}-1`, { labels, health: health('unhealthy') });
}

function withSick(more = {}): Scenario {
  const scenario = new Scenario(aPolicy());
  scenario.put(sick(more));
  return scenario;
}

describe('guards that keep out of people’s way', () => {
  for (const [scope, name] of [
    ['all', ''],
    ['policy', 'web'],
    ['workload', KEY],
  ] as const) {
    it(`heed a pause of ${scope}, and no longer than it lasts`, () => {
      const scenario = withSick();
      const data = { scope, name, reason: 'lunch', forMs: 60_000 };
      scenario.append({ type: 'pause.set', data });

      const during = scenario.reconcile(KEY);
      const refused = scenario.blockedBy(KEY);
      scenario.pass(60_000);
      const after = scenario.reconcile(KEY);

      assert.deepEqual(during.effects, []);
      assert.deepEqual(refused, { restart: ['SentinelPaused'] });
      assert.equal(after.effects.length, 1);
    });
  }

  for (const value of ['true', '1', 'yes', '', 'maybe']) {
    it(`take the pause label ${JSON.stringify(value)} for a pause`, () => {
      const scenario = withSick({ labels: { [LABEL.pause]: value } });

      scenario.reconcile(KEY);

      assert.deepEqual(scenario.blockedBy(KEY), { restart: ['WorkloadPaused'] });
    });
  }

  for (const value of ['false', '0', 'No', ' off ']) {
    it(`take the pause label ${JSON.stringify(value)} for none`, () => {
      assert.equal(withSick({ labels: { [LABEL.pause]: value } }).reconcile(KEY).effects.length, 1);
    });
  }

  it('let go of what a person had paused when it runs again, though no event told of it', () => {
    const scenario = withSick();
    scenario.observe(KEY, 'pause', { cause: 'Human' });
    scenario.put(sick({ state: 'paused' }));
    const paused = scenario.reconcile(KEY).effects;

    scenario.put(sick());
    const running = scenario.reconcile(KEY).effects;

    assert.deepEqual(paused, []);
    assert.equal(running.length, 1);
  });

  it('know a start that failed by what Docker says of it', () => {
    const down = [{ name: 'down', signal: 'state', equals: 'exited', severity: 'critical' }];
    const found = (error: string) => {
      const scenario = new Scenario(aPolicy({ thresholds: down }));
      scenario.put(aContainer('web', { state: 'exited', exitCode: 128, error }));
      scenario.reconcile(KEY);
      return scenario.blockedBy(KEY);
    };

    assert.deepEqual(found('port is already allocated'), { restart: [] });
    assert.deepEqual(found(''), { restart: ['IntentUnknown'] });
  });

  for (const [what, project, service, expected] of [
    ['see a deployment of another service of the project', 'shop', 'db', ['DeploymentInProgress']],
    ['see none of a project whose name begins alike', 'shop2', 'web', []],
  ] as const) {
    it(what, () => {
      const scenario = new Scenario(aPolicy());
      const key = scenario.put(inProject('shop'));
      const other = scenario.put(inProject(project, service));
      scenario.observe(other, 'create', { cause: 'Human' });

      scenario.reconcile(key);

      assert.deepEqual(scenario.blockedBy(key), { restart: expected });
    });
  }
});
