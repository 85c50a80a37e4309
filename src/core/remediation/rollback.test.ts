import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { recoveryRefusal, rollbackRefusal } from './rollback.ts';

const KEY = 'box/web';
const MIB = 2 ** 20;
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });

describe('undoing', () => {
  const limits = (mode: string) =>
    aPolicy({
      remediation: {
        mode,
        allowed: [{ name: 'more', tool: 'docker/update_resources', arguments: { memory: '512m' } }],
        verify: { onFailure: 'Rollback' },
      },
    });

  function grown(): Scenario {
    const scenario = new Scenario(limits('Auto'));
    scenario.put(sick({ limits: { memoryBytes: 100 * MIB } }));
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    const result = { previous: { memory: 100 * MIB }, limits: { memoryBytes: 512 * MIB } };
    scenario.complete(KEY, { result });
    scenario.put(sick({ limits: { memoryBytes: 512 * MIB } }));
    return scenario;
  }
  const attemptOf = (scenario: Scenario) =>
    scenario.incident(KEY)?.attempts[0] ?? assert.fail('nothing was attempted');

  const NOES: Readonly<Record<string, (scenario: Scenario) => void>> = {
    'everything is paused'(scenario) {
      scenario.append({ type: 'pause.set', data: { scope: 'all', name: '', reason: 'x' } });
    },
    'its label pauses it'(scenario) {
      const labels = { 'sre-sentinel.pause': 'true' };
      scenario.put(sick({ limits: { memoryBytes: 512 * MIB }, labels }));
    },
    'its policy is Off now'(scenario) {
      scenario.policies = new Scenario(limits('Off')).policies;
    },
    'its policy is in Shadow now'(scenario) {
      scenario.policies = new Scenario(limits('Shadow')).policies;
    },
    'no policy governs it any more'(scenario) {
      scenario.policies = [];
    },
    'Sentinel runs in Shadow'(scenario) {
      scenario.over = { shadowAll: true };
    },
    'somebody has set other limits since'(scenario) {
      scenario.put(sick({ limits: { memoryBytes: 700 * MIB } }));
    },
    'a person has restarted it since'(scenario) {
      scenario.pass(1_000);
      scenario.observe(KEY, 'start', { cause: 'Human' });
    },
    'a deployment has come since'(scenario) {
      scenario.pass(1_000);
      scenario.observe(KEY, 'rename', { cause: 'Human' });
    },
  };

  it('is done where nobody says no', () => {
    const scenario = grown();
    assert.equal(rollbackRefusal(scenario.world(), attemptOf(scenario)), undefined);
  });

  for (const [when, arrange] of Object.entries(NOES)) {
    it(`is not done when ${when}`, () => {
      const scenario = grown();
      arrange(scenario);
      assert.notEqual(rollbackRefusal(scenario.world(), attemptOf(scenario)), undefined);
    });
  }

  it('of a call that stopped half-way heeds a pause, unless the workload is down by it', () => {
    const scenario = grown();
    NOES['everything is paused']?.(scenario);
    const up = recoveryRefusal(scenario.world(), attemptOf(scenario));
    scenario.put(sick({ state: 'exited', limits: { memoryBytes: 512 * MIB } }));
    const down = recoveryRefusal(scenario.world(), attemptOf(scenario));

    assert.match(up ?? '', /paused/);
    assert.equal(down, undefined);
  });
});
