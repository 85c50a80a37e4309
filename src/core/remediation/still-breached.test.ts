import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

it('what is clear asks for nothing more where the container ended by itself after an action', () => {
  const scenario = new Scenario(
    aPolicy({
      thresholds: [
        { name: 'unhealthy', signal: 'health', severity: 'critical' },
        { name: 'up', signal: 'state', equals: 'running', severity: 'critical' },
      ],
      remediation: {
        mode: 'Auto',
        allowed: [
          { name: 'restart', tool: 'docker/restart_container', on: ['unhealthy', 'up'] },
          { name: 'start', tool: 'docker/start_container', on: ['up'] },
          { name: 'again', tool: 'docker/restart_container', on: ['unhealthy'] },
        ],
      },
    }),
  );
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  scenario.complete(KEY);
  scenario.pass(1_000);
  scenario.observe(KEY, 'die', { exitCode: 1 });
  scenario.put(aContainer('web', { health: health('unhealthy'), state: 'exited' }));

  scenario.reconcile(KEY);

  assert.equal(scenario.incident(KEY)?.attempts[0]?.verification, 'Failed');
  assert.deepEqual(Object.keys(scenario.blockedBy(KEY)), ['restart', 'again']);
});
