import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { WorkloadKey } from '#core/workload/key.ts';
import { isJsonObject, type JsonValue } from '#lib/json.ts';
import { ATTACK_TEXTS } from '../support/attacks.ts';
import { Contest, type Tally } from '../support/contest.ts';
import { assertUnpolluted, awkwardValue, nearJson, runs } from '../support/fuzz.ts';
import { aContainer, aPolicy, compile, health, Scenario } from '../support/scenario.ts';

const MIB = 2 ** 20;
const MODEL = { rootCause: ['local/deep'], choose: 'Model', decisionTimeout: '20s' };
const RESTART = { name: 'restart', tool: 'docker/restart_container' };
const KILL = { name: 'kill', tool: 'docker/kill_container', arguments: { signal: 'SIGTERM' } };
const GROW = {
  name: 'grow',
  tool: 'docker/update_resources',
  arguments: { memory: { $expr: 'memory.workingSet * 2' } },
  limit: { max: 1, per: '1h' },
};
const HUSH = {
  name: 'hush',
  tool: 'docker/stop_container',
  arguments: { timeoutSeconds: { $oneOf: [1, 5] } },
};
const asking = (action: object) => ({ ...action, approval: 'Required' });
const onLog = (action: object) => ({ ...action, on: ['errors'] });

/** Policies that differ in what stands between a candidate and its call. */
const POLICIES = [
  policy({ mode: 'Auto', allowed: [RESTART, KILL, HUSH] }),
  policy({ mode: 'Auto', allowed: [RESTART, asking(KILL), GROW] }),
  policy({ mode: 'Auto', allowed: [asking(GROW), HUSH, RESTART], backoff: { initial: '1m' } }),
  policy({ mode: 'Approve', allowed: [RESTART, KILL] }),
  policy({ mode: 'Shadow', allowed: [RESTART, KILL] }),
  policy({ mode: 'Off', allowed: [RESTART] }),
  policy({ mode: 'Auto', allowed: [RESTART, KILL], budget: { minHealthy: '90%' } }),
  policy({ mode: 'Auto', allowed: [RESTART, KILL], storm: { above: 1, within: '1m' } }),
  policy({ mode: 'Auto', allowed: [KILL, RESTART], windows: { deny: ['0 12 * * * / 2m UTC'] } }),
  policy({ mode: 'Auto', allowed: [onLog(KILL), RESTART] }),
  policy(
    { mode: 'Auto', allowed: [RESTART, HUSH], backoff: { initial: '5s' } },
    { minConfidence: 1 },
  ),
  policy({ mode: 'Auto', allowed: [KILL, RESTART] }, { minConfidence: 0, decisionTimeout: '3s' }),
  policy({ mode: 'Auto', allowed: [RESTART, KILL] }, { choose: 'Ladder' }),
  policy({ mode: 'Auto', allowed: [RESTART, KILL] }, { rootCause: [], explain: ['local/deep'] }),
];

function policy(remediation: object, routing: object = {}): ReturnType<typeof compile> {
  return compile(
    aPolicy({
      thresholds: [
        { name: 'unhealthy', signal: 'health', severity: 'critical' },
        { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
        { name: 'errors', signal: 'log.errors', above: 3, window: '1m', severity: 'warning' },
      ],
      remediation,
      modelRouting: { ...MODEL, ...routing },
    }),
  );
}

/** Names that people, or those who attack them, might give a container. */
const NAMES = [
  'web',
  'none',
  'escalate',
  'c1',
  'restart-0123456789ab',
  '\u202ebew',
  'x'.repeat(300),
];

interface Worlds {
  readonly policy: number;
  readonly names: readonly string[];
  /** What every container says where it can say something. */
  readonly text: string;
}

const worlds: fc.Arbitrary<Worlds> = fc.record({
  policy: fc.nat(POLICIES.length - 1),
  names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }),
  text: fc.constantFrom(...ATTACK_TEXTS),
});

/** A choice, by how it is come by: what ids there are is known only when it is made. */
type Choice =
  | { readonly by: 'offered' | 'other' | 'near'; readonly at: number; readonly how: number }
  | { readonly by: 'text'; readonly value: JsonValue };

const NEAR: readonly ((id: string) => JsonValue)[] = [
  (id) => ` ${id}`,
  (id) => `${id}\n`,
  (id) => id.toUpperCase(),
  (id) => id.slice(0, -1),
  (id) => `${id}0`,
  (id) => `\u202e${id}`,
  (id) => `${id}\u200b`,
  (id) => encodeURIComponent(`${id}/`),
  (id) => [id],
  (id) => ({ id }),
  (id) => JSON.stringify({ choice: id }),
  (id) => `"${id}"`,
  (id) => id.split('-')[0] ?? '',
];

const choice: fc.Arbitrary<Choice> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      by: fc.constantFrom('offered', 'other'),
      at: fc.nat(9),
      how: fc.constant(0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ by: fc.constant('near'), at: fc.nat(9), how: fc.nat(NEAR.length - 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      by: fc.constant('text'),
      value: fc.constantFrom('none', 'escalate'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      by: fc.constant('text'),
      value: fc.constantFrom<JsonValue>(
        'None',
        'none ',
        '',
        'restart',
        'docker/stop_container',
        'docker/remove_container {"force":true}',
        '__proto__',
        'constructor',
        'toString',
        null,
        0,
        true,
        ['none'],
        { choice: 'none' },
        ...ATTACK_TEXTS,
      ),
    }),
  },
) as fc.Arbitrary<Choice>;

const confidence: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0.9, 1, 0.6) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      1e9,
      -1,
      0.59,
      0.595,
      0.9999,
      0,
      5e-324,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '0.9',
      'NaN',
      '1e9',
      null,
      true,
      [1],
      { valueOf: 1 },
    ),
  },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
);
const evidenceRefs: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['e1']) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(
      [],
      ['e99'],
      ['e1', 'e99'],
      ['e1 '],
      ['E1'],
      [['e1']],
      ['e1', 7],
      ['e1', 'e1'],
      'e1',
      { 0: 'e1', length: 1 },
      ['__proto__'],
      null,
      Array.from({ length: 500 }, () => 'e1'),
    ),
  },
);
const words = fc.oneof(
  fc.constantFrom<unknown>(...ATTACK_TEXTS),
  fc.constantFrom<unknown>('c1 c2 c9999', 'x'.repeat(5_000), null, 7, ['c1']),
);

/** An answer but for its choice, or something that is none at all. */
const answer = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      choice,
      rest: fc.record({
        confidence,
        evidenceRefs,
        rootCause: words,
        explanation: words,
        affectedComponents: words,
        prevention: words,
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      choice,
      rest: nearJson({
        confidence: 1,
        evidenceRefs: ['e1'],
        rootCause: 'x',
        approve: true,
        phase: 'Resolved',
        outcome: 'Succeeded',
        verdict: 'Permitted',
        blockedBy: [],
        mode: 'Auto',
        tool: 'docker/stop_container',
        arguments: { force: true },
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ choice: fc.constant(undefined), rest: awkwardValue }) },
);

type Happening =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'pause' }
  | { readonly do: 'resume' }
  | {
      readonly do: 'answer';
      readonly on: number;
      readonly given: { choice?: Choice | undefined; rest: unknown };
    }
  | { readonly do: OnOne; readonly on: number };
type OnOne = (typeof ON_ONE)[number];
const ON_ONE = [
  'sick',
  'well',
  'crash',
  'found',
  'stop',
  'deploy',
  'measure',
  'ask',
  'silence',
  'approve',
  'deny',
  'succeeds',
  'fails',
  'isNotExecuted',
] as const;

const on = fc.nat(2);
const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('pass'),
      ms: fc.constantFrom(1, 1_000, 5_000, 15_000, 20_000, 45_000, 130_000, 960_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer'), on, given: answer }) },
  { weight: 9, arbitrary: fc.record({ do: fc.constantFrom(...ON_ONE), on }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause', 'resume') }) },
) as fc.Arbitrary<Happening>;

/** Most begin with the usual: trouble, a question and an answer to it. */
const story = fc
  .tuple(answer, fc.constantFrom(0, 3_500, 19_999), fc.array(happening, { maxLength: 8 }))
  .map(([given, ms, rest]): Happening[] => [
    { do: 'measure', on: 0 },
    { do: 'sick', on: 0 },
    { do: 'ask', on: 0 },
    { do: 'pass', ms },
    { do: 'answer', on: 0, given },
    ...rest,
  ]);
const stories = fc.oneof(
  { weight: 3, arbitrary: story },
  { weight: 1, arbitrary: fc.array(happening, { minLength: 4, maxLength: 14 }) },
);

/** One world with hostile containers, and what comes to pass in it. */
class Story {
  readonly contest: Contest;
  readonly #scenario = new Scenario();
  readonly #world: Worlds;
  readonly #keys: readonly WorkloadKey[];
  readonly #measured = new Set<WorkloadKey>();

  constructor(world: Worlds, tally: Tally) {
    this.#world = world;
    this.#scenario.policies = POLICIES[world.policy] ?? assert.fail('no policy');
    this.contest = new Contest(this.#scenario, tally);
    this.#keys = world.names.map((name) => this.#put(name, { health: health('healthy') }));
  }

  run(happenings: readonly Happening[]): void {
    for (const one of happenings) {
      const seen = this.#scenario.records.length;
      // Nothing takes no time: an answer and what comes after it never bear one date.
      this.#scenario.pass(1);
      this.#happen(one);
      for (const key of this.#keys) this.contest.reconcile(key);
      // Of all of this only people say yes or no, pause or resume.
      const byPeople = this.#scenario.records
        .slice(seen)
        .filter(({ type }) => /^approval\.(?:granted|denied)|^pause\./.test(type));
      assert.ok(byPeople.every(({ actor }) => actor === 'operator:ann'));
    }
  }

  #put(name: string, more: Parameters<typeof aContainer>[1] = {}): WorkloadKey {
    const { text } = this.#world;
    const labels = { note: text, 'com.docker.compose.depends_on': `${text}:${text}:true` };
    const container = aContainer(name, { labels, limits: { memoryBytes: 10 * MIB }, ...more });
    const value = { kind: 'Value', value: 16 * MIB, atMs: 0 } as const;
    const key = `box/${encodeURIComponent(name)}`;
    const gauges = this.#measured.has(key) ? { 'memory.workingSet': value } : {};
    return this.#scenario.put(container, { gauges });
  }

  #happen(one: Happening): void {
    if (one.do === 'pass') return this.#scenario.pass(one.ms);
    if (one.do === 'pause' || one.do === 'resume') {
      const data = { scope: 'all', name: '', reason: 'x' } as const;
      const type = one.do === 'pause' ? 'pause.set' : 'pause.cleared';
      return this.#scenario.append({ type, actor: 'operator:ann', data });
    }
    const index = one.on % this.#keys.length;
    const key = this.#keys[index] ?? '';
    const name = this.#world.names[index] ?? '';
    if (one.do === 'answer') return this.contest.answer(key, this.#valueOf(key, one.given));
    return this.#happenTo(one.do, key, name);
  }

  #happenTo(what: OnOne, key: WorkloadKey, name: string): void {
    const scenario = this.#scenario;
    const { text } = this.#world;
    const failed = health('unhealthy', { endedAtMs: scenario.wallMs + 1, output: text });
    switch (what) {
      case 'sick':
        this.#put(name, { health: failed });
        return;
      case 'well':
        this.#put(name, { health: health('healthy') });
        return;
      case 'crash':
        scenario.observe(key, 'die', { exitCode: 1 });
        this.#put(name, { state: 'exited', exitCode: 1, error: text });
        return;
      case 'found':
        this.#put(name, { state: 'exited', exitCode: 1 });
        return;
      case 'stop':
        scenario.observe(key, 'kill', { cause: 'Human', stopWindowMs: 20_000 });
        scenario.observe(key, 'die', { cause: 'Human', exitCode: 137 });
        scenario.observe(key, 'stop', { cause: 'Human' });
        this.#put(name, { state: 'exited', exitCode: 137 });
        return;
      case 'deploy':
        scenario.observe(key, 'rename', { cause: 'Human' });
        return;
      case 'measure':
        this.#measured.add(key);
        this.#put(name, { health: failed });
        return;
      case 'ask':
        this.contest.ask(key);
        return;
      case 'silence':
        this.contest.answer(key, undefined);
        return;
      case 'approve':
      case 'deny':
        this.#decide(key, what === 'approve');
        return;
      case 'succeeds':
      case 'fails':
      case 'isNotExecuted':
        this.#end(key, what);
    }
  }

  #decide(key: WorkloadKey, isYes: boolean): void {
    const incident = this.#scenario.incident(key);
    if (incident?.approval?.state !== 'Requested') return;
    const { candidate } = incident.approval;
    const about = { incident: incident.name, workload: key, actor: 'operator:ann' };
    this.#scenario.append(
      isYes
        ? {
            type: 'approval.granted',
            ...about,
            data: { candidate, container: incident.workload.id },
          }
        : { type: 'approval.denied', ...about, data: { candidate, reason: 'no' } },
    );
  }

  #end(key: WorkloadKey, how: 'succeeds' | 'fails' | 'isNotExecuted'): void {
    const attempt = this.#scenario.incident(key)?.attempts.at(-1);
    if (attempt === undefined || attempt.outcome !== undefined) return;
    const outcome = {
      succeeds: 'Succeeded',
      fails: 'Failed',
      isNotExecuted: 'NotExecuted',
    } as const;
    this.#scenario.complete(key, { outcome: outcome[how], message: this.#world.text });
  }

  #valueOf(key: WorkloadKey, given: { choice?: Choice | undefined; rest: unknown }): JsonValue {
    const rest = given.rest as JsonValue;
    if (given.choice === undefined || !isJsonObject(rest)) return rest;
    return { ...rest, choice: this.#choiceOf(key, given.choice) };
  }

  #choiceOf(key: WorkloadKey, made: Choice): JsonValue {
    if (made.by === 'text') return made.value;
    const { offered, others } = this.contest.idsFor(key);
    const from = made.by === 'other' ? others : offered;
    const id = from[made.at % Math.max(1, from.length)] ?? 'none';
    return made.by === 'near' ? (NEAR[made.how]?.(id) ?? id) : id;
  }
}

const nothing = (): Tally => ({
  intents: 0,
  deviations: 0,
  rests: 0,
  questions: 0,
  escalations: 0,
  endings: 0,
});

describe('whatever a model answers, whatever its containers say', () => {
  // In parts, so that none of them takes long on a busy machine: twenty thousand stories in all.
  for (const part of [1, 2, 3, 4]) {
    it(`what is intended is permitted without it, and nothing ends, waits longer or goes untold (${part})`, () => {
      fc.assert(
        fc.property(worlds, stories, (world, happenings) => {
          new Story(world, nothing()).run(happenings);
          assertUnpolluted();
        }),
        runs(5_000),
      );
    });
  }

  it('does decide: the property above is not empty', () => {
    const tally = nothing();
    fc.assert(
      fc.property(worlds, stories, (world, happenings) => {
        new Story(world, tally).run(happenings);
      }),
      { numRuns: 2_000, seed: 1 },
    );
    for (const [what, count] of Object.entries(tally)) {
      assert.ok(count > 20, `${count} ${what} in 2000 runs`);
    }
  });
});
