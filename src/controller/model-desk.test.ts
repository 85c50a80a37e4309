import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createMemoryModelClient,
  type MemoryModelClient,
  type ScriptedAnswer,
} from '#adapters/memory/memory-model-client.ts';
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
