import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};

describe('rules', () => {
  for (const [exitCode, words] of [
    [78, /configuration wrong or incomplete/],
    [127, /command does not exist/],
    [139, /memory that it must not/],
    [150, /ended by signal 22/],
    [42, /its own/],
  ] as const) {
    it(`say what exit code ${exitCode} means`, () => {
      const scenario = new Scenario(aPolicy(CRASH));
      const key = scenario.put(aContainer('web', { state: 'exited', exitCode }));
      scenario.observe(key, 'die', { exitCode });

      scenario.reconcile(key);

      const { diagnosis } = scenario.incident(key) ?? {};
      assert.equal(diagnosis?.rootCause, 'Crashed');
      assert.match(diagnosis.explanation, words);
      assert.ok(diagnosis.evidenceRefs.length > 0);
    });
  }

  for (const [agoMs, cause] of [
    [60_000, 'OutOfMemory'],
    [3_600_000, 'HealthCheckFailing'],
  ] as const) {
    it(`blame a kill for lack of memory ${agoMs / 1_000} s ago as it deserves`, () => {
      const scenario = new Scenario(aPolicy());
      const key = scenario.put(aContainer('web', { health: health('healthy') }));
      scenario.observe(key, 'oom', { cause: 'Unknown' });
      scenario.pass(agoMs);
      scenario.put(aContainer('web', { health: health('unhealthy') }));

      scenario.reconcile(key);

      assert.equal(scenario.incident(key)?.diagnosis?.rootCause, cause);
    });
  }

  it('cite no exit code of a container that another has replaced', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(aContainer('web', { state: 'exited', exitCode: 3 }));
    scenario.observe(key, 'die', { exitCode: 3 });
    scenario.put(aContainer('web', { id: 'b'.repeat(64), health: health('unhealthy') }));
    scenario.observe(key, 'create', { cause: 'Human' });

    scenario.reconcile(key);

    const signals = scenario.incident(key)?.evidence.map(({ signal }) => signal);
    assert.deepEqual(signals?.includes('container.exitCode'), false);
  });
});
