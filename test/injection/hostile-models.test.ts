import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { isEscalated } from '#core/incident/incident.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient, ModelRequest, ModelResult } from '#ports/model-client.ts';
import { ATTACK_TEXTS, textsIn, UNPRINTABLE } from '../support/attacks.ts';
import { acting, firstAttemptAfterMs, watchConduct } from '../support/conduct.ts';
import { assertUnpolluted, awkwardValue, nearJson, runs } from '../support/fuzz.ts';
import { HostileEngine } from '../support/hostile-engine.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const MINUTES = 12;
/** The longer of `decisionTimeout` and `backoff.initial`, and a reconcile's time. */
const LATER_MAX_MS = 30_000;

const ALLOWED = [
  { name: 'restart', tool: 'docker/restart_container' },
  { name: 'kill', tool: 'docker/kill_container', arguments: { signal: 'SIGTERM' } },
];

/** A policy for each, so that they do not wait for each other. */
function policies(choose: 'Model' | 'Ladder'): object[] {
  const routes = ['local/deep'];
  const modelRouting =
    choose === 'Model' ? { rootCause: routes, explain: routes, triage: routes, choose } : {};
  return ['hopeless', 'mendable', 'crashing', 'asking'].map((name) =>
    aPolicy(
      {
        selector: { names: [name] },
        thresholds: [
          { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
          { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
        ],
        remediation: { mode: name === 'asking' ? 'Approve' : 'Auto', allowed: ALLOWED },
        modelRouting,
        diagnosis: { investigate: { tools: ['docker/get_logs', 'docker/inspect_container'] } },
      },
      name,
    ),
  );
}

interface Behaviour {
  readonly how: 'says' | 'refuses' | 'never' | 'throws' | 'late' | 'lies';
  readonly value: unknown;
  readonly pick: number;
  readonly text: string;
  readonly afterMs: number;
}

const TEXTS = [...ATTACK_TEXTS, 'x'.repeat(300_000), 'c1 '.repeat(50_000), '\ud800'.repeat(5_000)];
const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  how: fc.constantFrom('says', 'says', 'says', 'refuses', 'never', 'throws', 'late', 'lies'),
  value: fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: nearJson({ choice: 'none', confidence: 1, evidenceRefs: ['e1'] }) },
    { weight: 1, arbitrary: awkwardValue },
  ),
  pick: fc.nat(6),
  text: fc.constantFrom(...TEXTS),
  afterMs: fc.constantFrom(0, 10, 3_000, 19_999, 40_000, 500_000),
});

/** A sure pick of the second candidate: what is hostile could steer the first attempt. */
const STEERING: Behaviour = { how: 'says', value: {}, pick: 1, text: 'kill it', afterMs: 10 };

/** Keeps no contract: it answers what it likes when it likes, if at all. */
function hostile(clock: Clock, script: readonly Behaviour[]): ModelClient {
  let next = 0;
  const readiness = () => ({ ready: true }) as const;
  return {
    readiness,
    probe: async () => readiness(),
    complete(request) {
      const one = script[next % script.length];
      next += 1;
      if (one === undefined || one.how === 'never') return new Promise(() => undefined);
      if (one.how === 'throws') throw new Error(one.text);
      const result = resultOf(request, one);
      const { afterMs } = one;
      if (afterMs === 0) return Promise.resolve(result);
      return new Promise((resolve) => {
        clock.after(one.how === 'late' ? request.timeoutMs + afterMs : afterMs, () =>
          resolve(result),
        );
      });
    },
  };
}

function resultOf(request: ModelRequest, { how, value, pick, text }: Behaviour): ModelResult {
  const asked = { usage: { promptTokens: 1, completionTokens: 1 }, promptDigest: 'sha256:x' };
  if (how === 'refuses') {
    return { ...asked, kind: 'Unavailable', reason: 'ServerError', message: text };
  }
  const lies = { promptTokens: Number.NaN, completionTokens: -1e300, costUsd: -5 };
  return {
    kind: 'Answer',
    value: isEmpty(value) ? plausible(request.schema, pick, text) : (value as JsonValue),
    route: 'local/deep',
    model: text,
    usage: how === 'lies' ? lies : asked.usage,
    promptDigest: how === 'lies' ? text : asked.promptDigest,
    isCached: false,
  };
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** An answer of the kind that is asked for, with hostile words in it. */
function plausible(schema: JsonObject, pick: number, text: string): JsonValue {
  const { properties } = schema;
  const members = isJsonObject(properties ?? null) ? Object.entries(properties as JsonObject) : [];
  return Object.fromEntries(
    members.map(([name, member]) => {
      const { enum: choices, type } = member as { enum?: JsonValue[]; type?: string };
      if (choices !== undefined) return [name, choices[pick % choices.length] ?? null];
      if (name === 'evidenceRefs') return [name, ['e1']];
      if (type === 'number') return [name, 1];
      return [name, type === 'array' ? [text] : text];
    }),
  );
}

interface Outcome {
  readonly operator: MemoryOperator;
  readonly offences: readonly string[];
}

/** One of each kind of trouble, with or without models. */
async function troubled(script: readonly Behaviour[] | undefined): Promise<Outcome> {
  const clock = new VirtualClock();
  const engine = new HostileEngine(clock);
  const operator = await MemoryOperator.open(
    policies(script === undefined ? 'Ladder' : 'Model'),
    script === undefined
      ? { clock, engine }
      : { clock, engine, models: (its) => hostile(its, script) },
  );
  const offences = watchConduct(operator);
  const sick = { name: 'hopeless', health: CHECK } as const;
  await engine.add({
    ...sick,
    plan: ({ run }) => ({ health: run === 1 ? 'healthy' : 'unhealthy' }),
  });
  await engine.add({ ...sick, name: 'mendable' });
  await engine.add({ ...sick, name: 'asking' });
  await engine.add({ name: 'crashing', plan: { exit: { afterMs: 70_000, code: 1 } } });
  await operator.pass(60_000);
  for (const name of ['hopeless', 'mendable', 'asking']) {
    engine.writeLog(name, `FATAL: ${script?.[0]?.text.slice(0, 1_000)}`, 'stderr');
    engine.setHealth(name, 'unhealthy');
  }
  await operator.pass(MINUTES * 60_000);
  return { operator, offences };
}

/** Workloads whose incident was left to a person. */
function escalated({ operator }: Outcome): string[] {
  return operator
    .incidents()
    .filter(isEscalated)
    .map(({ workload }) => workload.key)
    .sort();
}

it('a model client that keeps no contract ends, delays, hides and adds nothing', async () => {
  const without = await troubled(undefined);
  const opened = without.operator.incidents().map(({ workload }) => workload.key);
  assert.deepEqual(without.offences, []);
  assert.deepEqual(escalated(without), ['box/crashing', 'box/hopeless']);
  assert.equal(opened.length, 4);
  const steered = await troubled([STEERING]);
  assert.equal(acting(steered.operator)[0]?.tool, 'docker/kill_container');

  await fc.assert(
    fc.asyncProperty(fc.array(behaviour, { minLength: 1, maxLength: 12 }), async (script) => {
      const outcome = await troubled(script);
      const { operator, offences } = outcome;

      assert.deepEqual(offences, []);
      const calls = acting(operator).map(
        ({ tool, arguments: args }) => `${tool} ${JSON.stringify(args)}`,
      );
      const permitted = ALLOWED.map(
        ({ tool, arguments: args = {} }) => `${tool} ${JSON.stringify(args)}`,
      );
      assert.ok(calls.every((call) => permitted.includes(call)));
      const asking = operator.engine.peek('asking')?.id;
      assert.ok(acting(operator).every(({ expect }) => expect[0]?.id !== asking));
      for (const key of opened) {
        const incident = operator.incidents().find(({ workload }) => workload.key === key);
        assert.ok(incident !== undefined, `no incident of ${key}`);
        const usual = firstAttemptAfterMs(without.operator, key);
        const now = firstAttemptAfterMs(operator, key);
        if (usual === undefined) continue;
        assert.ok(now !== undefined && now <= usual + LATER_MAX_MS, `${key} after ${now} ms`);
      }
      const left = escalated(outcome);
      assert.ok(
        escalated(without).every((key) => left.includes(key)),
        left.join(),
      );
      const asked = operator.incidents().find(({ workload }) => workload.key === 'box/asking');
      assert.equal(asked?.approval?.state, 'Requested');
      assert.ok(JSON.stringify(operator.records).length < 2_000_000);
      const texts = textsIn(operator.records.map(({ data }) => data));
      assert.ok(!texts.some((text) => UNPRINTABLE.test(text)));
      assertUnpolluted();
      await operator.stop();
    }),
    runs(200),
  );
});
