import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LABEL } from '#core/workload/container.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { isHealthy } from './budget.ts';

const KEY = 'box/web';

/** How `web` counts, with what the scenario knows of it. */
function counted(container: object, arrange: (scenario: Scenario) => void = () => undefined) {
  const scenario = new Scenario(
    aPolicy({
      startPeriod: '30s',
      thresholds: [
        { name: 'old', when: 'container.image == "example/web:1"', severity: 'critical' },
      ],
      remediation: { mode: 'Shadow' },
    }),
  );
  scenario.put(aContainer('web', { image: 'example/web:2', ...container }));
  arrange(scenario);
  const [policy = assert.fail('no policy')] = scenario.policies;
  const view = scenario.views.get(KEY) ?? assert.fail('no view');
  return isHealthy(scenario.world(), policy, view);
}

describe('a workload counts towards minHealthy', () => {
  for (const [what, expected, container, arrange] of [
    ['as healthy when it runs and nothing is wrong', 'Healthy', {}],
    ['by its HEALTHCHECK where it has one', 'Unhealthy', { health: health('starting') }],
    ['as unhealthy while it is down', 'Unhealthy', { state: 'exited' }],
    [
      'as unhealthy in its start period',
      'Unhealthy',
      { startedAtMs: new Scenario().wallMs - 29_000 },
    ],
    ['not at all as a task of Swarm', 'NotCounted', { labels: { [LABEL.swarmTask]: 'x' } }],
    [
      'not at all when a person has stopped it',
      'NotCounted',
      { state: 'exited' },
      (scenario: Scenario) => scenario.observe(KEY, 'stop', { cause: 'Human' }),
    ],
    [
      'as it is when a person has just started it anew',
      'Unhealthy',
      { health: health('starting') },
      (scenario: Scenario) => {
        scenario.observe(KEY, 'stop', { cause: 'Human' });
        scenario.observe(KEY, 'start', { cause: 'Human' });
        scenario.observe(KEY, 'restart', { cause: 'Human' });
      },
    ],
    [
      'as unhealthy with a critical incident, whatever its HEALTHCHECK says',
      'Unhealthy',
      { image: 'example/web:1', health: health('healthy') },
      (scenario: Scenario) => void scenario.reconcile(KEY),
    ],
  ] as const) {
    it(what, () => {
      assert.equal(counted(container, arrange), expected);
    });
  }
});
