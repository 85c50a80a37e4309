import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkloadView } from '#core/workload/view.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const MIB = 2 ** 20;
const MINUTE_MS = 60_000;
const RESTART = { name: 'restart', tool: 'docker/restart_container' };
const KILL = { name: 'kill', tool: 'docker/kill_container' };
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });

/** Reconciles every minute. @returns what was begun, by name */
function hours(scenario: Scenario, count: number, keys: readonly string[] = [KEY]): string[] {
  const begun: string[] = [];
  for (let minute = 0; minute < count * 60; minute += 1) {
    for (const key of keys) {
      const { effects } = scenario.reconcile(key);
      if (effects.some(({ kind }) => kind === 'Execute'))
        begun.push(scenario.incident(key)?.attempts.at(-1)?.action ?? '');
    }
    scenario.pass(MINUTE_MS);
  }
  return begun;
}

const told = (scenario: Scenario) =>
  scenario.incident(KEY)?.escalations.map(({ reason }) => reason) ?? [];

/** A restart waits for a person's approval. */
function awaitingApproval() {
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Approve', allowed: [RESTART] } }));
  scenario.put(sick());
  scenario.reconcile(KEY);
  const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
  return { scenario, incident };
}

describe('a person is told', () => {
  it('when two sick workloads wait for each other under minHealthy', () => {
    const remediation = { mode: 'Auto', allowed: [RESTART], budget: { minHealthy: '100%' } };
    const scenario = new Scenario(aPolicy({ remediation }));
    scenario.put(sick());
    scenario.put(aContainer('other', { health: health('unhealthy') }));

    const begun = hours(scenario, 1, [KEY, 'box/other']);

    assert.deepEqual([begun, told(scenario)], [[], ['Blocked']]);
  });

  it('when what was breached cannot be seen any more', () => {
    const thresholds = [
      { name: 'mem', signal: 'memory.utilization', above: 0.9, severity: 'critical' },
    ];
    const scenario = new Scenario(
      aPolicy({ thresholds, remediation: { mode: 'Auto', allowed: [RESTART] } }),
    );
    const gauges = { 'memory.utilization': { kind: 'Value', value: 0.99, atMs: 0 } } as const;
    scenario.put(aContainer('web'), { gauges });
    scenario.append({
      type: 'pause.set',
      data: { scope: 'all', name: '', reason: 'x', forMs: MINUTE_MS },
    });
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'die', { exitCode: 137 });
    scenario.put(aContainer('web', { state: 'exited', exitCode: 137 }));

    hours(scenario, 1);

    assert.deepEqual(told(scenario), ['Blocked']);
  });

  it('when what was intended is never executed', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(sick());
    for (let minute = 0; minute < 60; minute += 1) {
      if (scenario.reconcile(KEY).effects.length > 0) {
        scenario.complete(KEY, { outcome: 'NotExecuted', reason: 'ServerUnavailable' });
      }
      scenario.pass(MINUTE_MS);
    }

    assert.deepEqual(told(scenario), ['Blocked']);
  });

  it('that what was denied is denied, not that it waits', () => {
    const { scenario, incident } = awaitingApproval();
    scenario.append({
      type: 'approval.denied',
      incident: incident.name,
      workload: KEY,
      data: { candidate: incident.approval?.candidate ?? '', reason: 'no' },
    });
    scenario.reconcile(KEY);

    assert.match(scenario.incident(KEY)?.escalations[0]?.message ?? '', /was denied/);
  });
});

describe('an approval', () => {
  it('that lapsed before it could be used is asked for again', () => {
    const { scenario, incident } = awaitingApproval();
    scenario.append({
      type: 'pause.set',
      data: { scope: 'all', name: '', reason: 'x', forMs: 120 * MINUTE_MS },
    });
    scenario.append({
      type: 'approval.granted',
      incident: incident.name,
      workload: KEY,
      data: { candidate: incident.approval?.candidate ?? '', container: '' },
    });

    hours(scenario, 3);

    const asked = scenario.types().filter((type) => type === 'approval.requested');
    assert.equal(asked.length, 2);
  });

  it('is asked for once, though the size that is computed changes, and holds for what was shown', () => {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [
          { name: 'mem', signal: 'memory.utilization', above: 0.9, severity: 'critical' },
        ],
        remediation: {
          mode: 'Approve',
          allowed: [
            {
              name: 'more',
              tool: 'docker/update_resources',
              arguments: { memory: { $expr: 'memory.workingSet * 2' } },
            },
          ],
        },
      }),
    );
    const sample = (bytes: number): Partial<WorkloadView> => ({
      gauges: {
        'memory.utilization': { kind: 'Value', value: 0.95, atMs: 0 },
        'memory.workingSet': { kind: 'Value', value: bytes, atMs: 0 },
      },
    });
    const container = aContainer('web', { limits: { memoryBytes: 10 * MIB } });
    for (let sampled = 0; sampled < 30; sampled += 1) {
      scenario.put(container, sample(16 * MIB + sampled * 4_096));
      scenario.reconcile(KEY);
      scenario.pass(10_000);
    }
    const count = (wanted: string) => scenario.types().filter((type) => type === wanted).length;
    assert.deepEqual([count('approval.requested'), count('remediation.considered')], [1, 1]);

    const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
    scenario.append({
      type: 'approval.granted',
      incident: incident.name,
      workload: KEY,
      data: { candidate: incident.approval?.candidate ?? '', container: container.id },
    });
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    const [shown] = scenario.incident(KEY)?.candidates ?? [];
    assert.equal(scenario.incident(KEY)?.attempts[0]?.candidate, shown?.id);
    assert.deepEqual(shown?.arguments, { memory: 32 * MIB });
  });
});

describe('a verification', () => {
  it('waits for a probe that startPeriod hushes, whatever had triggered the action', () => {
    const scenario = new Scenario(
      aPolicy({
        startPeriod: '5m',
        thresholds: [
          { name: 'unhealthy', signal: 'health', severity: 'critical' },
          { name: 'port', signal: 'probe.tcp', probe: { port: 80 }, severity: 'critical' },
        ],
        remediation: { mode: 'Auto', allowed: [RESTART, KILL], backoff: { initial: '1s' } },
      }),
    );
    const probes = { port: { failures: 0, atMs: 0, message: '' } };
    scenario.put(sick(), { probes });
    scenario.reconcile(KEY);
    scenario.complete(KEY);
    const healthy = health('healthy', { endedAtMs: scenario.wallMs + 1 });
    scenario.put(aContainer('web', { startedAtMs: scenario.wallMs, health: healthy }), { probes });

    const begun = hours(scenario, 1);

    const [incident] = Object.values(scenario.state.incidents);
    assert.deepEqual([begun, incident?.resolution], [[], 'Remediated']);
  });

  it('waits for a log that a restart of Sentinel has left unseen, and causes nothing by it', () => {
    const scenario = new Scenario(
      aPolicy({
        startPeriod: '10s',
        thresholds: [
          { name: 'errs', signal: 'log.errors', above: 5, window: '10m', severity: 'critical' },
        ],
        remediation: {
          mode: 'Auto',
          allowLogTriggered: true,
          allowed: [
            { ...RESTART, on: ['errs'] },
            { ...KILL, on: ['errs'] },
          ],
          backoff: { initial: '1s' },
        },
      }),
    );
    const none = { rate: () => 0, matches: () => 0, anomalies: () => 0, unusual: () => [] };
    const logs = (count: number, coveredSinceMs: number) => ({
      logs: { ...none, coveredSinceMs, errors: () => count },
    });
    scenario.put(aContainer('web'), logs(10, 0));
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    scenario.complete(KEY);
    const started = aContainer('web', { startedAtMs: scenario.wallMs });
    scenario.put(started, logs(0, 0));
    scenario.pass(20_000);
    scenario.reconcile(KEY);
    scenario.memories.clear();
    scenario.put(started, logs(0, scenario.nowMs));

    const begun = hours(scenario, 1);

    const [incident] = Object.values(scenario.state.incidents);
    assert.deepEqual([begun, incident?.resolution], [[], 'Remediated']);
  });
});

describe('what Sentinel itself has left down', () => {
  it('goes on to the next rung, also when what was breached has left its window', () => {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [
          { name: 'loop', signal: 'restarts', above: 2, window: '5m', severity: 'critical' },
        ],
        remediation: {
          mode: 'Auto',
          allowed: [RESTART, { name: 'start', tool: 'docker/start_container' }],
          backoff: { initial: '10m' },
        },
      }),
    );
    const always = { restartPolicy: { name: 'always', maximumRetryCount: 0 } } as const;
    scenario.put(aContainer('web', always));
    for (let crashes = 0; crashes < 4; crashes += 1) {
      scenario.observe(KEY, 'die', { exitCode: 1 });
      scenario.pass(1_000);
      scenario.observe(KEY, 'start', { cause: 'Engine' });
      scenario.pass(1_000);
    }
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    const { intent = '' } = scenario.incident(KEY)?.attempts[0] ?? {};
    scenario.observe(KEY, 'die', { cause: 'Sentinel', intent, exitCode: 137 });
    const error = 'port is taken';
    scenario.put(aContainer('web', { ...always, state: 'exited', exitCode: 137, error }));
    scenario.complete(KEY, { outcome: 'Failed', message: error });

    assert.deepEqual(hours(scenario, 1), ['start']);
  });
});

describe('a signal of a person that ends nothing', () => {
  it('neither closes the incident nor makes it forgotten', () => {
    const scenario = new Scenario(aPolicy());
    scenario.append({
      type: 'pause.set',
      data: { scope: 'all', name: '', reason: 'x', forMs: MINUTE_MS },
    });
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'kill', { cause: 'Human', signal: '3', stopWindowMs: 20_000 });

    const { recheckAtMs } = scenario.reconcile(KEY);
    assert.ok(recheckAtMs !== undefined);
    assert.equal(scenario.incident(KEY)?.resolution, undefined);
    scenario.pass(2 * MINUTE_MS);
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });
});
