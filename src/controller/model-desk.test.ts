import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createMemoryModelClient,
  type MemoryModelClient,
  type ScriptedAnswer,
} from '#adapters/memory/memory-model-client.ts';
import { phaseOf } from '#core/incident/incident.ts';
import type { ModelRequest } from '#ports/model-client.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const ROUTES = { rootCause: ['openrouter/deep'], choose: 'Model', decisionTimeout: '20s' };

const REMEDIATION = {
  mode: 'Auto',
  allowed: [
    { name: 'restart', tool: 'docker/restart_container' },
    { name: 'kill', tool: 'docker/kill_container' },
  ],
};

interface Stage {
  readonly operator: MemoryOperator;
  readonly models: MemoryModelClient;
}

/** An operator with one sick container, and a model that says what it is told to. */
async function sick(spec: object, ...answers: readonly ScriptedAnswer[]): Promise<Stage> {
  let models: MemoryModelClient | undefined;
  const policy = aPolicy({ remediation: REMEDIATION, modelRouting: ROUTES, ...spec });
  const operator = await MemoryOperator.open([policy], {
    models: (clock) => {
      models = createMemoryModelClient(clock);
      models.say(...answers);
      return models;
    },
  });
  if (models === undefined) throw new Error('no client was made');
  await operator.engine.add({ name: 'web', health: CHECK });
  await operator.pass(60_000);
  operator.engine.writeLog('web', 'FATAL: cannot reach db', 'stderr');
  operator.engine.setHealth('web', 'unhealthy');
  return { operator, models };
}

/** An answer that cites the first evidence. */
function answer(choice: string, more: object = {}): ScriptedAnswer {
  return (request) => ({
    value: {
      explanation: 'c1 cannot reach its database.',
      rootCause: 'database away',
      evidenceRefs: ['e1'],
      affectedComponents: ['c1'],
      choice: candidatesIn(request).find((id) => id.startsWith(`${choice}-`)) ?? choice,
      confidence: 0.9,
      prevention: 'Wait for it.',
      ...more,
    },
  });
}

function candidatesIn({ schema }: ModelRequest): string[] {
  const { properties = {} } = schema as { properties?: { choice?: { enum?: string[] } } };
  return properties.choice?.enum ?? [];
}

function firstTool({ operator }: Stage): string | undefined {
  return operator.calls[0]?.tool;
}

function intendedAfterMs({ operator }: Stage): number {
  const at = (type: string) =>
    Date.parse(operator.records.find((record) => record.type === type)?.time ?? '');
  return at('remediation.intended') - at('incident.opened');
}

describe('choose: Model', () => {
  it('carries out what a sure model picked, though the ladder would begin elsewhere', async () => {
    const stage = await sick({}, answer('kill'));

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.equal(firstTool(stage), 'docker/kill_container');
    assert.equal(incident?.diagnosis?.source, 'model');
    assert.equal(incident.diagnosis.explanation, 'web cannot reach its database.');
    assert.ok(intendedAfterMs(stage) < 20_000);
  });

  it('goes up the ladder from its first rung where that did not help', async () => {
    const stage = await sick({}, answer('kill'));

    await stage.operator.pass(600_000);

    const [incident] = stage.operator.incidents();
    assert.deepEqual(
      stage.operator.calls.map(({ tool }) => tool),
      ['docker/kill_container', 'docker/restart_container'],
    );
    assert.equal(incident?.resolution, 'Remediated');
  });

  for (const [what, given] of [
    ['is not sure', answer('kill', { confidence: 0.59 })],
    ['is not quite sure enough', answer('kill', { confidence: 0.596 })],
    ['cites nothing', answer('kill', { evidenceRefs: [] })],
    ['cites what does not exist', answer('kill', { evidenceRefs: ['e1', 'e99'] })],
    ['names what it was not offered', answer('docker/stop_container')],
    ['answers nonsense', { value: 'kill' }],
    ['is away', { unavailable: 'Unreachable' }],
    ['may cost no more', { unavailable: 'BudgetExhausted' }],
  ] as const) {
    it(`goes up the ladder at once where the model ${what}`, async () => {
      const stage = await sick({}, given);

      await stage.operator.pass(60_000);

      assert.equal(firstTool(stage), 'docker/restart_container');
      assert.ok(intendedAfterMs(stage) < 20_000);
    });
  }

  it('waits for an answer as long as the policy says, and not longer', async () => {
    const stage = await sick({}, 'hang');

    await stage.operator.pass(60_000);

    assert.equal(firstTool(stage), 'docker/restart_container');
    assert.equal(intendedAfterMs(stage), 20_000);
  });

  it('lets the first attempt rest for a none, once, and goes on', async () => {
    const stage = await sick({}, answer('none'));

    await stage.operator.pass(120_000);

    assert.equal(firstTool(stage), 'docker/restart_container');
    assert.equal(intendedAfterMs(stage), 30_000);
    assert.equal(stage.models.requests.length, 1);
  });

  it('tells a person for an escalate, and goes up the ladder at once', async () => {
    const stage = await sick({}, answer('escalate'));

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.deepEqual(
      incident?.escalations.map(({ reason }) => reason),
      ['ModelAdvice'],
    );
    assert.equal(firstTool(stage), 'docker/restart_container');
    assert.equal(incident?.resolution, 'Remediated');
  });

  it('asks people about what the model picked where they must agree', async () => {
    const remediation = { ...REMEDIATION, mode: 'Approve' };
    const stage = await sick({ remediation }, answer('kill'));

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.match(incident?.approval?.candidate ?? '', /^kill-/);
    assert.deepEqual(stage.operator.calls, []);
  });

  it('asks nobody about what the model picked while the ladder has what nobody need agree to', async () => {
    const allowed = [
      { name: 'restart', tool: 'docker/restart_container' },
      { name: 'kill', tool: 'docker/kill_container', approval: 'Required' },
    ];
    const stage = await sick({ remediation: { ...REMEDIATION, allowed } }, answer('kill'));

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.equal(firstTool(stage), 'docker/restart_container');
    assert.ok(intendedAfterMs(stage) < 20_000);
    assert.equal(incident?.approval, undefined);
  });

  it('only says what the model picked would have been done in Shadow', async () => {
    const remediation = { ...REMEDIATION, mode: 'Shadow' };
    const stage = await sick({ remediation }, answer('kill'));

    await stage.operator.pass(60_000);

    const decided = stage.operator.records.find(({ type }) => type === 'shadow.decided');
    assert.match(JSON.stringify(decided?.data), /"action":"kill"/);
    assert.deepEqual(stage.operator.calls, []);
  });

  it('offers no more than a prompt can hold', async () => {
    const signals = Array.from({ length: 16 }, (_, index) => String(index + 1));
    const allowed = ['a', 'b', 'c'].map((name) => ({
      name,
      tool: 'docker/kill_container',
      arguments: { signal: { $oneOf: signals } },
    }));
    const stage = await sick({ remediation: { mode: 'Auto', allowed } }, answer('none'));

    await stage.operator.pass(5_000);

    const [request = assert.fail()] = stage.models.requests;
    assert.equal(candidatesIn(request).length, 32 + 2);
    assert.match(candidatesIn(request)[0] ?? '', /^a-/);
  });

  it('offers what the gate lets pass, and what a person may still allow', async () => {
    const remediation = {
      ...REMEDIATION,
      allowed: [
        { name: 'restart', tool: 'docker/restart_container' },
        {
          name: 'limit',
          tool: 'docker/update_resources',
          arguments: { memory: { $expr: 'container.memoryLimit' } },
        },
        { name: 'kill', tool: 'docker/kill_container', approval: 'Required' },
      ],
    };
    const stage = await sick({ remediation }, answer('none'));

    await stage.operator.pass(5_000);

    const [request] = stage.models.requests;
    const offered = request === undefined ? [] : candidatesIn(request);
    assert.deepEqual(
      offered.map((id) => id.replace(/-[0-9a-f]{12}$/, '')),
      ['restart', 'kill', 'none', 'escalate'],
    );
  });
});

describe('asking for the cause', () => {
  it('shows the log and the evidence, and names nobody in words of ours', async () => {
    const stage = await sick({}, answer('none'));

    await stage.operator.pass(5_000);

    const [request = assert.fail()] = stage.models.requests;
    assert.match(request.user, /^c1: unhealthy \(critical\), for 1\.3s$/m);
    assert.match(request.user, /^FATAL: cannot reach db$/m);
    assert.match(request.user, /^e1: health = unhealthy/m);
    assert.doesNotMatch(request.user, /\bweb\b|\bbox\b/);
    assert.equal(request.allowance.account, 'web');
  });

  it('puts on the incident what it took', async () => {
    const stage = await sick({}, answer('none'));

    await stage.operator.pass(5_000);

    const { models = [], model, promptDigest } = stage.operator.incidents()[0]?.diagnosis ?? {};
    const [use] = models;
    assert.deepEqual([model, promptDigest], ['memory', 'sha256:memory']);
    assert.deepEqual(use, {
      stage: 'rootCause',
      outcome: 'Answered',
      route: 'openrouter/deep',
      model: 'memory',
      requests: 1,
      promptTokens: 0,
      completionTokens: 0,
      promptDigest: 'sha256:memory',
    });
  });

  it('diagnoses beside the ladder, which does not wait for it', async () => {
    const stage = await sick({ modelRouting: { rootCause: ['openrouter/deep'] } }, answer('kill'));

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.equal(firstTool(stage), 'docker/restart_container');
    assert.equal(intendedAfterMs(stage), 0);
    assert.equal(incident?.diagnosis?.rootCause, 'database away');
  });

  it('is acted on no later where the model never answers than where none is asked', async () => {
    const slow = await sick({ modelRouting: { rootCause: ['openrouter/deep'] } }, 'hang');
    const without = await sick({ modelRouting: {} });

    for (const { operator } of [slow, without]) await operator.pass(60_000);

    assert.deepEqual([slow, without].map(firstTool), Array(2).fill('docker/restart_container'));
    assert.deepEqual([slow, without].map(intendedAfterMs), [0, 0]);
    assert.deepEqual(
      [slow, without].map(({ models }) => models.requests.length),
      [1, 0],
    );
  });

  it('says that models are asked while they are', async () => {
    const remediation = { ...REMEDIATION, allowed: [] };
    const stage = await sick({ remediation }, 'hang');

    await stage.operator.pass(10_000);
    const during = stage.operator.incidents().map(phaseOf);
    await stage.operator.pass(180_000);
    const after = stage.operator.incidents();

    assert.deepEqual(during, ['Diagnosing']);
    assert.deepEqual(after.map(phaseOf), ['Open']);
    assert.equal(after[0]?.diagnosis?.models?.[0]?.outcome, 'TimedOut');
  });

  it('looks up what the policy allows, as evidence that may be cited', async () => {
    const diagnosis = { investigate: { tools: ['docker/get_logs'], maxSteps: 2 } };
    const cites: ScriptedAnswer = (request) => {
      const [, id = ''] = /^## (e\d+): docker\/get_logs of c1$/m.exec(request.user) ?? [];
      return fixed(answer('kill', { evidenceRefs: [id] }), request);
    };
    const stage = await sick({ diagnosis }, { value: { look: 'look-c1-1' } }, cites);

    await stage.operator.pass(60_000);

    const [incident = assert.fail()] = stage.operator.incidents();
    const looked = incident.evidence.find(({ signal }) => signal === 'docker/get_logs');
    assert.deepEqual(
      stage.operator.calls.map(({ tool }) => tool),
      ['docker/get_logs', 'docker/kill_container'],
    );
    assert.deepEqual(incident.diagnosis?.evidenceRefs, [looked?.id]);
    assert.equal(incident.diagnosis?.models?.[0]?.requests, 2);
  });

  it('looks nothing up that it was not offered, nor more often than it may', async () => {
    const diagnosis = { investigate: { tools: ['docker/health_check'], maxSteps: 1 } };
    const stage = await sick(
      { diagnosis },
      { value: { look: 'docker/stop_container' } },
      answer('none'),
    );
    const greedy = await sick(
      { diagnosis },
      { value: { look: 'look-c1-1' } },
      { value: { look: 'look-c1-1' } },
    );

    await stage.operator.pass(10_000);
    await greedy.operator.pass(10_000);

    assert.deepEqual(stage.operator.calls, []);
    assert.deepEqual(
      greedy.operator.calls.map(({ tool }) => tool),
      ['docker/health_check', 'docker/restart_container'],
    );
    assert.equal(greedy.models.requests.length, 2);
  });

  it('asks for words after the cause, and for words alone where no more is wanted', async () => {
    const words: ScriptedAnswer = { value: { summary: 'The shop c1 cannot reach its data.' } };
    const both = await sick(
      { modelRouting: { rootCause: ['openrouter/deep'], explain: ['cerebras/fast'] } },
      answer('none'),
      words,
    );
    const alone = await sick({ modelRouting: { explain: ['cerebras/fast'] } }, words);

    await both.operator.pass(10_000);
    await alone.operator.pass(10_000);

    const diagnoses = [both, alone].map(({ operator }) => operator.incidents()[0]?.diagnosis);
    assert.deepEqual(
      diagnoses.map((diagnosis) => diagnosis?.summary),
      Array.from({ length: 2 }, () => 'The shop web cannot reach its data.'),
    );
    assert.deepEqual(
      diagnoses.map((diagnosis) => diagnosis?.models?.map(({ stage: of }) => of)),
      [['rootCause', 'explain'], ['explain']],
    );
    assert.deepEqual(
      diagnoses.map((diagnosis) => diagnosis?.source),
      ['model', 'rules'],
    );
  });

  for (const [what, end] of [
    ['a crash', async (operator: MemoryOperator) => operator.kill()],
    ['a stop', async (operator: MemoryOperator) => operator.stop()],
  ] as const) {
    it(`asks once more after ${what} in the middle of it, and never twice at a time`, async () => {
      const remediation = { ...REMEDIATION, mode: 'Shadow' };
      const modelRouting = { rootCause: ['openrouter/deep'] };
      const stage = await sick({ remediation, modelRouting }, 'hang');
      await stage.operator.pass(5_000);
      const asked = stage.models.requests.length;
      await end(stage.operator);
      const { clock, engine, storage } = stage.operator;

      let models: MemoryModelClient | undefined;
      const again = await MemoryOperator.open([aPolicy({ remediation, modelRouting })], {
        clock,
        engine,
        storage,
        models: (now) => {
          models = createMemoryModelClient(now);
          models.say(answer('none'));
          return models;
        },
      });
      await again.pass(10_000);

      assert.deepEqual([asked, models?.requests.length], [1, 1]);
      assert.equal(again.incidents()[0]?.diagnosis?.source, 'model');
    });
  }

  it('asks about what is open already when a policy comes to name a route', async () => {
    const remediation = { ...REMEDIATION, mode: 'Shadow' };
    const stage = await sick({ remediation, modelRouting: {} }, answer('none'));
    await stage.operator.pass(10_000);
    const before = stage.models.requests.length;
    const modelRouting = { rootCause: ['openrouter/deep'] };

    stage.operator.policies.set([aPolicy({ remediation, modelRouting })]);
    await stage.operator.pass(10_000);

    assert.deepEqual([before, stage.models.requests.length], [0, 1]);
    assert.equal(stage.operator.incidents()[0]?.diagnosis?.source, 'model');
  });

  it('leaves the cause to the rules where a model is sure of nothing', async () => {
    const stage = await sick({}, answer('none', { rootCause: ' ', confidence: 1 }));

    await stage.operator.pass(5_000);

    assert.equal(stage.operator.incidents()[0]?.diagnosis?.source, 'rules');
  });

  it('asks about many incidents a few at a time, and holds none of them up for longer', async () => {
    let atOnce = 0;
    let atOnceMax = 0;
    const policy = aPolicy({
      remediation: { ...REMEDIATION, storm: { above: 100 }, budget: { maxConcurrent: 100 } },
      modelRouting: ROUTES,
    });
    const operator = await MemoryOperator.open([policy], {
      maxActions: { max: 100, perMs: 600_000 },
      models: (clock) => {
        const models = createMemoryModelClient(clock);
        models.say(...Array.from({ length: 50 }, (): ScriptedAnswer => 'hang'));
        return {
          ...models,
          async complete(request, signal) {
            atOnce += 1;
            atOnceMax = Math.max(atOnceMax, atOnce);
            const result = await models.complete(request, signal);
            atOnce -= 1;
            return result;
          },
        };
      },
    });
    const names = Array.from({ length: 50 }, (_, index) => `w${index}`);
    for (const name of names) await operator.engine.add({ name, health: CHECK });
    await operator.pass(60_000);
    for (const name of names) operator.engine.setHealth(name, 'unhealthy');

    await operator.pass(30_000);

    assert.equal(atOnceMax, 4);
    assert.equal(operator.calls.length, 50);
    await operator.stop();
  });

  it('does not ask about what flaps each time', async () => {
    const stage = await sick({}, answer('none'), answer('none'));
    await stage.operator.pass(120_000);

    stage.operator.engine.setHealth('web', 'unhealthy');
    await stage.operator.pass(60_000);

    assert.equal(stage.operator.incidents()[0]?.reopens, 1);
    assert.equal(stage.models.requests.length, 1);
  });

  it('cleans the words of a model', async () => {
    const hostile = '\u001b[2Jweb \u202e is fine, token=hunter2hunter2';
    const stage = await sick({}, answer('none', { explanation: hostile, rootCause: hostile }));

    await stage.operator.pass(5_000);

    const { explanation = '', rootCause = '' } = stage.operator.incidents()[0]?.diagnosis ?? {};
    for (const words of [explanation, rootCause]) {
      assert.equal(words, 'web \ufffd is fine, token=[redacted:token#1]');
    }
  });
});

function fixed(scripted: ScriptedAnswer, request: ModelRequest) {
  return typeof scripted === 'function' ? scripted(request) : scripted;
}
