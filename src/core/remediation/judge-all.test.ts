import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const LOOPING = {
  restartPolicy: { name: 'always', maximumRetryCount: 0 },
  limits: { memoryBytes: 64 * 2 ** 20, memorySwapBytes: 64 * 2 ** 20 },
} as const;
const LADDER = [
  { name: 'restart', tool: 'docker/restart_container', cooldown: '0s' },
  { name: 'signal', tool: 'docker/kill_container', cooldown: '0s' },
];

function running(scenario: Scenario): void {
  scenario.put(aContainer('web', { ...LOOPING, startedAtMs: scenario.wallMs }));
}

/** It crashed four times, the engine started it each time, and Sentinel has called its first action. */
function actedOnCrashLoop(): Scenario {
  const crashLoop = { name: 'loop', signal: 'restarts', above: 3, window: '10m' };
  const scenario = new Scenario(
    aPolicy({
      thresholds: [{ ...crashLoop, severity: 'critical' }],
      remediation: { mode: 'Auto', allowed: LADDER, backoff: { initial: '1s' } },
    }),
  );
  running(scenario);
  for (let crash = 0; crash < 4; crash += 1) {
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.observe(KEY, 'start', { cause: 'Engine' });
    scenario.pass(1_000);
  }
  running(scenario);
  assert.equal(scenario.reconcile(KEY).effects.length, 1);
  scenario.complete(KEY);
  return scenario;
}

describe('what happened before an action', () => {
  it('does not count after it has worked, also when the incident is over', () => {
    const scenario = actedOnCrashLoop();
    running(scenario);
    scenario.reconcile(KEY);
    scenario.pass(15_000);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, 'Remediated');
    scenario.pass(1_000);

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.reopens, 0);
    assert.equal(scenario.incident(KEY)?.resolution, 'Remediated');
  });

  it('still counts when the action did not work: the next rung has a reason', () => {
    const scenario = actedOnCrashLoop();
    scenario.put(aContainer('web', { ...LOOPING, state: 'restarting' }));
    scenario.pass(90_000);
    scenario.reconcile(KEY);
    running(scenario);

    scenario.reconcile(KEY);

    const { attempts = [], resolution } = scenario.incident(KEY) ?? {};
    assert.deepEqual(
      attempts.map(({ action }) => action),
      ['restart', 'signal'],
    );
    assert.equal(resolution, undefined);
  });

  it('is not over because a change was undone: the container has to run well first', () => {
    const memory = { name: 'more', tool: 'docker/update_resources', arguments: { memory: '96m' } };
    const scenario = new Scenario(
      aPolicy({
        thresholds: [{ name: 'oom', signal: 'oomKilled', severity: 'critical' }],
        remediation: { mode: 'Auto', allowed: [memory], verify: { onFailure: 'Rollback' } },
      }),
    );
    running(scenario);
    scenario.observe(KEY, 'oom', { cause: 'Unknown' });
    scenario.reconcile(KEY);
    scenario.complete(KEY);
    scenario.pass(90_000);
    scenario.observe(KEY, 'oom', { cause: 'Unknown' });
    scenario.put(aContainer('web', { ...LOOPING, state: 'restarting' }));
    scenario.reconcile(KEY);
    const undoing = scenario.incident(KEY)?.attempts.at(-1);
    scenario.append({
      type: 'rollback.completed',
      incident: scenario.incident(KEY)?.name ?? '',
      workload: KEY,
      data: { intent: undoing?.intent ?? '', outcome: 'Succeeded', message: 'undone' },
    });
    scenario.reconcile(KEY);
    scenario.pass(5_000);
    running(scenario);

    scenario.reconcile(KEY);
    const soon = scenario.incident(KEY)?.resolution;
    scenario.pass(15_000);
    scenario.reconcile(KEY);

    assert.equal(soon, undefined);
    assert.equal(scenario.incident(KEY)?.resolution, 'SelfRecovered');
    assert.equal(scenario.incident(KEY)?.reopens, 0);
  });
});
