import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });
const well = (more = {}) => aContainer('web', { health: health('healthy'), ...more });

/** Nothing may be done for now: incidents come and go by themselves. */
function paused(): Scenario {
  const scenario = new Scenario(
    aPolicy({
      remediation: {
        mode: 'Auto',
        allowed: [
          { name: 'restart', tool: 'docker/restart_container' },
          { name: 'recreate', tool: 'docker/recreate_container' },
        ],
      },
    }),
  );
  scenario.append({ type: 'pause.set', data: { scope: 'all', name: '', reason: 'lunch' } });
  return scenario;
}

describe('an incident', () => {
  it('is not opened again for what a person had ended', () => {
    const scenario = paused();
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'kill', { cause: 'Human', stopWindowMs: 20_000 });
    scenario.observe(KEY, 'die', { cause: 'Human', exitCode: 0 });
    scenario.put(sick({ state: 'exited' }));
    scenario.reconcile(KEY);
    const before = scenario.incident(KEY);
    scenario.pass(60_000);
    scenario.observe(KEY, 'start', { cause: 'Human' });
    scenario.put(sick());

    scenario.reconcile(KEY);

    assert.equal(before?.resolution, 'HumanAction');
    assert.notEqual(scenario.incident(KEY)?.name, before.name);
    assert.equal(scenario.incident(KEY)?.reopens, 0);
  });

  it('goes on at its first rung when it comes again before anything was tried', () => {
    const scenario = paused();
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.put(well());
    scenario.reconcile(KEY);
    scenario.append({ type: 'pause.cleared', data: { scope: 'all', name: '', reason: '' } });
    scenario.put(sick());

    scenario.reconcile(KEY);

    const { reopens, attempts } = scenario.incident(KEY) ?? assert.fail('no incident');
    assert.equal(reopens, 1);
    assert.deepEqual(
      attempts.map(({ action }) => action),
      ['restart'],
    );
  });

  it('that ends by itself is no person’s doing for a start of long before', () => {
    const scenario = paused();
    scenario.put(sick());
    scenario.observe(KEY, 'start', { cause: 'Human' });
    scenario.pass(3_600_000);
    scenario.reconcile(KEY);
    scenario.put(well());

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'SelfRecovered');
  });

  it('that keeps coming back must stay well twice as long each time before it is over', () => {
    const scenario = paused();
    const flap = (wellMs: number) => {
      scenario.put(sick());
      scenario.reconcile(KEY);
      scenario.put(well());
      scenario.reconcile(KEY);
      scenario.pass(wellMs);
      scenario.reconcile(KEY);
      return scenario.incident(KEY)?.resolution;
    };

    const ends = [0, 14_999, 15_000, 29_999, 30_000, 59_999, 60_000].map(flap);

    const over = 'SelfRecovered';
    assert.deepEqual(ends, [over, undefined, over, undefined, over, undefined, over]);
    const told = scenario.records.filter(({ type }) => type === 'incident.reopened');
    assert.equal(told.length, 3);
    assert.match(JSON.stringify(told.at(-1)?.data), /over when all was well for 1m"/);
  });

  it('that keeps coming back is over at last when ten minutes were quiet', () => {
    const scenario = paused();
    for (let times = 0; times < 12; times += 1) {
      scenario.put(sick());
      scenario.reconcile(KEY);
      scenario.put(well());
      scenario.reconcile(KEY);
      scenario.pass(599_000);
      scenario.reconcile(KEY);
    }
    const before = scenario.incident(KEY)?.resolution;

    scenario.pass(1_000);
    scenario.reconcile(KEY);

    assert.deepEqual([before, scenario.incident(KEY)?.resolution], [undefined, 'SelfRecovered']);
  });

  it('is not over while the engine rests between two starts', () => {
    const often = {
      name: 'loop',
      signal: 'restarts',
      above: 1,
      window: '1m',
      severity: 'critical',
    };
    const scenario = new Scenario(aPolicy({ thresholds: [often], remediation: { mode: 'Off' } }));
    scenario.put(well());
    for (let times = 0; times < 3; times += 1) {
      scenario.observe(KEY, 'die', { exitCode: 1 });
      scenario.observe(KEY, 'start', { cause: 'Engine' });
    }
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.pass(61_000);

    scenario.put(well({ state: 'restarting' }));
    scenario.reconcile(KEY);
    const resting = scenario.incident(KEY)?.resolution;
    scenario.put(well());
    scenario.reconcile(KEY);

    assert.deepEqual([resting, scenario.incident(KEY)?.resolution], [undefined, 'SelfRecovered']);
  });

  it('asks nobody about a crash that somebody has just mended', () => {
    const crash = { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' };
    const start = { name: 'start', tool: 'docker/start_container', cooldown: '0s' };
    const scenario = new Scenario(
      aPolicy({ thresholds: [crash], remediation: { mode: 'Auto', allowed: [start] } }),
    );
    const down = { exitCode: 1, state: 'exited' } as const;
    scenario.append({ type: 'pause.set', data: { scope: 'all', name: '', reason: '' } });
    scenario.put(aContainer('web', down));
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.reconcile(KEY);
    scenario.append({ type: 'pause.cleared', data: { scope: 'all', name: '', reason: '' } });
    scenario.observe(KEY, 'start', { cause: 'Human' });
    scenario.put(aContainer('web', { startedAtMs: scenario.wallMs }));

    const { recheckAtMs } = scenario.reconcile(KEY);
    scenario.pass(15_000);
    scenario.reconcile(KEY);

    const { escalations = [], resolution } = scenario.incident(KEY) ?? {};
    assert.deepEqual([escalations, resolution], [[], 'HumanAction']);
    assert.equal(recheckAtMs, scenario.nowMs);
  });

  it('that a person has is no news with each change of its candidates', () => {
    const scenario = paused();
    const verdicts = () =>
      scenario.records.filter(({ type }) => type === 'remediation.considered').length;
    scenario.put(sick());
    scenario.reconcile(KEY);
    const incident = scenario.incident(KEY)?.name ?? '';
    const data = { reason: 'LadderExhausted', message: '' } as const;
    scenario.append({ type: 'incident.escalated', incident, workload: KEY, data });

    scenario.append({ type: 'pause.cleared', data: { scope: 'all', name: '', reason: '' } });
    scenario.reconcile(KEY);

    assert.equal(verdicts(), 1);
  });

  for (const [tool, told] of [
    ['docker/restart_container', ['VerificationFailed']],
    ['docker/stop_container', []],
  ] as const) {
    it(`that ${tool} has left down is told when its policy goes, unless it was meant to`, () => {
      const allowed = [{ name: 'act', tool }];
      const scenario = new Scenario(aPolicy({ remediation: { mode: 'Auto', allowed } }));
      scenario.put(sick());
      const intent = scenario.reconcile(KEY).effects[0]?.intent ?? '';
      for (const event of ['kill', 'die'] as const) {
        scenario.observe(KEY, event, { cause: 'Sentinel', intent });
      }
      scenario.complete(KEY, { outcome: 'Succeeded' });
      scenario.put(sick({ state: 'exited' }));
      scenario.policies = [];

      scenario.reconcile(KEY);

      const { escalations = [], resolution } = scenario.incident(KEY) ?? {};
      assert.deepEqual(
        escalations.map(({ reason }) => reason),
        told,
      );
      assert.equal(resolution, 'PolicyChanged');
    });
  }

  it('that a person says yes to, though every action was tried, is acted on once more', () => {
    const scenario = new Scenario(
      aPolicy({
        remediation: {
          mode: 'Approve',
          allowed: [{ name: 'restart', tool: 'docker/restart_container', cooldown: '0s' }],
          verify: { within: '10s', healthyFor: '5s' },
        },
      }),
    );
    scenario.put(sick());
    const say = (type: 'approval.denied' | 'approval.granted') => {
      scenario.reconcile(KEY);
      const incident = scenario.incident(KEY) ?? assert.fail('no incident');
      const candidate = incident.candidates[0]?.id ?? '';
      const data = { candidate, container: incident.workload.id, reason: 'no' };
      scenario.append({ type, incident: incident.name, workload: KEY, data } as never);
    };
    say('approval.granted');
    scenario.reconcile(KEY);
    scenario.complete(KEY);
    scenario.pass(120_000);
    scenario.reconcile(KEY);
    assert.deepEqual(
      scenario.incident(KEY)?.escalations.map(({ reason }) => reason),
      ['LadderExhausted'],
    );
    scenario.pass(600_000);

    say('approval.granted');

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('that a person says yes to in vain is left to that person again, once', () => {
    const scenario = new Scenario(
      aPolicy({
        remediation: {
          mode: 'Approve',
          allowed: [
            { name: 'restart', tool: 'docker/restart_container', limit: { max: 1, per: '24h' } },
          ],
          verify: { within: '10s', healthyFor: '5s' },
        },
      }),
    );
    scenario.put(sick());
    const grant = () => {
      scenario.reconcile(KEY);
      const { name: incident, workload, candidates } = scenario.incident(KEY) ?? assert.fail();
      const data = { candidate: candidates[0]?.id ?? '', container: workload.id };
      scenario.append({ type: 'approval.granted', incident, workload: KEY, data });
      return scenario.reconcile(KEY).effects.length;
    };
    assert.equal(grant(), 1);
    scenario.complete(KEY);
    scenario.pass(120_000);
    scenario.reconcile(KEY);
    const before = scenario.incident(KEY)?.escalations.length ?? 0;
    scenario.pass(60_000);

    assert.equal(grant(), 0);

    assert.equal(scenario.incident(KEY)?.escalations.length, before + 1);
  });

  it('of a child that is killed for want of memory again and again is told', () => {
    const oom = { name: 'oom', signal: 'oomKilled', severity: 'critical' };
    const start = { name: 'start', tool: 'docker/start_container' };
    const scenario = new Scenario(
      aPolicy({ thresholds: [oom], remediation: { mode: 'Auto', allowed: [start] } }),
    );
    scenario.put(aContainer('web'));

    for (let times = 0; times < 20; times += 1) {
      scenario.observe(KEY, 'oom', { cause: 'Unknown' });
      scenario.reconcile(KEY);
      scenario.pass(6_000);
    }

    assert.deepEqual(
      scenario.incident(KEY)?.escalations.map(({ reason }) => reason),
      ['NoAction'],
    );
  });

  it('is not over, nor its action verified, when the probe has lost its way that opened it', () => {
    const up = { name: 'up', signal: 'probe.tcp', probe: { port: 80 }, severity: 'critical' };
    const scenario = new Scenario(
      aPolicy({
        thresholds: [up],
        startPeriod: '0s',
        remediation: { mode: 'Auto', allowed: [{ name: 'act', tool: 'docker/restart_container' }] },
      }),
    );
    const probed = (reading: object) => {
      const probes = { up: { failures: 0, atMs: scenario.nowMs, message: '', ...reading } };
      scenario.put(aContainer('web'), { probes });
      scenario.reconcile(KEY);
    };
    probed({ failures: 3 });
    scenario.complete(KEY);
    scenario.pass(60_000);
    probed({ unroutable: true });
    scenario.pass(60_000);
    probed({ unroutable: true });

    const { attempts = [], resolution } = scenario.incident(KEY) ?? {};
    assert.deepEqual([attempts[0]?.verification, resolution], ['Failed', undefined]);
  });
});
