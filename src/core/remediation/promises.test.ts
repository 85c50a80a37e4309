import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RecordData } from '#core/journal/data.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { aContainer, aPolicy, compile, health, Scenario } from '../../../test/support/scenario.ts';
import { reconsider } from './reconsider.ts';

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;
const COOLDOWN_MS = 120_000;
const LIMIT = { max: 3, perMs: 3_600_000 };

/** A call in words, and how many times the working set it asks for, where that is computed. */
interface Permitted {
  readonly tool: string;
  readonly args?: object;
  readonly times?: readonly number[];
  readonly asks?: boolean;
}
type Ladder = Readonly<Partial<Record<'more' | 'restart' | 'signal', Permitted>>>;

/** The same action names in each: an edit changes what stands behind them. */
const LADDERS = {
  auto: {
    restart: { tool: 'docker/restart_container' },
    signal: { tool: 'docker/kill_container', args: { signal: 'SIGTERM' } },
  },
  shadow: { restart: { tool: 'docker/restart_container' } },
  asking: {
    more: { tool: 'docker/update_resources', times: [2], asks: true },
    restart: { tool: 'docker/restart_container', asks: true },
    signal: { tool: 'docker/kill_container', args: { signal: 'SIGTERM' }, asks: true },
  },
  otherTool: {
    more: { tool: 'docker/update_resources', times: [2, 3], asks: true },
    restart: { tool: 'docker/stop_container', args: { timeoutSeconds: 1 }, asks: true },
    signal: { tool: 'docker/kill_container', args: { signal: 'SIGHUP' }, asks: true },
  },
  computing: {
    more: { tool: 'docker/update_resources', times: [4] },
    restart: { tool: 'docker/restart_container', args: { timeoutSeconds: 3 }, asks: true },
  },
} as const satisfies Record<string, Ladder>;
type PolicyName = keyof typeof LADDERS;

function policyOf(name: PolicyName): object {
  const allowed = Object.entries<Permitted>(LADDERS[name]).map(([action, one]) => {
    const sizes = one.times?.map((times) => ({ $expr: `memory.workingSet * ${times}` }));
    return {
      name: action,
      tool: one.tool,
      arguments: sizes === undefined ? (one.args ?? {}) : { memory: { $oneOf: sizes } },
      cooldown: '2m',
      limit: { max: LIMIT.max, per: '1h' },
      ...(one.asks === true ? { approval: 'Required' } : {}),
    };
  });
  return aPolicy({
    thresholds: [
      { name: 'unhealthy', signal: 'health', severity: 'critical' },
      { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
    ],
    remediation: {
      mode: name === 'shadow' ? 'Shadow' : 'Auto',
      allowed,
      backoff: { initial: '30s' },
      budget: { maxConcurrent: 1 },
      approvalTimeout: '1h',
    },
  });
}

/** What the policy permits under the name of an action, with what was measured now. */
function permittedCalls(name: PolicyName, action: string, sample: number | undefined): string[] {
  const { tool, args = {}, times } = (LADDERS[name] as Record<string, Permitted>)[action] ?? {};
  if (tool === undefined) return [];
  if (times === undefined) return [wordsOf(tool, args)];
  if (sample === undefined) return [];
  return times.map((one) => wordsOf(tool, { memory: sample * one }));
}

const POLICIES = Object.fromEntries(
  (Object.keys(LADDERS) as PolicyName[]).map((name) => [name, compile(policyOf(name))]),
) as Record<PolicyName, Scenario['policies']>;

function wordsOf(tool: string, args: unknown): string {
  const words = JSON.stringify(args);
  return words === '{}' ? tool : `${tool} ${words}`;
}

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
        | 'reconcile'
        | 'secondLook';
      readonly on: number;
    }
  | {
      readonly do: 'end';
      readonly on: number;
      readonly outcome: 'Succeeded' | 'Failed' | 'NotExecuted' | 'OutcomeUnknown';
    };
type Step =
  | OnWorkload
  | { readonly do: 'measure'; readonly on: number; readonly bytes?: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'edit'; readonly to: PolicyName }
  | { readonly do: 'pause' | 'resume' | 'approve' | 'deny' | 'letLapse' };

const workload = fc.integer({ min: 0, max: 2 });
const one = (on: fc.Arbitrary<number>) => ({
  sick: fc.record({ do: fc.constantFrom('sick', 'well', 'crash', 'start'), on }),
  byHand: fc.record({
    do: fc.constantFrom('stop', 'pauseByHand', 'unpauseByHand', 'restartByHand', 'deploy'),
    on,
  }),
  reconcile: fc.record({ do: fc.constant('reconcile'), on }),
  secondLook: fc.record({ do: fc.constant('secondLook'), on }),
  measure: fc.record(
    { do: fc.constant('measure'), on, bytes: fc.constantFrom(16 * MIB, 20 * MIB) },
    { requiredKeys: ['do', 'on'] },
  ),
  end: fc.record({
    do: fc.constant('end'),
    on,
    outcome: fc.constantFrom('Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown'),
  }),
});
const answer = fc.record({ do: fc.constantFrom('approve', 'approve', 'deny') });
const edit = fc.record({
  do: fc.constant('edit'),
  to: fc.constantFrom(...(Object.keys(LADDERS) as PolicyName[])),
});
const pass = fc.record({
  do: fc.constant('pass'),
  ms: fc.constantFrom(1, 1_000, 15_000, 31_000, 90_000, 121_000, 601_000, 3_600_000),
});
const any = one(workload);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: any.sick },
  { weight: 3, arbitrary: any.byHand },
  { weight: 8, arbitrary: any.reconcile },
  { weight: 2, arbitrary: any.secondLook },
  { weight: 3, arbitrary: any.measure },
  { weight: 4, arbitrary: any.end },
  { weight: 3, arbitrary: answer },
  { weight: 1, arbitrary: edit },
  { weight: 6, arbitrary: pass },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('pause', 'resume', 'letLapse') }),
  },
) as fc.Arbitrary<Step>;

/** One workload that stays sick, and people who answer and edit while it does. */
const first = one(fc.constant(0));
const answering = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: first.reconcile },
      { weight: 3, arbitrary: first.measure },
      { weight: 3, arbitrary: first.secondLook },
      { weight: 2, arbitrary: first.end },
      { weight: 4, arbitrary: answer },
      { weight: 2, arbitrary: edit },
      { weight: 2, arbitrary: pass },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause', 'resume', 'letLapse') }) },
    ) as fc.Arbitrary<Step>,
    { minLength: 20, maxLength: 60 },
  )
  .map((steps): Step[] => [
    { do: 'measure', on: 0, bytes: 16 * MIB },
    { do: 'sick', on: 0 },
    { do: 'reconcile', on: 0 },
    ...steps,
  ]);

/** What a person read, and under which policy. */
interface Question {
  readonly call: string;
  readonly candidate: string;
  readonly variant: string;
  readonly policy: PolicyName;
  readonly container: string;
}

/** Who holds what, and who was asked what, kept apart from the code under test. */
class Oracle {
  readonly scenario: Scenario;
  policy: PolicyName;
  readonly samples = new Map<string, number>();
  readonly asked = new Map<string, Question>();
  readonly granted = new Map<string, Question & { readonly atMs: number }>();
  /** Variants of actions that were denied, by bout. */
  readonly denied = new Map<string, Set<string>>();
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
    isApproved: boolean;
  }[] = [];
  isPaused = false;

  constructor(policy: PolicyName) {
    this.policy = policy;
    this.scenario = new Scenario(policyOf(policy));
  }

  apply(step: Step): void {
    const { scenario } = this;
    const before = scenario.records.length;
    if (step.do === 'pass') scenario.pass(step.ms);
    else if (step.do === 'pause' || step.do === 'resume') this.#pause(step.do === 'pause');
    else if (step.do === 'approve' || step.do === 'deny') this.#answer(step.do === 'approve');
    else if (step.do === 'letLapse') scenario.pass(HOUR_MS);
    else if (step.do === 'edit') {
      this.policy = step.to;
      scenario.policies = POLICIES[step.to];
    } else if (step.do === 'measure') this.#measure(`box/w${step.on}`, step.bytes);
    else if ('on' in step) this.#onWorkload(step);
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

  #measure(key: string, bytes: number | undefined): void {
    if (bytes === undefined) this.samples.delete(key);
    else this.samples.set(key, bytes);
    const view = this.scenario.views.get(key);
    if (view?.container !== undefined) this.scenario.put(view.container, this.#measured(key));
  }

  #measured(key: string): Parameters<Scenario['put']>[1] {
    const value = this.samples.get(key);
    if (value === undefined) return {};
    return { gauges: { 'memory.workingSet': { kind: 'Value', value, atMs: 0 } } };
  }

  /** Whoever waits first is answered. */
  #answer(yes: boolean): void {
    const { scenario } = this;
    const { incidents, openByWorkload } = scenario.state;
    const incident = Object.values(openByWorkload)
      .map((name) => incidents[name])
      .find((one) => one?.approval?.state === 'Requested');
    if (incident?.approval === undefined) return;
    const { candidate } = incident.approval;
    const { id: container, key } = incident.workload;
    const about = { incident: incident.name, workload: key, actor: 'operator:ann' };
    scenario.append(
      yes
        ? { type: 'approval.granted', ...about, data: { candidate, container } }
        : { type: 'approval.denied', ...about, data: { candidate, reason: 'no' } },
    );
  }

  /** What would be called now, if the second look let it. */
  #secondLook(key: string): void {
    const { scenario } = this;
    const incident = scenario.incident(key);
    const attempt = incident?.attempts.find(({ outcome }) => outcome === undefined);
    if (incident === undefined || attempt === undefined) return;
    const memory = scenario.memories.get(key);
    const looked = { incident: incident.name, attempt, memory };
    const considered = reconsider(scenario.world(), key, looked);
    if (considered === undefined || considered.blockedBy.length > 0) return;
    const { candidate } = considered;
    assert.ok(candidate.arguments.ok);
    assert.equal(candidate.action.tool, attempt.tool);
    this.#mayCall(key, attempt.action, wordsOf(attempt.tool, candidate.arguments.arguments));
  }

  #onWorkload(step: OnWorkload): void {
    const { scenario } = this;
    const name = `w${step.on}`;
    const key = `box/${name}`;
    const isRunning = scenario.views.get(key)?.container?.state === 'running';
    const limits = { memoryBytes: 10 * MIB };
    const put = (more: Parameters<typeof aContainer>[1]) =>
      scenario.put(aContainer(name, { limits, ...more }), this.#measured(key));
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
      case 'secondLook':
        this.#secondLook(key);
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
    if (type.startsWith('approval.')) this.#noteApproval(type, data, key);
    const { intent, outcome } = data as { intent?: string; outcome?: string };
    const known = this.intents.find((one) => one.intent === intent);
    if (known === undefined) return;
    if (type === 'remediation.completed' && outcome !== undefined) {
      known.outcome = outcome;
      known.isVerified = outcome === 'NotExecuted';
    }
    if (type.startsWith('verification.')) known.isVerified = true;
  }

  #noteApproval(type: string, data: object, key: string): void {
    const { candidate, message, reason } = data as Partial<Record<string, string>>;
    const question = this.asked.get(key);
    if (type === 'approval.requested') {
      this.granted.delete(key);
      this.#noteQuestion(key, candidate ?? '', message ?? '');
      return;
    }
    assert.ok(question !== undefined && question.candidate === candidate);
    if (type === 'approval.granted') {
      this.granted.set(key, { ...question, atMs: this.scenario.nowMs });
    } else {
      this.granted.delete(key);
      // What the policy or the container has ended, or a yes that was not used, is no denial.
      const isDenial = type === 'approval.denied' || reason === undefined;
      if (isDenial) this.#deniedNow(key).add(question.variant);
    }
  }

  #noteQuestion(key: string, candidate: string, message: string): void {
    const { call = '' } = /^\w+ \((?<call>.*)\) waits for approval$/.exec(message)?.groups ?? {};
    const variant = this.#variantOf(key, candidate);
    assert.ok(!this.#deniedNow(key).has(variant), 'asked again about what was denied');
    const container = this.scenario.views.get(key)?.container?.id ?? '';
    const { policy } = this;
    this.asked.set(key, { call, candidate, variant, policy, container });
  }

  #variantOf(key: string, candidate: string): string {
    const shown = this.scenario.incident(key)?.candidates.find(({ id }) => id === candidate);
    assert.ok(shown !== undefined, 'asked about what is not shown');
    return `${shown.action}/${shown.variant}`;
  }

  #deniedNow(key: string): Set<string> {
    const { name, boutAtMs } = this.scenario.incident(key) ?? {};
    const bout = `${name} ${boutAtMs}`;
    const denied = this.denied.get(bout) ?? new Set();
    this.denied.set(bout, denied);
    return denied;
  }

  /** Whether the policy of now permits it; where it asks, whether a person said yes to this very call. */
  #mayCall(key: string, action: string, call: string): boolean {
    const { nowMs, views } = this.scenario;
    const yes = this.granted.get(key);
    const isApproved =
      yes !== undefined &&
      yes.call === call &&
      yes.policy === this.policy &&
      yes.container === views.get(key)?.container?.id &&
      nowMs < yes.atMs + HOUR_MS;
    const calls = permittedCalls(this.policy, action, this.samples.get(key));
    assert.ok(calls.length > 0, `${action} is not permitted, or has no arguments now`);
    const { asks = false } = (LADDERS[this.policy] as Record<string, Permitted>)[action] ?? {};
    // What was approved stays as it was shown, though the size would be another one by now.
    if (asks) assert.ok(isApproved, `nobody approved ${call}`);
    else assert.ok(calls.includes(call), `${call} is not permitted (${calls.join(', ')} is)`);
    return isApproved;
  }

  #checkIntent(data: RecordData['remediation.intended'], key: string): void {
    const { nowMs } = this.scenario;
    const candidate = this.scenario
      .incident(key)
      ?.candidates.find(({ id }) => id === data.candidate);
    const isApproved = this.#mayCall(
      key,
      data.action,
      wordsOf(data.tool, candidate?.arguments ?? null),
    );
    const variant = this.#variantOf(key, data.candidate);
    assert.ok(!this.#deniedNow(key).has(variant), 'did what was denied');
    assert.ok(!this.isPaused, 'acted while paused');
    assert.ok(this.policy !== 'shadow', 'acted in Shadow');
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
      isApproved,
    });
  }
}

const anyStart = fc.constantFrom(...(Object.keys(LADDERS) as PolicyName[]));
const mostlyAuto = fc.constantFrom<PolicyName>('auto', 'auto', 'auto', 'asking');

function play(policy: PolicyName, steps: readonly Step[]): Oracle {
  const oracle = new Oracle(policy);
  for (const step of steps) oracle.apply(step);
  return oracle;
}

describe('whatever happens, in any order', () => {
  it('nothing is intended that policies, people and budgets do not permit', () => {
    fc.assert(
      fc.property(
        anyStart,
        fc.array(anyStep, { minLength: 20, maxLength: 120 }),
        (start, steps) => {
          play(start, steps);
        },
      ),
      runs(120),
    );
  });

  it('nothing is done that nobody approved, whoever edits, answers, or lets it lapse', () => {
    fc.assert(
      fc.property(anyStart, answering, (start, steps) => {
        play(start, steps);
      }),
      runs(250),
    );
  });

  it('there is at most one open incident per workload, and it is the one that is indexed', () => {
    fc.assert(
      fc.property(
        mostlyAuto,
        fc.array(anyStep, { minLength: 20, maxLength: 80 }),
        (start, steps) => {
          const { incidents, openByWorkload } = play(start, steps).scenario.state;
          const open = Object.values(incidents).filter(
            ({ resolvedAtMs }) => resolvedAtMs === undefined,
          );
          assert.deepEqual(
            Object.fromEntries(open.map(({ workload: { key }, name }) => [key, name])),
            openByWorkload,
          );
          assert.equal(open.length, Object.keys(openByWorkload).length);
        },
      ),
      runs(100),
    );
  });

  it('does act: the properties above are not empty', () => {
    let intents = 0;
    let approved = 0;
    const long = fc.array(anyStep, { minLength: 60, maxLength: 120 });
    fc.assert(
      fc.property(mostlyAuto, long, answering, (start, steps, answers) => {
        intents += play(start, steps).intents.length;
        approved += play('asking', answers).intents.filter(({ isApproved }) => isApproved).length;
      }),
      { numRuns: 50, seed: 1 },
    );
    assert.ok(intents > 10, `${intents} intents in 50 runs`);
    assert.ok(approved > 10, `${approved} approved intents in 50 runs`);
  });
});
