import assert from 'node:assert/strict';
import { it } from 'node:test';
import { STORM_ABOVE_MAX } from '#core/policy/schema.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

it('a no of an earlier bout is none for the next: people are asked once more', () => {
  const scenario = new Scenario(
    aPolicy({
      remediation: {
        mode: 'Approve',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      },
    }),
  );
  const isAskedTimes = () =>
    scenario.records.filter(({ type }) => type === 'approval.requested').length;
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  const { name: incident, approval } = scenario.incident(KEY) ?? assert.fail('no incident');
  const data = { candidate: approval?.candidate ?? '', reason: 'not now' };
  scenario.append({ type: 'approval.denied', incident, workload: KEY, data });
  scenario.reconcile(KEY);
  const before = isAskedTimes();

  scenario.put(aContainer('web', { health: health('healthy') }));
  scenario.reconcile(KEY);
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);

  assert.equal(scenario.incident(KEY)?.reopens, 1);
  assert.deepEqual([before, isAskedTimes()], [1, 2]);
});

it('as many openings are remembered as the largest storm is made of', () => {
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Approve', allowed: [] } }));
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  const { name: incident, workload } = scenario.incident(KEY) ?? assert.fail('no incident');
  const severity = 'critical' as const;
  const data = { severity, workload, breached: [], evidence: [], rung: 0, message: '' };

  for (let times = 0; times < STORM_ABOVE_MAX + 3; times += 1) {
    scenario.append({ type: 'incident.reopened', incident, workload: KEY, data });
  }

  const kept = Object.values(scenario.state.openings).map(({ length }) => length);
  assert.equal(Math.max(...kept), STORM_ABOVE_MAX + 1);
});
