import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LABEL } from '#core/workload/container.ts';
import { aContainer, Scenario } from '../../../test/support/scenario.ts';
import { affectedBy, dependenciesOf } from './affects.ts';
import { builtinTool } from './tools.ts';

const RESTART = builtinTool('docker/restart_container');

function service(project: string, name: string, dependsOn = '', more = {}) {
  const labels = {
    [LABEL.composeProject]: project,
    [LABEL.composeService]: name,
    [LABEL.composeNumber]: '1',
    [LABEL.composeDependsOn]: dependsOn,
  };
  return aContainer(`${project}-${name}-1`, { labels, ...more });
}

const RESTARTS_WITH = 'db:service_started:true';

describe('what an action touches', () => {
  for (const [what, other, expected] of [
    ['a dependent that Compose restarts with it', service('shop', 'web', RESTARTS_WITH), true],
    ['one that only waits for it', service('shop', 'web', 'db:service_started:false'), false],
    ['one that is down', service('shop', 'web', RESTARTS_WITH, { state: 'exited' }), false],
    ['one of another project', service('blog', 'web', RESTARTS_WITH), false],
  ] as const) {
    it(`${expected ? 'includes' : 'does not include'} ${what}`, () => {
      const scenario = new Scenario();
      const db = scenario.put(service('shop', 'db'));
      const key = scenario.put(other);

      const affected = affectedBy(scenario.world(), db, RESTART);

      assert.deepEqual(affected, expected ? [db, key] : [db]);
    });
  }
});

it('a service that names itself does not depend on itself', () => {
  const scenario = new Scenario();
  const db = scenario.put(service('shop', 'db'));
  const web = scenario.put(service('shop', 'web', 'web:service_healthy:false,db'));
  const view = scenario.views.get(web) ?? assert.fail('no view');

  assert.deepEqual(dependenciesOf(scenario.world(), view), [
    { key: db, condition: 'service_started' },
  ]);
});
