import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });

function remediation(verify: object, action: object = {}) {
  return {
    remediation: {
      mode: 'Auto',
      allowed: [{ name: 'act', tool: 'docker/restart_container', ...action }],
      verify,
    },
  };
}

/** An action that was called and has ended. */
function acted(scenario: Scenario, outcome: 'Succeeded' | 'OutcomeUnknown' = 'Succeeded') {
  assert.equal(scenario.reconcile(KEY).effects.length, 1);
  scenario.pass(1_000);
  scenario.complete(KEY, { outcome });
}

const verificationOf = (scenario: Scenario) => scenario.incident(KEY)?.attempts[0]?.verification;

describe('verifying', () => {
  it('does not take the exit that was acted on for one that came after', () => {
    const crash = [{ name: 'crash', signal: 'exit', severity: 'critical' }];
    const scenario = new Scenario(
      aPolicy({ thresholds: crash, ...remediation({}, { tool: 'docker/start_container' }) }),
    );
    scenario.put(aContainer('web', { state: 'exited', exitCode: 1 }));
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.pass(1_000);
    acted(scenario);

    scenario.reconcile(KEY);

    assert.equal(verificationOf(scenario), 'Pending');
  });

  it('comes to an end for a container that starts anew all the time', () => {
    const scenario = new Scenario(
      aPolicy({ startPeriod: '0s', ...remediation({ within: '10s', healthyFor: '5s' }) }),
    );
    scenario.put(sick());
    acted(scenario);

    // Docker would call it unhealthy 6 s after a start: three times 16 s is all the patience there is.
    const states: unknown[] = [];
    for (let starts = 0; starts < 13; starts += 1) {
      scenario.pass(4_000);
      scenario.put(
        aContainer('web', { health: health('starting'), startedAtMs: scenario.wallMs - 1 }),
      );
      scenario.reconcile(KEY);
      states.push(verificationOf(scenario));
    }

    assert.deepEqual([states[10], states[12]], ['Pending', 'Failed']);
  });

  it('undoes nothing of which nobody knows whether it was done', () => {
    const arguments_ = { memory: '512m' };
    const growing = { tool: 'docker/update_resources', arguments: arguments_ };
    const undoes = (outcome: 'Succeeded' | 'OutcomeUnknown') => {
      const scenario = new Scenario(aPolicy(remediation({ onFailure: 'Rollback' }, growing)));
      scenario.put(sick({ limits: { memoryBytes: 64 * 2 ** 20 } }));
      acted(scenario, outcome);
      scenario.pass(300_000);
      const { effects } = scenario.reconcile(KEY);
      assert.equal(verificationOf(scenario), 'Failed');
      return effects.map(({ kind }) => kind);
    };

    assert.deepEqual(undoes('Succeeded'), ['Rollback']);
    assert.deepEqual(undoes('OutcomeUnknown'), []);
  });

  it('asks whether anybody is served, also where that was not what was wrong', () => {
    const scenario = new Scenario(
      aPolicy({
        startPeriod: '0s',
        thresholds: [
          { name: 'unhealthy', signal: 'health', severity: 'critical' },
          { name: 'served', signal: 'probe.http', probe: { port: 80 }, severity: 'critical' },
        ],
        ...remediation({ within: '60s', healthyFor: '5s' }),
      }),
    );
    const well = (failures: number) => {
      const probes = { served: { failures, atMs: scenario.nowMs, message: '' } };
      scenario.put(aContainer('web', { health: health('healthy') }), { probes });
      scenario.reconcile(KEY);
      scenario.pass(6_000);
      scenario.reconcile(KEY);
      return verificationOf(scenario);
    };
    scenario.put(sick());
    acted(scenario);

    assert.deepEqual([well(1), well(0)], ['Pending', 'Passed']);
  });
});
