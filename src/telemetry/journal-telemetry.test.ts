import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../test/support/scenario.ts';
import { journalTelemetry } from './journal-telemetry.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { policyTelemetry } from './policy-telemetry.ts';

const RESTART = {
  mode: 'Auto',
  allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
};

/** What was measured of a scenario: the series of a metric as a scrape finds them, without zeros. */
function measure(scenario: Scenario) {
  const metrics = createMetrics();
  const log = createLogger('silent');
  let available = true;
  const follow = journalTelemetry(metrics, log, {
    state: () => scenario.state,
    isAvailable: () => available,
  });
  const series = async (name: string) => {
    await metrics.registry.metrics();
    const { values = [] } = (await metrics.registry.getSingleMetric(name)?.get()) ?? {};
    return values.map(({ labels, value }) => ({ ...labels, value }));
  };
  return {
    metrics,
    follow,
    loadPolicies: () => {
      const load = { problems: [], warnings: [], loadedOk: true, isKnown: true };
      policyTelemetry(metrics, log)({ ...load, policies: scenario.policies });
    },
    failJournal: () => {
      available = false;
    },
    series,
    found: async (name: string) => (await series(name)).filter(({ value }) => value > 0),
  };
}

function putSick(scenario: Scenario, name = 'web') {
  return scenario.put(
    aContainer(name, {
      health: health('unhealthy', { endedAtMs: scenario.wallMs - 100 }),
      startedAtMs: scenario.wallMs - 60_000,
    }),
  );
}

it('counts an opened incident under its policy', async () => {
  const crash = { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' };
  const scenario = new Scenario(aPolicy({ thresholds: [crash] }, 'shop'));
  const key = scenario.put(aContainer('web', { state: 'exited', exitCode: 1 }));
  scenario.observe(key, 'die', { exitCode: 1 });
  scenario.reconcile(key);
  const { follow, series } = measure(scenario);

  follow(scenario.records);

  assert.deepEqual(await series('sentinel_incidents_total'), [
    { policy: 'shop', threshold: 'crash', severity: 'critical', value: 1 },
  ]);
});

it('begins what it counts of a policy at zero, so that the first one is an increase', async () => {
  const scenario = new Scenario(aPolicy({ remediation: RESTART }, 'shop'));
  const { follow, loadPolicies, series, found } = measure(scenario);
  const counters = [
    'sentinel_escalations_total',
    'sentinel_remediations_total',
    'sentinel_remediations_blocked_total',
    'sentinel_mcp_calls_total',
  ];
  const identities = async () => {
    const all = await Promise.all(counters.map(series));
    return all.map((one) => one.map((labels) => ({ ...labels, value: 'any' })));
  };
  loadPolicies();
  follow(scenario.records);
  const before = await Promise.all(counters.map(found));
  const known = await identities();
  const told = scenario.records.length;

  const key = putSick(scenario);
  scenario.reconcile(key);
  scenario.complete(key, { outcome: 'Failed' });
  scenario.reconcile(key);
  follow(scenario.records.slice(told));

  assert.deepEqual(before, [[], [], [], []]);
  assert.deepEqual(await identities(), known);
  assert.deepEqual(await found('sentinel_remediations_total'), [
    { policy: 'shop', action: 'restart', outcome: 'Failed', value: 1 },
  ]);
  assert.deepEqual(
    known[3],
    ['Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown'].map((outcome) => ({
      server: 'docker',
      tool: 'restart_container',
      outcome,
      value: 'any',
    })),
  );
});

it('reads open incidents off the state, also one that nobody told of since the start', async () => {
  const scenario = new Scenario(aPolicy({}, 'shop'));
  scenario.reconcile(putSick(scenario));

  const { found } = measure(scenario);

  assert.deepEqual(await found('sentinel_incidents_open'), [
    { policy: 'shop', severity: 'critical', value: 1 },
  ]);
});

it('has a policy without an open incident at zero', async () => {
  const { series } = measure(new Scenario(aPolicy({}, 'shop')));

  assert.deepEqual(await series('sentinel_incidents_open'), [
    { policy: 'shop', severity: 'warning', value: 0 },
    { policy: 'shop', severity: 'critical', value: 0 },
  ]);
});

it('no longer counts an approval that was denied', async () => {
  const scenario = new Scenario(aPolicy({ remediation: { ...RESTART, mode: 'Approve' } }, 'shop'));
  const key = putSick(scenario);
  scenario.reconcile(key);
  const { follow, series } = measure(scenario);
  const before = await series('sentinel_approvals_pending');
  const { name = '', candidates = [] } = scenario.incident(key) ?? {};

  const data = { candidate: candidates[0]?.id ?? '', reason: 'no' };
  scenario.append({ type: 'approval.denied', incident: name, workload: key, data });
  follow(scenario.records.slice(-1));

  assert.deepEqual(before, [{ value: 1 }]);
  assert.deepEqual(await series('sentinel_approvals_pending'), [{ value: 0 }]);
});

it('says for how many open incidents no action may be done, and why', async () => {
  const scenario = new Scenario(aPolicy({ remediation: RESTART }, 'shop'));
  scenario.readiness = () => ({ ready: false, reason: 'ToolNotPinned', message: 'it is not' });
  scenario.reconcile(putSick(scenario));
  const { found } = measure(scenario);
  const before = await found('sentinel_incidents_blocked');

  scenario.readiness = () => ({ ready: true });
  scenario.reconcile(putSick(scenario));

  assert.deepEqual(before, [{ policy: 'shop', reason: 'ToolsNotReady', value: 1 }]);
  assert.deepEqual(await found('sentinel_incidents_blocked'), []);
});

it('tells that the journal refuses records, though then no record tells of it', async () => {
  const { failJournal, series } = measure(new Scenario(aPolicy()));
  const before = await series('sentinel_journal_up');

  failJournal();

  assert.deepEqual(before, [{ value: 1 }]);
  assert.deepEqual(await series('sentinel_journal_up'), [{ value: 0 }]);
});

it('counts an escalation by its reason', async () => {
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Auto' } }, 'shop'));
  const { follow, loadPolicies, found } = measure(scenario);
  loadPolicies();
  scenario.reconcile(putSick(scenario));

  follow(scenario.records);

  assert.deepEqual(await found('sentinel_escalations_total'), [
    { policy: 'shop', reason: 'NoAction', value: 1 },
  ]);
});
