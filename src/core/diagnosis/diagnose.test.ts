import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario, START_MS } from '../../../test/support/scenario.ts';
import type { RawLogLine } from './evidence-text.ts';

const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};

describe('a diagnosis', () => {
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
      assert.equal(diagnosis?.rootCause, exitCode === 127 ? 'CommandNotFound' : 'Crashed');
      assert.match(diagnosis.explanation, words);
      assert.ok(diagnosis.evidenceRefs.length > 0);
    });
  }

  for (const [agoMs, cause] of [
    [60_000, 'HostOutOfMemory'],
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

  it('adds what it found out as evidence, cites it, and suggests a tool that the policy has', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(
      aContainer('web', {
        health: health('unhealthy', { output: 'sh: curl: not found', exitCode: 127 }),
      }),
    );

    scenario.reconcile(key);

    const { diagnosis, evidence = [] } = scenario.incident(key) ?? {};
    const added = evidence.find(({ signal }) => signal === 'health.text');
    assert.equal(diagnosis?.rootCause, 'HealthCheckWrong');
    assert.equal(added?.value, 'tool missing');
    assert.ok(diagnosis.evidenceRefs.includes(added.id));
    for (const { evidenceRefs } of diagnosis.hypotheses) {
      for (const ref of evidenceRefs) assert.ok(evidence.some(({ id }) => id === ref));
    }
    const failing = diagnosis.hypotheses.find(({ cause }) => cause === 'HealthCheckFailing');
    assert.equal(failing?.remedy, 'docker/restart_container');
  });

  it('suggests no tool that the policy does not have', () => {
    const scenario = new Scenario(
      aPolicy({
        ...CRASH,
        remediation: { mode: 'Auto', allowed: [{ name: 'stop', tool: 'docker/stop_container' }] },
      }),
    );
    const key = scenario.put(aContainer('web', { state: 'exited', exitCode: 3 }));
    scenario.observe(key, 'die', { exitCode: 3 });

    scenario.reconcile(key);

    const hypotheses = scenario.incident(key)?.diagnosis?.hypotheses ?? [];
    assert.ok(hypotheses.length > 0);
    for (const { remedy } of hypotheses) assert.equal(remedy, undefined);
  });

  it('is made once more when the log is at hand, once per bout, also while an action is under way', () => {
    const scenario = new Scenario(aPolicy(CRASH));
    const key = crashed(scenario);
    scenario.reconcile(key);
    const before = scenario.incident(key)?.diagnosis?.rootCause;
    scenario.over = { logOf: () => [aLine('DATABASE_URL must be set, password=hunter2')] };

    scenario.reconcile(key);
    scenario.reconcile(key);

    const { diagnosis, attempts = [] } = scenario.incident(key) ?? {};
    const made = scenario.types().filter((type) => type === 'diagnosis.completed');
    assert.equal(attempts.length, 1);
    assert.equal(before, 'Crashed');
    assert.equal(diagnosis?.rootCause, 'MissingEnv');
    assert.equal(diagnosis.logLines, 1);
    assert.equal(made.length, 2);
    assert.doesNotMatch(JSON.stringify(scenario.records), /hunter2/);
  });

  it('is made once, where the log adds nothing', () => {
    const scenario = new Scenario(aPolicy(CRASH));
    const key = crashed(scenario);
    scenario.over = { logOf: () => [aLine('starting'), aLine('bye')] };

    scenario.reconcile(key);
    scenario.reconcile(key);

    assert.equal(scenario.types().filter((type) => type === 'diagnosis.completed').length, 1);
  });

  it('keeps what was found before an action that has changed the sight of it', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(key);
    scenario.put(aContainer('web', { health: health('starting') }));
    scenario.over = { logOf: () => [aLine('QueuePool limit reached, timed out')] };

    scenario.reconcile(key);

    const { rootCause, hypotheses = [] } = scenario.incident(key)?.diagnosis ?? {};
    assert.equal(rootCause, 'PoolExhausted');
    assert.ok(hypotheses.some(({ cause }) => cause === 'HealthCheckFailing'));
  });

  it('takes nothing from the time that a verification has held', () => {
    const verify = { within: '60s', healthyFor: '20s' };
    const allowed = [{ name: 'restart', tool: 'docker/restart_container' }];
    const scenario = new Scenario(
      aPolicy({ startPeriod: '0s', remediation: { mode: 'Auto', allowed, verify } }),
    );
    const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(key);
    scenario.pass(1_000);
    scenario.complete(key);
    scenario.put(
      aContainer('web', {
        health: health('healthy', { endedAtMs: scenario.wallMs + 1 }),
        startedAtMs: scenario.wallMs - 10,
      }),
    );
    scenario.reconcile(key);
    scenario.pass(15_000);

    scenario.over = { logOf: () => [aLine('too many open files')] };
    scenario.reconcile(key);
    scenario.pass(6_000);
    scenario.reconcile(key);

    assert.equal(scenario.incident(key)?.diagnosis?.logLines, 1);
    assert.equal(scenario.incident(key)?.attempts[0]?.verification, 'Passed');
  });

  it('changes nothing of what is done, whatever the log says', () => {
    const runs = [undefined, 'no space left on device', 'environment variable A_B is not set'].map(
      (text) => {
        const scenario = new Scenario(aPolicy(CRASH));
        if (text !== undefined) scenario.over = { logOf: () => [aLine(text)] };
        const key = crashed(scenario);
        const { effects } = scenario.reconcile(key);
        const [attempt] = scenario.incident(key)?.attempts ?? [];
        return {
          kinds: effects.map(({ kind }) => kind),
          tool: attempt?.tool,
          rung: scenario.incident(key)?.rung,
        };
      },
    );

    assert.deepEqual(runs[1], runs[0]);
    assert.deepEqual(runs[2], runs[0]);
    assert.deepEqual(runs[0]?.kinds, ['Execute']);
  });

  it('reads no line that is older than the trouble', () => {
    const scenario = new Scenario(aPolicy(CRASH));
    const timestamp = new Date(START_MS - 3_600_000).toISOString();
    scenario.over = { logOf: () => [{ ...aLine('too many open files'), timestamp }] };
    const key = crashed(scenario);

    scenario.reconcile(key);

    assert.equal(scenario.incident(key)?.diagnosis?.rootCause, 'Crashed');
  });

  it('tells of another image that came shortly before', () => {
    const scenario = new Scenario(aPolicy());
    const before = aContainer('web', { id: 'a'.repeat(64), image: 'shop:1' });
    const now = { image: 'shop:2', createdAtMs: START_MS - 60_000, health: health('unhealthy') };
    const key = scenario.put(aContainer('web', now), { before });

    scenario.reconcile(key);

    const { diagnosis, evidence = [] } = scenario.incident(key) ?? {};
    assert.equal(diagnosis?.rootCause, 'RecentChange');
    assert.match(diagnosis.explanation, /^1m before the trouble began, .*shop:1 to shop:2/);
    assert.ok(
      evidence.some(({ signal, value }) => signal === 'container.changed' && value === 'image'),
    );
  });

  it('takes the first creation of a workload for no change', () => {
    const scenario = new Scenario(aPolicy());
    const key = scenario.put(
      aContainer('web', { createdAtMs: START_MS - 60_000, health: health('unhealthy') }),
    );
    scenario.observe(key, 'create', { cause: 'Human' });
    scenario.observe(key, 'start', { cause: 'Human' });

    scenario.reconcile(key);

    const causes = scenario.incident(key)?.diagnosis?.hypotheses.map(({ cause }) => cause);
    assert.equal(causes?.includes('RecentChange'), false);
  });
});

function crashed(scenario: Scenario): string {
  const key = scenario.put(aContainer('web', { state: 'exited', exitCode: 1 }));
  scenario.observe(key, 'die', { exitCode: 1 });
  return key;
}

function aLine(text: string): RawLogLine {
  const timestamp = new Date(START_MS - 1_000).toISOString();
  return { timestamp, stream: 'stderr', text, truncated: false };
}
