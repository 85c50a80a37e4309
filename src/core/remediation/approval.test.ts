import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

/** Everything that was asked for, by action. */
function asked(scenario: Scenario): string[] {
  return scenario.records.flatMap(({ type, data }) =>
    type === 'approval.requested' && 'candidate' in data
      ? [String(data.candidate).replace(/-.*/, '')]
      : [],
  );
}

function waiting(): Scenario {
  const allowed = ['first', 'second', 'third'].map((name) => ({
    name,
    tool: 'docker/restart_container',
  }));
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Approve', allowed } }));
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  return scenario;
}

function deny(scenario: Scenario): void {
  const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
  const candidate = incident.approval?.candidate ?? '';
  scenario.append({
    type: 'approval.denied',
    incident: incident.name,
    workload: KEY,
    data: { candidate, reason: 'no' },
  });
}

describe('approval', () => {
  it('is asked for once per candidate, however many were denied before', () => {
    const scenario = waiting();
    for (let round = 0; round < 4; round += 1) {
      deny(scenario);
      scenario.reconcile(KEY);
    }

    assert.deepEqual(asked(scenario), ['first', 'second', 'third']);
    assert.equal(scenario.incident(KEY)?.escalations.length, 1);
  });

  it('that nobody gives in time counts as denied', () => {
    const scenario = waiting();
    for (let round = 0; round < 4; round += 1) {
      scenario.pass(3_600_000);
      scenario.reconcile(KEY);
    }

    assert.deepEqual(asked(scenario), ['first', 'second', 'third']);
  });

  it('holds until the action was carried out, and not for the next one', () => {
    const scenario = waiting();
    const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
    const candidate = incident.approval?.candidate ?? '';
    const container = incident.workload.id;
    scenario.append({
      type: 'approval.granted',
      incident: incident.name,
      workload: KEY,
      data: { candidate, container },
    });

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    assert.equal(scenario.incident(KEY)?.approval?.candidate, candidate);
    scenario.complete(KEY);
    assert.equal(scenario.incident(KEY)?.approval, undefined);
  });
});
