import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LedgerEntry } from '#core/journal/state.ts';
import { aContainer, aPolicy, health, Scenario, START_MS } from '../../../test/support/scenario.ts';
import { reconsider } from './reconsider.ts';
import { REFUSAL_REASONS, type RefusalReason } from './refusal.ts';

const sick = (more = {}) => aContainer('web', { health: health('unhealthy'), ...more });
const remediation = (more: object, action: object = {}) => ({
  remediation: {
    mode: 'Auto',
    allowed: [{ name: 'restart', tool: 'docker/restart_container', ...action }],
    ...more,
  },
});
const oneAction = (tool: string, args: object = {}) =>
  aPolicy(remediation({ allowed: [{ name: 'act', tool, arguments: args }] }, {}));

/** One way to make each guard say no: everything else would let the candidate pass. */
const DENIALS: Partial<Record<RefusalReason, () => Scenario>> = {
  ModeOff: () => withSick(new Scenario(aPolicy(remediation({ mode: 'Off' })))),
  SelfProtection() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.over = { protected: new Map([[sick().id, 'its Redis']]) };
    return scenario;
  },
  Unsupported: () =>
    withSick(new Scenario(aPolicy()), { labels: { 'com.docker.swarm.task.id': 'x' } }),
  AmbiguousWorkload() {
    const scenario = new Scenario(aPolicy());
    scenario.put(sick(), { ambiguous: ['a', 'b'] });
    return scenario;
  },
  SentinelPaused() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.append({ type: 'pause.set', data: { scope: 'all', name: '', reason: 'lunch' } });
    return scenario;
  },
  WorkloadPaused: () =>
    withSick(new Scenario(aPolicy()), { labels: { 'sre-sentinel.pause': 'true' } }),
  HumanAction() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.observe(KEY, 'restart', { cause: 'Human' });
    return scenario;
  },
  IntentUnknown() {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [{ name: 'down', signal: 'state', equals: 'exited', severity: 'critical' }],
      }),
    );
    scenario.put(sick({ state: 'exited' }));
    scenario.observe(KEY, 'found', { state: 'exited', cause: 'Unknown', exitCode: 1 });
    return scenario;
  },
  DeploymentInProgress() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.observe(KEY, 'create', { cause: 'Human' });
    return scenario;
  },
  EngineRestarting() {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [{ name: 'loop', signal: 'state', equals: 'restarting', severity: 'critical' }],
      }),
    );
    scenario.put(sick({ state: 'restarting' }));
    return scenario;
  },
  Settling() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.over = { settlingUntilMs: scenario.nowMs + 1 };
    return scenario;
  },
  NeedsRecreate: () =>
    withSick(new Scenario(aPolicy()), { shares: [{ kind: 'network', owner: 'f'.repeat(64) }] }),
  ActionInFlight() {
    const scenario = withSick(new Scenario(aPolicy(remediation({ budget: { maxConcurrent: 9 } }))));
    const owner = scenario.put(aContainer('owner', { health: health('unhealthy') }));
    scenario.put(sick({ shares: [{ kind: 'network', owner: 'owner' }] }));
    scenario.reconcile(owner);
    return scenario;
  },
  DependencyFailing() {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('db', { state: 'exited' }));
    scenario.put(sick({ shares: [{ kind: 'network', owner: 'db' }] }));
    return scenario;
  },
  LogTriggered() {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [
          { name: 'errors', signal: 'log.errors', above: 1, window: '1m', severity: 'warning' },
        ],
        ...remediation({}, { on: ['errors'] }),
      }),
    );
    scenario.put(aContainer('web'), {
      logs: {
        coveredSinceMs: 0,
        rate: () => 9,
        matches: () => 9,
        errors: () => 9,
        anomalies: () => 9,
        unusual: () => [],
      },
    });
    return scenario;
  },
  DeniedWindow: () =>
    withSick(new Scenario(aPolicy(remediation({ windows: { deny: ['0 0 * * * / 24h'] } })))),
  StormActive() {
    const scenario = new Scenario(aPolicy(remediation({ storm: { above: 1, within: '1m' } })));
    scenario.put(aContainer('other', { health: health('unhealthy') }));
    scenario.reconcile('box/other');
    return withSick(scenario);
  },
  Backoff: () => tried(remediation({ backoff: { initial: '10m' } }, { cooldown: '0s' }), 60_000),
  Cooldown: () => tried(remediation({ backoff: { initial: '1s' } }, { cooldown: '10m' }), 60_000),
  LimitReached: () =>
    tried(
      remediation({ backoff: { initial: '1s' } }, { cooldown: '0s', limit: { max: 1, per: '1h' } }),
      60_000,
    ),
  BudgetExhausted() {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('other', { health: health('unhealthy') }));
    scenario.reconcile('box/other');
    return withSick(scenario);
  },
  HostBudgetExhausted() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.over = { maxActions: { max: 1, perMs: 60_000 } };
    scenario.state.hostLedger.push({ intent: 'x', atMs: scenario.nowMs });
    return scenario;
  },
  DependentNotPermitted() {
    const scenario = withSick(new Scenario(aPolicy({ selector: { names: ['web'] } })));
    scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }] }));
    return scenario;
  },
  ToolsNotReady() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.readiness = () => ({ ready: false, reason: 'ServerUnavailable', message: 'away' });
    return scenario;
  },
  NoChange: () =>
    withSick(new Scenario(oneAction('docker/update_resources', { memory: '64m' })), {
      limits: { memoryBytes: 64 * 2 ** 20 },
    }),
  ArgumentsInvalid: () =>
    withSick(new Scenario(oneAction('docker/update_resources', { memory: '32m' })), {
      limits: { memoryBytes: 64 * 2 ** 20 },
    }),
  JournalUnavailable() {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.over = { journalAvailable: false };
    return scenario;
  },
  Denied() {
    const scenario = withSick(new Scenario(aPolicy(remediation({ mode: 'Approve' }))));
    scenario.reconcile(KEY);
    const { name: incident, approval } = scenario.incident(KEY) ?? assert.fail('no incident');
    const data = { candidate: approval?.candidate ?? '', reason: 'no' };
    scenario.append({ type: 'approval.denied', incident, workload: KEY, data });
    return scenario;
  },
  ApprovalRequired: () => withSick(new Scenario(aPolicy(remediation({ mode: 'Approve' })))),
  Shadow: () => withSick(new Scenario(aPolicy(remediation({ mode: 'Shadow' })))),
};

const KEY = 'box/web';

function withSick(scenario: Scenario, more = {}): Scenario {
  scenario.put(sick(more));
  return scenario;
}

/** An action was started, and helped for a while; then the trouble came back. */
function tried(spec: object, laterMs: number): Scenario {
  const scenario = withSick(new Scenario(aPolicy(spec)));
  assert.equal(scenario.reconcile(KEY).effects.length, 1);
  scenario.complete(KEY);
  scenario.put(aContainer('web', { health: health('healthy') }));
  scenario.reconcile(KEY);
  scenario.pass(20_000);
  scenario.reconcile(KEY);
  assert.equal(scenario.incident(KEY)?.resolution, 'Remediated');
  scenario.pass(laterMs - 20_000);
  return withSick(scenario);
}

describe('the gate', () => {
  it('lets the candidate pass when no guard objects', () => {
    const scenario = withSick(new Scenario(aPolicy()));

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Execute'],
    );
    assert.deepEqual(scenario.blockedBy(KEY), { restart: [] });
  });

  for (const [reason, arrange] of Object.entries(DENIALS)) {
    it(`denies for ${reason}`, () => {
      const scenario = arrange();

      const { effects } = scenario.reconcile(KEY);

      assert.deepEqual(
        effects.filter(({ kind }) => kind === 'Execute'),
        [],
      );
      const reasons = Object.values(scenario.blockedBy(KEY)).flat();
      assert.ok(reasons.includes(reason), `${reason} is not among ${reasons.join(', ')}`);
    });
  }

  for (const [what, more] of [
    ['would be removed with its end', { autoRemove: true }],
    ['is Swarm’s', { labels: { 'com.docker.swarm.task.id': 'x' } }],
  ] as const) {
    it(`denies a recreation that would take along what ${what}`, () => {
      const scenario = withSick(new Scenario(oneAction('docker/recreate_container')));
      scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }], ...more }));

      scenario.reconcile(KEY);

      assert.deepEqual(scenario.blockedBy(KEY), { act: ['DependentNotPermitted'] });
    });
  }

  describe('of a dependent, by its own policy,', () => {
    const minutesAgo = (minutes: number, more: object = {}) => ({
      intent: `i${minutes}`,
      action: 'bounce',
      policy: 'client',
      incident: 'x',
      atMs: START_MS - minutes * 60_000,
      ...more,
    });

    for (const [what, own, action, starts, says, isPassing] of [
      [
        'the hours',
        { windows: { deny: ['0 0 * * * / 24h'] } },
        {},
        [],
        /^it also touches box\/client: policy client: denied by 0 0 \* \* \* \/ 24h, for another/,
        true,
      ],
      [
        'the cooldown',
        {},
        { cooldown: '10m' },
        [minutesAgo(9)],
        /^it also touches box\/client: policy client: bounce has a cooldown, for another 1m$/,
        true,
      ],
      [
        'the limit',
        {},
        { cooldown: '0s', limit: { max: 1, per: '1h' } },
        [minutesAgo(59)],
        /^it also touches box\/client: policy client: bounce was started 1 time within 1h, for/,
        false,
      ],
    ] as const) {
      const arrange = (started: readonly LedgerEntry[]) => {
        const allowed = [{ name: 'bounce', tool: 'docker/restart_container', ...action }];
        const client = { selector: { names: ['client'] }, ...remediation({ ...own, allowed }) };
        const scenario = new Scenario(
          aPolicy({ selector: { names: ['web'] } }),
          aPolicy(client, 'client'),
        );
        scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }] }));
        scenario.state.ledger['box/client'] = [...started];
        return withSick(scenario);
      };

      it(`denies for ${what}`, () => {
        const scenario = arrange(starts);

        const { effects } = scenario.reconcile(KEY);

        assert.deepEqual(effects, []);
        const [refusal, ...others] = scenario.incident(KEY)?.candidates[0]?.blockedBy ?? [];
        assert.deepEqual([refusal?.reason, others], ['DependentNotPermitted', []]);
        assert.match(refusal?.message ?? '', says);
        // What passes is waited for; for a limit the ladder goes on, and here it ends.
        assert.equal(scenario.incident(KEY)?.escalations.length, isPassing ? 0 : 1);
      });

      if (starts.length === 0) continue;
      it(`permits again when ${what} is over`, () => {
        const scenario = arrange(starts.map((one) => ({ ...one, atMs: START_MS - 3_600_000 })));

        assert.equal(scenario.reconcile(KEY).effects.length, 1);
      });
    }

    it('counts what was done to it for the sake of others, and not the intent that is looked at', () => {
      const allowed = [{ name: 'bounce', tool: 'docker/restart_container', cooldown: '30m' }];
      const client = { selector: { names: ['client'] }, ...remediation({ allowed }) };
      const quick = remediation({ backoff: { initial: '1s' } }, { cooldown: '0s' });
      const scenario = withSick(
        new Scenario(
          aPolicy({ selector: { names: ['web'] }, ...quick }),
          aPolicy(client, 'client'),
        ),
      );
      scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }] }));
      assert.equal(scenario.reconcile(KEY).effects.length, 1);
      const [attempt] = scenario.incident(KEY)?.attempts ?? [];
      assert.ok(attempt);
      const { name = '' } = scenario.incident(KEY) ?? {};
      const memory = scenario.memories.get(KEY);
      const look = { incident: name, attempt, memory };
      assert.deepEqual(reconsider(scenario.world(), KEY, look)?.blockedBy, []);

      scenario.complete(KEY);
      scenario.put(aContainer('web', { health: health('healthy') }));
      scenario.reconcile(KEY);
      scenario.pass(20_000);
      scenario.reconcile(KEY);
      scenario.pass(60_000);
      withSick(scenario).reconcile(KEY);

      assert.deepEqual(scenario.blockedBy(KEY), { restart: ['DependentNotPermitted'] });
      scenario.pass(30 * 60_000);
      assert.equal(scenario.reconcile(KEY).effects.length, 1);
    });
  });

  it('gives what a person has just started the time to be well, and no longer', () => {
    const crashes = {
      startPeriod: '1s',
      thresholds: [{ name: 'crash', signal: 'exit', severity: 'critical' }],
    };
    const scenario = new Scenario(aPolicy(crashes));
    scenario.put(aContainer('web', { state: 'exited' }));
    scenario.observe(KEY, 'found', { state: 'exited', cause: 'Unknown', exitCode: 1 });
    scenario.reconcile(KEY);
    scenario.pass(60_000);
    scenario.observe(KEY, 'start', { cause: 'Human' });
    scenario.put(aContainer('web', { startedAtMs: scenario.wallMs }));

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { restart: ['HumanAction'] });

    scenario.observe(KEY, 'die', { cause: 'Crash', exitCode: 1 });
    scenario.put(aContainer('web', { state: 'exited' }));
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('lets limits be changed while the engine waits to start the container again', () => {
    const looping = {
      thresholds: [{ name: 'loop', signal: 'state', equals: 'restarting', severity: 'critical' }],
    };
    const allowed = [
      { name: 'act', tool: 'docker/update_resources', arguments: { memory: '64m' } },
      { name: 'restart', tool: 'docker/restart_container' },
    ];
    const scenario = new Scenario(aPolicy({ ...looping, ...remediation({ allowed }) }));
    scenario.put(sick({ state: 'restarting', limits: { memoryBytes: 32 * 2 ** 20 } }));

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Execute'],
    );
    assert.deepEqual(scenario.blockedBy(KEY)['act'], []);
    assert.deepEqual(scenario.blockedBy(KEY)['restart'], ['EngineRestarting']);
  });

  it('denies for PolicyConflict by opening nothing at all', () => {
    const scenario = withSick(new Scenario(aPolicy({}, 'one'), aPolicy({}, 'two')));

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(effects, []);
    assert.equal(scenario.incident(KEY), undefined);
  });

  for (const [times, says] of [
    [1, /^the last intent was not executed, for another/],
    [2, /^2 intents in a row were not executed, for another/],
  ] as const) {
    it(`rests after what was not executed, and says so in the right number: ${times}`, () => {
      const scenario = withSick(new Scenario(aPolicy(remediation({ backoff: { initial: '1s' } }))));
      for (let intents = 0; intents < times; intents += 1) {
        assert.equal(scenario.reconcile(KEY).effects.length, 1);
        scenario.complete(KEY, { outcome: 'NotExecuted', reason: 'ServerUnavailable' });
        if (intents + 1 < times) scenario.pass(60_000);
      }

      scenario.reconcile(KEY);

      const [refusal] = scenario.incident(KEY)?.candidates[0]?.blockedBy ?? [];
      assert.match(refusal?.message ?? '', says);
    });
  }

  it('has a denial in this file for every reason', () => {
    const elsewhere = ['PolicyConflict'];

    const missing = REFUSAL_REASONS.filter(
      (reason) => DENIALS[reason] === undefined && !elsewhere.includes(reason),
    );

    assert.deepEqual(missing, []);
  });

  it('leaves a dependent alone amid its deployment, and acts when that has settled', () => {
    const scenario = withSick(new Scenario(aPolicy()));
    scenario.put(aContainer('client', { shares: [{ kind: 'network', owner: 'web' }] }));
    scenario.observe('box/client', 'create', { cause: 'Human' });

    const during = scenario.reconcile(KEY).effects;
    const held = scenario.blockedBy(KEY);
    scenario.pass(21_000);
    const after = scenario.reconcile(KEY).effects;

    assert.deepEqual(during, []);
    assert.deepEqual(held, { restart: ['DependentNotPermitted'] });
    assert.equal(after.length, 1);
  });
});
