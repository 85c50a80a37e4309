import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { type PolicyLoad, policyObject } from './policy-object.ts';
import { PolicyObject } from './schema.ts';

const LOADED: PolicyLoad = {
  problems: [],
  warnings: [],
  loadedOk: true,
  lastAppliedRevision: 'main@sha1:1',
  lastAttemptedRevision: 'main@sha1:1',
};

function objectOf(scenario: Scenario, load = LOADED, before?: PolicyObject): PolicyObject {
  const [policy] = scenario.policies;
  if (policy === undefined) assert.fail('no policy');
  return policyObject(policy, {
    world: scenario.world(),
    load,
    ...(before === undefined ? {} : { before: before.status.conditions }),
  });
}

/** Conditions that are not as they are on an ordinary day. */
function news(object: PolicyObject): string[] {
  const usual = new Set(['Ready', 'Accepted', 'ModelRouteReady', 'ToolsReady']);
  return object.status.conditions
    .filter(({ type, status }) => (status === 'True') !== usual.has(type))
    .map(({ type, reason }) => `${type} ${reason}`);
}

describe('policyObject', () => {
  it('fits its own schema, with all conditions, and is Ready when nothing is wrong', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('web'));

    const object = objectOf(scenario);

    assert.deepEqual(PolicyObject.parse(object), object);
    assert.deepEqual(news(object), []);
    assert.equal(object.status.workloads, 1);
    assert.equal(object.status.conditions.length, 9);
  });

  it('gives the spec as a file could hold it, defaults filled in', () => {
    const document = aPolicy({
      startPeriod: '45s',
      thresholds: [
        { name: 'many', signal: 'restarts', above: 3, window: '10m', severity: 'critical' },
        { name: 'port', signal: 'probe.tcp', probe: { port: 80 }, severity: 'warning' },
      ],
      remediation: {
        allowed: [{ name: 'restart', tool: 'docker/restart_container', cooldown: '90s' }],
        budget: { minHealthy: '50%' },
      },
    });
    const { spec } = objectOf(new Scenario(document));

    const again = objectOf(new Scenario({ ...document, spec }));

    assert.deepEqual(again.spec, spec);
    assert.equal(spec['startPeriod'], '45s');
    assert.deepEqual((spec['remediation'] as { budget: unknown }).budget, {
      maxConcurrent: 1,
      minHealthy: '50%',
    });
  });

  it('is not Ready while a tool that it allows cannot be called', () => {
    const scenario = new Scenario(aPolicy());
    scenario.readiness = () => ({ ready: false, reason: 'ToolForbidden', message: '403' });

    const object = objectOf(scenario);

    assert.deepEqual(news(object), ['Ready ToolForbidden', 'ToolsReady ToolForbidden']);
  });

  it('is Stalled by any broken file, and no longer Accepted by its own', () => {
    const scenario = new Scenario(aPolicy());
    const problem = { line: 3, column: 1, path: 'spec', message: 'is wrong', severity: 'error' };
    const broken = (file: string): PolicyLoad => ({
      ...LOADED,
      loadedOk: false,
      problems: [{ file, ...problem, severity: 'error' }],
    });

    const byOther = objectOf(scenario, broken('other.yaml'));
    const byItself = objectOf(scenario, broken('policy-0.yaml'));

    assert.deepEqual(news(byOther), ['Stalled LoadFailed']);
    assert.deepEqual(news(byItself), ['Accepted Invalid', 'Stalled LoadFailed']);
    assert.equal(byItself.status.problems.length, 1);
  });

  it('tells a pause, a conflict and a spent budget', () => {
    const scenario = new Scenario(
      aPolicy({}, 'one'),
      aPolicy({ selector: { names: ['x'] } }, 'two'),
    );
    const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(key);
    scenario.put(aContainer('x'));
    scenario.append({
      type: 'pause.set',
      actor: 'operator:ann',
      data: { scope: 'policy', name: 'one', reason: 'load test' },
    });

    const object = objectOf(scenario);

    assert.deepEqual(news(object), [
      'Ready Conflict',
      'Paused PolicyPaused',
      'BudgetExhausted MaxConcurrent',
      'Conflict PolicyConflict',
    ]);
  });

  it('keeps the time of a transition until the status changes', () => {
    const scenario = new Scenario(aPolicy());
    const first = objectOf(scenario);
    scenario.pass(60_000);
    scenario.readiness = () => ({ ready: false, reason: 'ToolForbidden', message: '403' });

    const second = objectOf(scenario, LOADED, first);

    const times = second.status.conditions.map(
      ({ type, lastTransitionTime }) => [type, lastTransitionTime] as const,
    );
    const changed = times.filter(([, time]) => time === '2026-11-24T12:01:00.000Z');
    assert.deepEqual(
      changed.map(([type]) => type),
      ['Ready', 'ToolsReady'],
    );
  });
});
