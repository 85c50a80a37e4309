import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LABEL } from '#core/workload/container.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { deepestFailing } from './dependency.ts';

type Container = NonNullable<Parameters<typeof aContainer>[1]>;

/** A Compose project: service → what it depends on, as its label says, and its state. */
function project(services: Record<string, Container & { readonly on?: string }>): Scenario {
  const scenario = new Scenario(aPolicy());
  for (const [service, { on = '', ...container }] of Object.entries(services)) {
    const labels = {
      [LABEL.composeProject]: 'shop',
      [LABEL.composeService]: service,
      [LABEL.composeNumber]: '1',
      [LABEL.composeDependsOn]: on,
    };
    scenario.put(aContainer(service, { ...container, labels }));
  }
  return scenario;
}

function of(scenario: Scenario, service: string) {
  const view = scenario.views.get(`box/shop/${service}/1`) ?? assert.fail(`no ${service}`);
  return deepestFailing(scenario.world(), view);
}

describe('the deepest failing dependency', () => {
  it('is the one at the end of the chain', () => {
    const scenario = project({
      web: { on: 'api:service_started:false' },
      api: { on: 'db:service_healthy:false', health: health('unhealthy') },
      db: { on: 'disk', health: health('unhealthy') },
      disk: { state: 'exited' },
    });

    assert.deepEqual(of(scenario, 'web'), {
      name: 'box/shop/disk/1',
      state: 'exited',
      by: ['box/shop/api/1', 'box/shop/db/1'],
      behindHealthy: false,
    });
  });

  it('is none where all are well, or have ended as they should', () => {
    const scenario = project({
      web: { on: 'db:service_healthy:false,seed:service_completed_successfully:false' },
      db: { health: health('healthy') },
      seed: { state: 'exited', exitCode: 0 },
    });

    assert.equal(of(scenario, 'web'), undefined);
  });

  it('is a job that failed, and a service that has no container', () => {
    const failed = project({
      web: { on: 'seed:service_completed_successfully:false' },
      seed: { state: 'exited', exitCode: 2 },
    });
    const gone = project({ web: { on: 'db' } });

    assert.equal(of(failed, 'web')?.state, 'exited with code 2');
    assert.deepEqual(of(gone, 'web'), {
      name: 'box/shop/db/1',
      state: 'missing',
      by: [],
      behindHealthy: false,
    });
  });

  it('is the owner of a namespace', () => {
    const scenario = project({
      vpn: { state: 'exited' },
      web: { shares: [{ kind: 'network', owner: 'vpn' }] },
    });

    assert.equal(of(scenario, 'web')?.name, 'box/shop/vpn/1');
  });

  it('ends in a cycle, and never is the workload itself', () => {
    const scenario = project({
      web: { on: 'api', state: 'exited' },
      api: { on: 'web,db' },
      db: { on: 'api' },
    });

    assert.equal(of(scenario, 'web'), undefined);
  });

  it('counts for less behind one that says it is well', () => {
    const scenario = project({
      web: { on: 'api' },
      api: { on: 'db', health: health('healthy') },
      db: { state: 'exited' },
    });

    assert.equal(of(scenario, 'web')?.behindHealthy, true);
  });

  it('is bounded and harmless, whatever a label names', () => {
    const names = Array.from({ length: 2_000 }, (_, index) => `s${index}\u202e"`).join(',');
    const scenario = project({ web: { on: names } });

    assert.match(of(scenario, 'web')?.name ?? '', /^box\/shop\/s0%E2%80%AE%22\/1$/);
  });
});
