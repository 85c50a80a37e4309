import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

it('what is told late counts from when it happened', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  const { nowMs } = scenario;

  scenario.observe(KEY, 'create', { cause: 'Human', lateMs: 60_000 });
  scenario.observe(KEY, 'start', { cause: 'Human', lateMs: 50_000 });
  scenario.observe(KEY, 'stop', { cause: 'Human', lateMs: 40_000 });

  const { deployedAtMs, starts = [], hold } = scenario.state.workloads[KEY] ?? {};
  assert.deepEqual(
    [deployedAtMs, starts[0]?.atMs, hold?.sinceMs],
    [nowMs - 60_000, nowMs - 50_000, nowMs - 40_000],
  );
});

it('a restart counts also where its exit and its start are told at once', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));

  for (const _ of [1, 2]) {
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.observe(KEY, 'start', { cause: 'Engine' });
  }

  const { starts = [] } = scenario.state.workloads[KEY] ?? {};
  assert.deepEqual(
    starts.map(({ afterCrash }) => afterCrash),
    [true, true],
  );
});

it('an exit whose start was told at once witnesses nothing of what ended the run after it', () => {
  const down = { name: 'down', signal: 'state', equals: 'exited', severity: 'critical' };
  const scenario = new Scenario(aPolicy({ thresholds: [down] }));
  scenario.put(aContainer('web'));
  scenario.observe(KEY, 'die', { exitCode: 1 });
  scenario.observe(KEY, 'start', { cause: 'Engine' });
  scenario.put(aContainer('web', { state: 'exited', exitCode: 0 }));

  scenario.reconcile(KEY);

  assert.deepEqual(scenario.blockedBy(KEY), { restart: ['IntentUnknown'] });
});

it('what is found running again has left its last exit behind', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  scenario.observe(KEY, 'die', { exitCode: 1 });

  scenario.observe(KEY, 'found', { state: 'running', cause: 'Unknown' });

  assert.equal(scenario.state.workloads[KEY]?.exit?.startedSince, true);
});

it('an exit from before the run that has ended witnesses nothing of it', () => {
  const down = { name: 'down', signal: 'state', equals: 'exited', severity: 'critical' };
  const scenario = new Scenario(aPolicy({ thresholds: [down] }));
  scenario.put(aContainer('web'));
  scenario.observe(KEY, 'die', { exitCode: 1 });
  scenario.pass(60_000);
  const startedAtMs = scenario.wallMs - 30_000;
  scenario.put(aContainer('web', { state: 'exited', exitCode: 137, startedAtMs }));

  scenario.reconcile(KEY);

  assert.deepEqual(scenario.blockedBy(KEY), { restart: ['IntentUnknown'] });
});

it('an action of unknown outcome leaves in doubt who has ended the container last', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  const { effects } = scenario.reconcile(KEY);
  const intent = effects[0]?.intent ?? '';
  for (const event of ['start', 'kill', 'die'] as const) {
    scenario.observe(KEY, event, { cause: 'Sentinel', intent });
  }
  scenario.put(aContainer('web', { state: 'exited' }));

  scenario.complete(KEY, { outcome: 'OutcomeUnknown' });

  assert.equal(scenario.state.workloads[KEY]?.unknown?.state, 'exited');
});

it('an exit after the unknown end of an action leaves in doubt whose it was, until a start', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  const intent = scenario.reconcile(KEY).effects[0]?.intent ?? '';
  scenario.complete(KEY, { outcome: 'OutcomeUnknown' });

  scenario.observe(KEY, 'kill', { cause: 'Sentinel', intent });
  scenario.observe(KEY, 'die', { cause: 'Sentinel', intent });
  const down = scenario.state.workloads[KEY]?.unknown?.state;
  scenario.observe(KEY, 'start', { cause: 'Sentinel', intent });

  assert.deepEqual([down, scenario.state.workloads[KEY]?.unknown], ['exited', undefined]);
});

it('an exit and a kill for want of memory are of an earlier run once it was started again', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  const heard = () => {
    const { exit, oom } = scenario.state.workloads[KEY] ?? {};
    return [exit?.startedSince, oom?.startedSince];
  };

  scenario.observe(KEY, 'oom');
  scenario.observe(KEY, 'die', { exitCode: 137 });
  assert.deepEqual(heard(), [undefined, undefined]);
  scenario.observe(KEY, 'start', { cause: 'Engine' });
  assert.deepEqual(heard(), [true, true]);
  scenario.observe(KEY, 'oom');
  assert.deepEqual(heard(), [true, undefined], 'a child process');
});

it('a restart by hand holds for startPeriod, also when the container starts again in it', () => {
  const scenario = new Scenario(aPolicy({ startPeriod: '30s' }));
  const sick = () =>
    scenario.put(
      aContainer('web', { health: health('unhealthy'), startedAtMs: scenario.wallMs - 5_000 }),
    );
  sick();
  scenario.observe(KEY, 'start', { cause: 'Human' });
  scenario.observe(KEY, 'restart', { cause: 'Human' });
  scenario.pass(1_000);
  scenario.observe(KEY, 'die', { exitCode: 1 });
  scenario.observe(KEY, 'start', { cause: 'Engine' });
  sick();

  const during = scenario.reconcile(KEY).effects;
  const held = scenario.blockedBy(KEY);
  scenario.pass(30_000);
  const after = scenario.reconcile(KEY).effects;

  assert.deepEqual(during, []);
  assert.deepEqual(held, { restart: ['HumanAction'] });
  assert.equal(after.length, 1);
});

it('a removed workload is forgotten with its ledgers, when no limit counts them any more', () => {
  const scenario = new Scenario(aPolicy());
  const removed = (name: string) => {
    const key = scenario.put(aContainer(name, { health: health('unhealthy') }));
    scenario.reconcile(key);
    scenario.complete(key);
    scenario.views.delete(key);
    scenario.observe(key, 'destroy', { cause: 'Human' });
    scenario.reconcile(key);
    return key;
  };
  const old = removed('run-1');
  scenario.pass(20 * 86_400_000);
  const recent = removed('run-2');
  assert.ok(scenario.state.ledger[old]);
  scenario.pass(12 * 86_400_000);
  removed('run-3');

  assert.equal(scenario.state.ledger[old], undefined);
  assert.equal(scenario.state.workloads[old], undefined);
  assert.ok(scenario.state.ledger[recent]);
});

it('an OOM kill is outlived by the longest run since, or by the rest of its own', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  const outlivedMs = () => scenario.state.workloads[KEY]?.oom?.steadyMs;
  const endAfter = (ms: number) => {
    scenario.pass(ms);
    scenario.observe(KEY, 'die', { exitCode: 1 });
    return outlivedMs();
  };
  scenario.observe(KEY, 'start', { cause: 'Human' });
  scenario.pass(60_000);
  scenario.observe(KEY, 'oom', { cause: 'Unknown' });

  const child = endAfter(5_000);
  scenario.pass(60_000);
  scenario.observe(KEY, 'start', { cause: 'Human' });
  const shorter = endAfter(2_000);
  scenario.observe(KEY, 'start', { cause: 'Human' });
  const longer = endAfter(20_000);

  assert.deepEqual([child, shorter, longer], [5_000, 5_000, 20_000]);
});

it('an OOM kill is none of the container that comes after', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  scenario.observe(KEY, 'oom', { cause: 'Unknown' });
  const before = scenario.state.workloads[KEY]?.oom;

  scenario.put(aContainer('web', { id: 'b'.repeat(64) }));
  scenario.observe(KEY, 'create', { cause: 'Human' });

  assert.equal(before?.atMs, scenario.nowMs);
  assert.equal(scenario.state.workloads[KEY]?.oom, undefined);
});

it('a crash counts for the start that follows it, and for no other', () => {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web'));
  for (const event of ['start', 'die', 'start', 'start'] as const) {
    scenario.pass(1_000);
    scenario.observe(KEY, event, event === 'die' ? { exitCode: 1 } : { cause: 'Engine' });
  }

  assert.deepEqual(
    scenario.state.workloads[KEY]?.starts.map(({ afterCrash }) => afterCrash),
    [false, true, false],
  );
});

it('a removed workload is kept while its incident is open', () => {
  const scenario = new Scenario();
  scenario.put(aContainer('web'));
  scenario.observe(KEY, 'destroy', { cause: 'Engine' });
  scenario.append({
    type: 'incident.opened',
    workload: KEY,
    policy: { name: 'web', digest: '', commit: '' },
    data: {
      workload: { key: KEY, host: 'box', container: 'web', id: '', image: '' },
      policyGeneration: 1,
      threshold: 'gone',
      severity: 'critical',
      breached: ['gone'],
      evidence: [],
      fingerprint: '',
      message: 'gone breached',
    },
  });
  scenario.pass(2 * 86_400_000);
  const other = scenario.put(aContainer('other'));

  scenario.observe(other, 'destroy', { cause: 'Human' });

  assert.ok(scenario.state.workloads[KEY]);
});
