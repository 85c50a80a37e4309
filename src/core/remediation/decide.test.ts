import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario, START_MS } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });
const well = (more = {}) => aContainer('web', { health: health('healthy'), ...more });
const LADDER = {
  remediation: {
    mode: 'Auto',
    allowed: [
      { name: 'restart', tool: 'docker/restart_container', cooldown: '0s' },
      { name: 'signal', tool: 'docker/kill_container', cooldown: '0s' },
    ],
    backoff: { initial: '1s' },
  },
};

/** The workload is sick, and the first action was called and ended. */
function acted(spec: object = {}): Scenario {
  const scenario = new Scenario(aPolicy(spec));
  scenario.put(sick());
  assert.equal(scenario.reconcile(KEY).effects.length, 1);
  scenario.complete(KEY);
  return scenario;
}

/** The container was started anew just now, and nothing is wrong with it. */
function startedWell(scenario: Scenario): void {
  const ended = { endedAtMs: scenario.wallMs + 1 };
  scenario.put(well({ startedAtMs: scenario.wallMs, health: health('healthy', ended) }));
}

describe('an incident', () => {
  it('is opened once for one trouble, and more breaches join it', () => {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [
          { name: 'unhealthy', signal: 'health', severity: 'warning' },
          { name: 'cpu', signal: 'cpu.utilization', above: 0.9, severity: 'critical' },
        ],
        remediation: { mode: 'Shadow' },
      }),
    );
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.put(sick(), { gauges: { 'cpu.utilization': { kind: 'Value', value: 1, atMs: 0 } } });

    scenario.reconcile(KEY);

    const incidents = Object.values(scenario.state.incidents);
    assert.equal(incidents.length, 1);
    assert.deepEqual(incidents[0]?.breached, ['unhealthy', 'cpu']);
    assert.equal(incidents[0]?.severity, 'critical');
  });

  it('resolves as SelfRecovered when nothing was done', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.put(well());

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'SelfRecovered');
  });

  it('stays open while the breached signal is unknown', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.put(sick({ state: 'exited' }));

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, undefined);
  });

  it('is reopened by a breach within ten minutes, and goes on to the next rung', () => {
    const scenario = acted(LADDER);
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(15_000);
    scenario.reconcile(KEY);
    scenario.pass(60_000);
    scenario.put(sick());

    scenario.reconcile(KEY);

    const incidents = Object.values(scenario.state.incidents);
    assert.equal(incidents.length, 1);
    assert.deepEqual(
      incidents[0]?.attempts.map(({ action }) => action),
      ['restart', 'signal'],
    );
  });

  it('is another one after ten quiet minutes', () => {
    const scenario = acted(LADDER);
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(15_000);
    scenario.reconcile(KEY);
    scenario.pass(601_000);
    scenario.put(sick());

    scenario.reconcile(KEY);

    assert.equal(Object.values(scenario.state.incidents).length, 2);
  });

  it('is never opened for what a person stopped', () => {
    const scenario = new Scenario(
      aPolicy({ thresholds: [{ name: 'crash', signal: 'exit', severity: 'critical' }] }),
    );
    scenario.put(aContainer('web'));
    scenario.observe(KEY, 'kill', { cause: 'Human', stopWindowMs: 20_000 });
    scenario.observe(KEY, 'die', { cause: 'Human', exitCode: 137 });
    scenario.put(aContainer('web', { state: 'exited', exitCode: 137 }));

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.equal(scenario.incident(KEY), undefined);
  });

  it('ends as HumanAction when a person stops the workload', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'stop', { cause: 'Human' });
    scenario.put(sick({ state: 'exited' }));

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'HumanAction');
  });

  it('ends as PolicyChanged when its policy does not govern any more', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.policies = [];

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'PolicyChanged');
  });

  it('waits for a container that was removed to come again before it ends', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'destroy', { cause: 'Engine' });
    const { container: _, ...gone } = scenario.views.get(KEY) ?? assert.fail();
    scenario.views.set(KEY, gone);

    const { recheckAtMs } = scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, undefined);
    scenario.pass((recheckAtMs ?? 0) - scenario.nowMs);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, 'WorkloadRemoved');
  });

  it('stays with its policy while there is no container that could be selected', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'destroy', { cause: 'Engine' });
    scenario.views.delete(KEY);

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, undefined);
    scenario.pass(20_000);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, 'WorkloadRemoved');
  });

  it('waits while several containers claim its workload', () => {
    const scenario = new Scenario(aPolicy({ remediation: { mode: 'Shadow' } }));
    scenario.put(sick());
    scenario.reconcile(KEY);
    const { container: _, ...claimed } = scenario.views.get(KEY) ?? assert.fail();
    scenario.views.set(KEY, { ...claimed, ambiguous: ['a', 'b'] });
    scenario.pass(60_000);

    scenario.reconcile(KEY);

    const incident = scenario.incident(KEY);
    assert.equal(incident?.resolution, undefined);
    assert.deepEqual(incident?.escalations, []);
    scenario.put(well());
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, 'SelfRecovered');
  });
});

describe('an exit', () => {
  const policy = aPolicy({
    thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
  });

  it('of a crash is acted on', () => {
    const scenario = new Scenario(policy);
    scenario.put(aContainer('web'));
    scenario.observe(KEY, 'die', { exitCode: 1 });
    scenario.put(aContainer('web', { state: 'exited', exitCode: 1 }));

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('is left to the engine while it restarts the container itself', () => {
    const scenario = new Scenario(policy);
    const restartPolicy = { name: 'always', maximumRetryCount: 0 } as const;
    scenario.observe(scenario.put(aContainer('web', { restartPolicy })), 'die', { exitCode: 1 });
    scenario.put(aContainer('web', { restartPolicy, state: 'restarting' }));
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'start', { cause: 'Engine' });
    scenario.put(aContainer('web', { restartPolicy, startedAtMs: START_MS }));

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY), undefined);
  });

  it('with a code that the threshold does not name is none', () => {
    const scenario = new Scenario(policy);
    scenario.observe(scenario.put(aContainer('web')), 'die', { exitCode: 0 });
    scenario.put(aContainer('web', { state: 'exited' }));

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY), undefined);
  });
});

describe('verification', () => {
  it('passes when the container has been well for healthyFor, and resolves the incident', () => {
    const scenario = acted();
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(14_999);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, undefined);
    scenario.pass(1);

    const { effects } = scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'Remediated');
    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Settle'],
    );
  });

  it('starts to count anew when the container was started anew', () => {
    const scenario = acted();
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(10_000);
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(14_000);

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, undefined);
  });

  for (const [what, breaks, end] of [
    ['goes on for what is well at the deadline', false, 'verification.passed'],
    ['fails what does not hold beyond the deadline', true, 'verification.failed'],
  ] as const) {
    it(what, () => {
      // A HEALTHCHECK would move the deadline by itself.
      const isUsing = (value: number) => {
        const atMs = scenario.nowMs;
        scenario.put(aContainer('web'), {
          gauges: { 'cpu.utilization': { kind: 'Value', value, atMs } },
        });
      };
      const scenario = new Scenario(
        aPolicy({
          thresholds: [{ name: 'cpu', signal: 'cpu.utilization', above: 0.9, severity: 'warning' }],
          remediation: { ...LADDER.remediation, verify: { within: '20s', healthyFor: '60s' } },
        }),
      );
      isUsing(1);
      scenario.reconcile(KEY);
      scenario.complete(KEY);
      scenario.pass(19_999);
      isUsing(0.1);
      scenario.reconcile(KEY);
      scenario.pass(59_999);
      const { recheckAtMs } = scenario.reconcile(KEY);
      const isOpen = scenario.types().every((type) => !type.startsWith('verification.'));
      if (breaks) isUsing(1);
      scenario.pass(1);

      scenario.reconcile(KEY);

      assert.deepEqual([isOpen, recheckAtMs], [true, scenario.nowMs]);
      assert.ok(scenario.types().includes(end));
    });
  }

  it('does not take the tool’s word for it', () => {
    const scenario = acted();

    scenario.pass(90_000);
    scenario.reconcile(KEY);

    assert.ok(scenario.types().includes('verification.failed'));
  });

  it('that fails goes on to the next rung after the backoff, and never before', () => {
    const scenario = acted({
      remediation: { ...LADDER.remediation, backoff: { initial: '5m' } },
    });
    scenario.pass(90_000);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.attempts.length, 1);
    scenario.pass(210_000);

    scenario.reconcile(KEY);

    assert.deepEqual(
      scenario.incident(KEY)?.attempts.map(({ action }) => action),
      ['restart', 'signal'],
    );
  });

  it('that fails on the last rung escalates once and is left to a person', () => {
    const scenario = acted();
    scenario.pass(90_000);
    scenario.reconcile(KEY);
    scenario.pass(3_600_000);

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.deepEqual(
      scenario.incident(KEY)?.escalations.map(({ reason }) => reason),
      ['LadderExhausted'],
    );
  });

  it('fails at once when the container ends again and nothing would start it', () => {
    const scenario = acted();
    scenario.pass(2_000);
    scenario.observe(KEY, 'die', { exitCode: 2 });
    scenario.put(sick({ state: 'exited', exitCode: 2 }));

    scenario.reconcile(KEY);

    assert.ok(scenario.types().includes('verification.failed'));
  });

  it('is given up when a person stops the container, and nothing more is done', () => {
    const scenario = acted(LADDER);
    scenario.observe(KEY, 'stop', { cause: 'Human' });
    scenario.put(sick({ state: 'exited' }));
    scenario.pass(600_000);

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.equal(scenario.incident(KEY)?.resolution, 'HumanAction');
  });

  it('escalates an event that the action does not explain, and does not act again', () => {
    const scenario = acted(LADDER);
    const intent = scenario.incident(KEY)?.attempts[0]?.intent ?? '';
    scenario.observe(KEY, 'kill', { cause: 'Human', intent });
    scenario.observe(KEY, 'start', { cause: 'Human' });

    scenario.reconcile(KEY);
    scenario.pass(600_000);
    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.deepEqual(
      scenario.incident(KEY)?.escalations.map(({ reason }) => reason),
      ['ForeignEvent'],
    );
  });

  it('is a person’s to end once somebody meddled with the action', () => {
    const scenario = acted(LADDER);
    const intent = scenario.incident(KEY)?.attempts[0]?.intent ?? '';
    scenario.observe(KEY, 'kill', { cause: 'Human', intent });
    scenario.observe(KEY, 'start', { cause: 'Sentinel', intent });
    scenario.reconcile(KEY);

    startedWell(scenario);
    scenario.pass(15_000);
    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'HumanAction');
  });

  it('of an unknown outcome observes, and never repeats the action blindly', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.complete(KEY, { outcome: 'OutcomeUnknown' });

    const first = scenario.reconcile(KEY);
    scenario.pass(89_000);
    const second = scenario.reconcile(KEY);

    assert.deepEqual([...first.effects, ...second.effects], []);
  });

  it('waits for a restart of unknown outcome that has only stopped the container yet', () => {
    const scenario = new Scenario(aPolicy(LADDER));
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.complete(KEY, { outcome: 'OutcomeUnknown' });
    scenario.pass(100);
    scenario.observe(KEY, 'die', { cause: 'Sentinel', exitCode: 137 });
    scenario.put(aContainer('web', { state: 'exited', exitCode: 137 }));

    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.attempts[0]?.verification, 'Pending');
  });

  it('of a stop looks for a container that is stopped, and keeps being so', () => {
    const scenario = new Scenario(
      aPolicy({
        remediation: {
          ...LADDER.remediation,
          allowed: [{ name: 'off', tool: 'docker/stop_container' }],
        },
      }),
    );
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.observe(KEY, 'die', { cause: 'Sentinel', exitCode: 143 });
    scenario.put(aContainer('web', { state: 'exited', exitCode: 143 }));
    scenario.complete(KEY);

    scenario.reconcile(KEY);
    scenario.pass(60_000);
    scenario.reconcile(KEY);

    const [incident] = Object.values(scenario.state.incidents);
    assert.equal(incident?.resolution, 'Remediated');
  });

  it('that fails rolls a reversible change back', () => {
    const scenario = new Scenario(
      aPolicy({
        remediation: {
          mode: 'Auto',
          allowed: [
            { name: 'more', tool: 'docker/update_resources', arguments: { memory: '128m' } },
          ],
          verify: { onFailure: 'Rollback' },
        },
      }),
    );
    scenario.put(sick({ limits: { memoryBytes: 64 * 2 ** 20 } }));
    scenario.reconcile(KEY);
    scenario.complete(KEY, { result: { previous: { memory: 64 * 2 ** 20 } } });
    scenario.pass(90_000);

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Rollback'],
    );
  });
});

describe('an incident for which nothing can be done', () => {
  it('is told once, when that has lasted', () => {
    const scenario = new Scenario(aPolicy());
    scenario.readiness = () => ({ ready: false, reason: 'ServerUnavailable', message: 'gone' });
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.pass(14 * 60_000);
    scenario.reconcile(KEY);
    assert.deepEqual(scenario.incident(KEY)?.escalations, []);

    scenario.pass(2 * 60_000);
    scenario.reconcile(KEY);
    scenario.pass(60 * 60_000);
    scenario.reconcile(KEY);

    const [told, ...more] = scenario.incident(KEY)?.escalations ?? [];
    assert.equal(told?.reason, 'Blocked');
    assert.match(told.message, /ServerUnavailable: gone/);
    assert.deepEqual(more, []);
    scenario.readiness = () => ({ ready: true });
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('is not told of what ends by itself, or what people have asked for', () => {
    const scenario = new Scenario(aPolicy());
    const pause = { scope: 'all', name: '', reason: 'work on it' } as const;
    scenario.append({ type: 'pause.set', actor: 'operator:ann', data: pause });
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.pass(60 * 60_000);
    scenario.reconcile(KEY);

    assert.deepEqual(scenario.incident(KEY)?.escalations, []);
  });
});

describe('a secret that is not set', () => {
  it('is told to a person, and nothing is begun with it', () => {
    const scenario = new Scenario(aPolicy());
    scenario.over = { missingSecret: () => 'KEY' };
    scenario.put(sick());

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { restart: ['ArgumentsInvalid'] });
    assert.match(scenario.incident(KEY)?.escalations[0]?.message ?? '', /secret KEY is not set/);
  });
});

describe('a limit that is reached', () => {
  it('escalates once, quarantines, and releases when the workload has stayed well', () => {
    const scenario = acted({
      remediation: {
        ...LADDER.remediation,
        allowed: [
          {
            name: 'restart',
            tool: 'docker/restart_container',
            cooldown: '0s',
            limit: { max: 1, per: '1h' },
          },
        ],
      },
    });
    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(15_000);
    scenario.reconcile(KEY);
    scenario.pass(60_000);
    scenario.put(sick());
    scenario.reconcile(KEY);
    scenario.reconcile(KEY);
    assert.deepEqual(
      scenario.incident(KEY)?.escalations.map(({ reason }) => reason),
      ['LimitReached'],
    );
    assert.ok(scenario.state.quarantined[KEY]);

    startedWell(scenario);
    scenario.reconcile(KEY);
    scenario.pass(300_000);
    scenario.put(sick());
    scenario.reconcile(KEY);
    // The same run, well again: it counts from here.
    scenario.put(well());
    scenario.reconcile(KEY);
    scenario.pass(599_000);
    scenario.reconcile(KEY);
    assert.equal(scenario.incident(KEY)?.resolution, undefined);
    scenario.pass(2_000);
    scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.resolution, 'SelfRecovered');
    assert.equal(scenario.state.quarantined[KEY], undefined);
  });
});

describe('Shadow', () => {
  it('spends a ledger of its own, and is followed once verify.within has passed', () => {
    const scenario = new Scenario(
      aPolicy({ remediation: { ...LADDER.remediation, mode: 'Shadow' } }),
    );
    scenario.put(sick());
    scenario.reconcile(KEY);
    assert.deepEqual(scenario.state.ledger, {});
    assert.equal(scenario.types().filter((type) => type === 'shadow.decided').length, 1);
    scenario.put(well());
    scenario.pass(90_000);

    scenario.reconcile(KEY);

    const followed = scenario.records.find(({ type }) => type === 'shadow.followed');
    assert.equal(
      followed && 'selfRecovered' in followed.data && followed.data.selfRecovered,
      'yes',
    );
  });
});

describe('a storm', () => {
  it('is told once, however many incidents it has', () => {
    const scenario = new Scenario(
      aPolicy({ remediation: { ...LADDER.remediation, storm: { above: 2, within: '1m' } } }),
    );
    const keys = Array.from({ length: 8 }, (_, index) =>
      scenario.put(aContainer(`web-${index}`, { health: health('unhealthy') })),
    );

    const effects = keys.flatMap((key) => scenario.reconcile(key).effects);

    const told = scenario.records.filter(({ type }) => type === 'incident.escalated');
    assert.equal(told.length, 1);
    assert.ok(effects.length <= 1, `${effects.length} actions in a storm`);
  });
});
