import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createMemoryModelClient,
  type MemoryModelClient,
  type ScriptedAnswer,
} from '#adapters/memory/memory-model-client.ts';
import { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import { MemoryOperator } from '../../../test/support/operator.ts';
import { aPolicy } from '../../../test/support/scenario.ts';

const TRIAGE = { triage: ['cerebras/fast'] };
const TROUBLE = {
  summary: 'The replica falls behind.',
  type: 'performance',
  severity: 'high',
  isAnomaly: true,
  confidence: 0.8,
};

interface Stage {
  readonly operator: MemoryOperator;
  readonly models: MemoryModelClient;
}

/** An operator that has learned for twelve minutes what the log of `web` is like. */
async function learned(spec: object, ...answers: readonly ScriptedAnswer[]): Promise<Stage> {
  const made: MemoryModelClient[] = [];
  const policy = aPolicy({
    thresholds: [{ name: 'novel', signal: 'log.anomaly', window: '5m', severity: 'warning' }],
    remediation: {
      mode: 'Auto',
      allowLogTriggered: true,
      allowed: [{ name: 'restart', tool: 'docker/restart_container', on: ['novel'] }],
    },
    modelRouting: TRIAGE,
    ...spec,
  });
  const operator = await MemoryOperator.open([policy], {
    signals: { prober: new MemoryProber(), filesystem: new MemoryFilesystem() },
    models: (clock) => {
      const models = createMemoryModelClient(clock);
      models.say(...answers);
      made.push(models);
      return models;
    },
  });
  await operator.engine.add({ name: 'web' });
  for (let minute = 0; minute < 12; minute += 1) {
    operator.engine.writeLog('web', `heartbeat ${minute}`);
    await operator.pass(60_000);
  }
  const [models = assert.fail()] = made;
  return { operator, models };
}

/** Unusual, and no error by itself. */
async function somethingNew({ operator }: Stage): Promise<void> {
  operator.engine.writeLog('web', 'replication is 4000 s behind token=hunter2hunter2');
  await operator.pass(90_000);
}

describe('triage', () => {
  it('is asked of nothing but windows that are unusual, and shown no secret', async () => {
    const stage = await learned({}, { value: TROUBLE });
    const before = stage.models.requests.length;

    await somethingNew(stage);

    const [request = assert.fail()] = stage.models.requests;
    assert.equal(before, 0);
    assert.equal(stage.models.requests.length, 1);
    assert.equal(request.stage, 'triage');
    assert.match(request.user, /replication is 4000 s behind token=\[redacted:/);
    assert.doesNotMatch(request.user, /hunter2/);
  });

  it('opens an incident where a model takes the window for trouble, and acts on it never', async () => {
    const stage = await learned({}, { value: TROUBLE });

    await somethingNew(stage);

    const [incident = assert.fail()] = stage.operator.incidents();
    assert.deepEqual(incident.breached, ['novel']);
    assert.deepEqual(stage.operator.calls, []);
    assert.deepEqual(
      incident.candidates.map(({ blockedBy }) => blockedBy.map(({ reason }) => reason)),
      [['LogTriggered']],
    );
    assert.deepEqual(incident.diagnosis?.triage, TROUBLE);
    assert.deepEqual(
      incident.diagnosis.models?.map(({ stage: of, outcome }) => [of, outcome]),
      [['triage', 'Answered']],
    );
    const { value, note } =
      incident.evidence.find(({ signal }) => signal === 'log.triage') ?? assert.fail();
    assert.equal(
      value,
      'a model takes the unusual lines for trouble (performance, high), with confidence 0.8',
    );
    assert.equal(note, TROUBLE.summary);
  });

  for (const [what, answer] of [
    ['is not sure', { value: { ...TROUBLE, confidence: 0.5 } }],
    ['sees none', { value: { ...TROUBLE, isAnomaly: false } }],
    ['says nonsense', { value: ['trouble'] }],
    ['is away', { unavailable: 'Unreachable' }],
  ] as const) {
    it(`opens none where a model ${what}`, async () => {
      const stage = await learned({}, answer);

      await somethingNew(stage);

      assert.deepEqual(stage.operator.incidents(), []);
    });
  }

  it('holds back no incident that the detector opens by itself', async () => {
    const stage = await learned({}, { value: { ...TROUBLE, isAnomaly: false, confidence: 1 } });

    stage.operator.engine.writeLog('web', 'panic: all is lost');
    await stage.operator.pass(90_000);

    const [incident = assert.fail()] = stage.operator.incidents();
    assert.deepEqual(incident.breached, ['novel']);
    assert.equal(stage.operator.calls.length, 1);
  });

  it('is asked about one log once in five minutes', async () => {
    const stage = await learned({}, { value: TROUBLE }, { value: TROUBLE });

    await somethingNew(stage);
    stage.operator.engine.writeLog('web', 'something else that never was here');
    await stage.operator.pass(90_000);
    const soon = stage.models.requests.length;
    await stage.operator.pass(240_000);
    stage.operator.engine.writeLog('web', 'and a third thing of another kind, quite long');
    await stage.operator.pass(90_000);

    assert.deepEqual([soon, stage.models.requests.length], [1, 2]);
  });

  it('is asked of nobody without a route', async () => {
    const stage = await learned({ modelRouting: {} }, { value: TROUBLE });

    await somethingNew(stage);

    assert.deepEqual(stage.models.requests, []);
    assert.deepEqual(stage.operator.incidents(), []);
  });
});
