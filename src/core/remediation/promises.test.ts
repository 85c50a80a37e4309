import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RecordData } from '#core/journal/data.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const COOLDOWN_MS = 120_000;
const LIMIT = { max: 3, perMs: 3_600_000 };
const POLICY = aPolicy({
  thresholds: [
    { name: 'unhealthy', signal: 'health', severity: 'critical' },
    { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
  ],
  remediation: {
    mode: 'Auto',
    allowed: [
      {
        name: 'restart',
        tool: 'docker/restart_container',
        cooldown: '2m',
        limit: { max: 3, per: '1h' },
      },
      {
        name: 'signal',
        tool: 'docker/kill_container',
        arguments: { signal: 'SIGTERM' },
        cooldown: '2m',
      },
    ],
    backoff: { initial: '30s' },
    budget: { maxConcurrent: 1 },
  },
});
const SHADOW = aPolicy({
  remediation: { mode: 'Shadow', allowed: [{ name: 'restart', tool: 'docker/restart_container' }] },
});
const PERMITTED = new Set([
  'docker/restart_container {}',
  'docker/kill_container {"signal":"SIGTERM"}',
]);

type OnWorkload =
  | {
      readonly do:
        | 'sick'
        | 'well'
        | 'crash'
        | 'stop'
        | 'start'
        | 'pauseByHand'
        | 'unpauseByHand'
        | 'restartByHand'
        | 'deploy'
        | 'reconcile';
      readonly on: number;
    }
  | {
      readonly do: 'end';
      readonly on: number;
      readonly outcome: 'Succeeded' | 'Failed' | 'NotExecuted' | 'OutcomeUnknown';
    };
type Step =
  | OnWorkload
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'pause' | 'resume' | 'toShadow' | 'toAuto' };

const workload = fc.integer({ min: 0, max: 2 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('sick', 'well', 'crash', 'start'), on: workload }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('stop', 'pauseByHand', 'unpauseByHand', 'restartByHand', 'deploy'),
      on: workload,
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('reconcile'), on: workload }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('end'),
      on: workload,
      outcome: fc.constantFrom('Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass'),
      ms: fc.constantFrom(1, 1_000, 15_000, 31_000, 90_000, 121_000, 601_000, 3_600_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('pause', 'resume', 'toShadow', 'toAuto') }),
  },
) as fc.Arbitrary<Step>;

/** Who holds what, kept apart from the code under test. */
class Oracle {
  readonly scenario = new Scenario(POLICY);
  readonly auto = this.scenario.policies;
  readonly shadow = new Scenario(SHADOW).policies;
  readonly heldByPerson = new Set<string>();
  /** Ends with startPeriod, or with what a person does next. */
  readonly handRestartedAtMs = new Map<string, number>();
  readonly deployedAtMs = new Map<string, number>();
  readonly intents: {
    intent: string;
    key: string;
    action: string;
    atMs: number;
    outcome?: string;
    isVerified: boolean;
  }[] = [];
  isPaused = false;
  isShadow = false;

  apply(step: Step): void {
    const { scenario } = this;
    const before = scenario.records.length;
    if (step.do === 'pass') scenario.pass(step.ms);
    else if (step.do === 'pause' || step.do === 'resume') this.#pause(step.do === 'pause');
    else if (step.do === 'toShadow' || step.do === 'toAuto') {
      this.isShadow = step.do === 'toShadow';
      scenario.policies = this.isShadow ? this.shadow : this.auto;
    } else if ('on' in step) this.#onWorkload(step);
    for (const record of scenario.records.slice(before))
      this.#check(record.type, record.data, record.workload);
  }

  #pause(on: boolean): void {
    this.isPaused = on;
    this.scenario.append(
      on
        ? { type: 'pause.set', data: { scope: 'all', name: '', reason: 'x' } }
        : { type: 'pause.cleared', data: { scope: 'all', name: '', reason: 'x' } },
    );
  }

  #onWorkload(step: OnWorkload): void {
    const { scenario } = this;
    const name = `w${step.on}`;
    const key = `box/${name}`;
    const isRunning = scenario.views.get(key)?.container?.state === 'running';
    const put = (more: Parameters<typeof aContainer>[1]) => scenario.put(aContainer(name, more));
    const freshly = { startedAtMs: scenario.wallMs };
    const failed = health('unhealthy', { endedAtMs: scenario.wallMs + 1 });
    switch (step.do) {
      case 'sick':
        if (isRunning || !scenario.views.has(key)) put({ health: failed });
        return;
      case 'well':
        if (isRunning || !scenario.views.has(key)) put({ health: health('healthy') });
        return;
      case 'crash':
        if (!isRunning) return;
        scenario.observe(key, 'die', { exitCode: 1 });
        put({ state: 'exited', exitCode: 1, health: failed });
        return;
      case 'stop':
        if (!isRunning) return;
        scenario.observe(key, 'kill', { cause: 'Human', stopWindowMs: 20_000 });
        scenario.observe(key, 'die', { cause: 'Human', exitCode: 137 });
        scenario.observe(key, 'stop', { cause: 'Human' });
        put({ state: 'exited', exitCode: 137 });
        this.#holdForPerson(key);
        return;
      case 'start':
        if (isRunning || !scenario.views.has(key)) return;
        scenario.observe(key, 'start', { cause: 'Human' });
        put({ ...freshly, health: health('healthy') });
        this.heldByPerson.delete(key);
        return;
      case 'pauseByHand':
        if (!isRunning) return;
        scenario.observe(key, 'pause', { cause: 'Human' });
        put({ state: 'paused', health: failed });
        this.#holdForPerson(key);
        return;
      case 'unpauseByHand':
        if (scenario.views.get(key)?.container?.state !== 'paused') return;
        scenario.observe(key, 'unpause', { cause: 'Human' });
        put({ health: failed });
        this.heldByPerson.delete(key);
        return;
      case 'restartByHand':
        if (!isRunning) return;
        scenario.observe(key, 'start', { cause: 'Human' });
        scenario.observe(key, 'restart', { cause: 'Human' });
        put({ health: failed });
        this.handRestartedAtMs.set(key, scenario.nowMs);
        return;
      case 'deploy':
        if (!scenario.views.has(key)) return;
        scenario.observe(key, 'rename', { cause: 'Human' });
        this.deployedAtMs.set(key, scenario.nowMs);
        return;
      case 'reconcile':
        scenario.reconcile(key);
        return;
      case 'end':
        if (this.intents.some((one) => one.key === key && one.outcome === undefined)) {
          scenario.complete(key, { outcome: step.outcome });
        }
    }
  }

  #holdForPerson(key: string): void {
    this.heldByPerson.add(key);
    this.handRestartedAtMs.delete(key);
  }

  #check(type: string, data: object, key: string): void {
    if (type === 'remediation.intended')
      this.#checkIntent(data as RecordData['remediation.intended'], key);
    const { intent, outcome } = data as { intent?: string; outcome?: string };
    const known = this.intents.find((one) => one.intent === intent);
    if (known === undefined) return;
    if (type === 'remediation.completed' && outcome !== undefined) {
      known.outcome = outcome;
      known.isVerified = outcome === 'NotExecuted';
    }
    if (type.startsWith('verification.')) known.isVerified = true;
  }

  #checkIntent(data: RecordData['remediation.intended'], key: string): void {
    const { nowMs } = this.scenario;
    const candidate = this.scenario
      .incident(key)
      ?.candidates.find(({ id }) => id === data.candidate);
    assert.ok(PERMITTED.has(`${data.tool} ${JSON.stringify(candidate?.arguments)}`), data.tool);
    assert.ok(!this.isPaused, 'acted while paused');
    assert.ok(!this.isShadow, 'acted in Shadow');
    assert.ok(!this.heldByPerson.has(key), 'acted on what a person holds');
    assert.ok(
      nowMs >= (this.handRestartedAtMs.get(key) ?? 0) + 30_000,
      'acted on a restart by hand',
    );
    assert.ok(nowMs >= (this.deployedAtMs.get(key) ?? 0) + 20_000, 'acted in a deployment');
    assert.ok(
      this.intents.every(({ isVerified }) => isVerified),
      'two actions at once',
    );
    const spent = this.intents.filter(
      (one) => one.key === key && one.action === data.action && one.outcome !== 'NotExecuted',
    );
    assert.ok(
      spent.every(({ atMs }) => atMs + COOLDOWN_MS <= nowMs),
      'cooldown',
    );
    const recent = spent.filter(({ atMs }) => atMs > nowMs - LIMIT.perMs);
    assert.ok(recent.length < LIMIT.max, 'limit');
    this.intents.push({
      intent: data.intent,
      key,
      action: data.action,
      atMs: nowMs,
      isVerified: false,
    });
  }
}

describe('whatever happens, in any order', () => {
  it('nothing is intended that policies, people and budgets do not permit', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 20, maxLength: 120 }), (steps) => {
        const oracle = new Oracle();
        for (const step of steps) oracle.apply(step);
      }),
      { numRuns: 150 },
    );
  });

  it('there is at most one open incident per workload, and it is the one that is indexed', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 20, maxLength: 80 }), (steps) => {
        const oracle = new Oracle();
        for (const step of steps) oracle.apply(step);
        const { incidents, openByWorkload } = oracle.scenario.state;
        const open = Object.values(incidents).filter(
          ({ resolvedAtMs }) => resolvedAtMs === undefined,
        );
        assert.deepEqual(
          Object.fromEntries(open.map(({ workload: { key }, name }) => [key, name])),
          openByWorkload,
        );
        assert.equal(open.length, Object.keys(openByWorkload).length);
      }),
      { numRuns: 100 },
    );
  });

  it('does act: the property above is not empty', () => {
    let intents = 0;
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 60, maxLength: 120 }), (steps) => {
        const oracle = new Oracle();
        for (const step of steps) oracle.apply(step);
        intents += oracle.intents.length;
      }),
      { numRuns: 50, seed: 1 },
    );
    assert.ok(intents > 20, `${intents} intents in 50 runs`);
  });
});
