import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import type { Evidence } from '#core/incident/incident.ts';
import { readEvidence } from '#ports/evidence-store.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};
const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };

/** A container that has logged and is about to crash. */
async function anOperator(spec: object = CRASH, container: object = {}) {
  const operator = await MemoryOperator.open([aPolicy(spec)]);
  const id = await operator.engine.add({ name: 'web', ...container });
  await operator.pass(25_000);
  return { operator, id };
}

function keptBy(operator: MemoryOperator): Evidence[] {
  const [incident] = operator.incidents();
  return (incident?.evidence ?? []).filter(({ signal }) =>
    ['logs.tail', 'health.probe', 'container.inspect'].includes(signal),
  );
}

describe('evidence before an action', () => {
  it('keeps the log as it was before the restart, redacted', async () => {
    const { operator, id } = await anOperator();
    operator.engine.writeLog(id, 'connecting with password=hunter2');
    operator.engine.writeLog(id, '\u001b[31mFATAL\u001b[0m no database', 'stderr');
    operator.engine.crash(id);

    await operator.pass(60_000);

    const log = keptBy(operator).find(({ signal }) => signal === 'logs.tail');
    const text = (log?.blob && (await readEvidence(operator.evidence, log.blob))) ?? '';
    assert.equal(log?.value, 2);
    assert.match(text, /stdout connecting with password=\[redacted:password#1\]\n/);
    assert.match(text, /stderr FATAL no database\n/);
    assert.equal(log.blob?.bytes, Buffer.byteLength(text));
    await operator.stop();
  });

  it('adds it to the incident between the intent and the call, in the order of its numbers', async () => {
    const { operator, id } = await anOperator();
    operator.engine.crash(id);

    await operator.pass(60_000);

    const types = operator.types();
    const between = types.slice(
      types.indexOf('remediation.intended'),
      types.indexOf('remediation.completed'),
    );
    const [incident] = operator.incidents();
    const ids = incident?.evidence.map(({ id: number }) => number) ?? [];
    assert.ok(between.includes('incident.updated'));
    assert.deepEqual(
      ids,
      ids.map((_, index) => `e${index + 1}`),
    );
    assert.match(
      incident?.timeline.find(({ event }) => event === 'Updated')?.message ?? '',
      /^evidence from before restart was kept$/,
    );
    await operator.stop();
  });

  it('keeps what the newest health probe printed', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await operator.engine.add({
      name: 'web',
      health: CHECK,
      plan: ({ run }: { run: number }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
    });

    await operator.pass(60_000);

    const probe = keptBy(operator).find(({ signal }) => signal === 'health.probe');
    assert.equal(probe?.value, 1);
    await operator.stop();
  });

  for (const [name, breakIt, reason] of [
    [
      'the engine never gives the log',
      (operator: MemoryOperator) =>
        operator.engine.faults.inject({ operation: 'logs', kind: 'Hang' }),
      /^not kept: it took longer than 250 ms$/,
    ],
    [
      'the engine refuses the log',
      (operator: MemoryOperator) =>
        operator.engine.faults.inject({ operation: 'logs', kind: 'Forbid', message: 'a proxy' }),
      /^not kept: a proxy$/,
    ],
    [
      'the disk is full',
      (operator: MemoryOperator) => operator.evidence.setFault('full'),
      /^not kept: .*no space left on device$/,
    ],
    [
      'the disk gives no answer',
      (operator: MemoryOperator) => operator.evidence.setFault('hang'),
      /^not kept: it took longer than 250 ms$/,
    ],
  ] as const) {
    it(`acts within 250 ms and says what is missing when ${name}`, async () => {
      const { operator, id } = await anOperator();
      operator.engine.writeLog(id, 'a line');
      breakIt(operator);
      const before = operator.clock.bootMs();
      operator.engine.crash(id);

      for (let looks = 0; looks < 100 && operator.calls.length === 0; looks += 1) {
        await operator.pass(10);
      }

      const log = keptBy(operator).find(({ signal }) => signal === 'logs.tail');
      assert.equal(operator.calls.length, 1);
      assert.ok(operator.clock.bootMs() - before <= 300);
      assert.equal(log?.value, null);
      assert.match(log?.note ?? '', reason);
      assert.equal(log?.blob, undefined);
      await operator.stop();
    });
  }

  it('says so when the log driver cannot be read', async () => {
    const { operator, id } = await anOperator(CRASH, { logDriver: 'none' });
    operator.engine.crash(id);

    await operator.pass(60_000);

    const log = keptBy(operator).find(({ signal }) => signal === 'logs.tail');
    assert.equal(log?.note, 'not kept: its log driver cannot be read');
    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('keeps no log where the policy wants none', async () => {
    const { operator, id } = await anOperator({ ...CRASH, diagnosis: { logLines: 0 } });
    operator.engine.writeLog(id, 'a line');
    operator.engine.crash(id);

    await operator.pass(60_000);

    assert.deepEqual(
      keptBy(operator).map(({ signal }) => signal),
      ['container.inspect'],
    );
    await operator.stop();
  });

  it('keeps the newest lines where the daemon sends more than it was asked for', async () => {
    const { operator, id } = await anOperator();
    const { engine } = operator;
    for (let line = 1; line <= 80; line += 1) engine.writeLog(id, `line ${line}.`);
    const logs = engine.logs.bind(engine);
    engine.logs = (ref, { tail: _all, ...query }, signal) => logs(ref, query, signal);
    engine.crash(id);

    await operator.pass(60_000);

    const text = operator.evidence.texts().find((it) => it.includes('line 80.')) ?? '';
    assert.equal(keptBy(operator).find(({ signal }) => signal === 'logs.tail')?.value, 50);
    assert.match(text, /line 31\./);
    assert.doesNotMatch(text, /line 30\./);
    await operator.stop();
  });

  it('keeps no more of a log that is followed than the policy wants', async () => {
    const followed = [
      ...CRASH.thresholds,
      { name: 'errors', signal: 'log.errors', above: 100, window: '1m', severity: 'warning' },
    ];
    const operator = await MemoryOperator.open(
      [aPolicy({ thresholds: followed, diagnosis: { logLines: 3 } })],
      { signals: { prober: new MemoryProber(), filesystem: new MemoryFilesystem() } },
    );
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    for (let line = 1; line <= 10; line += 1) operator.engine.writeLog(id, `line ${line}`);
    await operator.pass(1_000);
    operator.engine.crash(id);

    await operator.pass(60_000);

    assert.equal(keptBy(operator).find(({ signal }) => signal === 'logs.tail')?.value, 3);
    await operator.stop();
  });

  it('does not put the names of secrets with their values into the inspect', async () => {
    const { operator, id } = await anOperator(CRASH, {
      env: { API_KEY: 'abcdef123456' },
      labels: { token: 'abcdef123456' },
      command: ['serve', '--token', 'abcdef123456'],
    });
    operator.engine.crash(id);

    await operator.pass(60_000);

    const text = operator.evidence.texts().join('');
    assert.match(text, /"API_KEY"/);
    assert.doesNotMatch(text, /abcdef123456/);
    await operator.stop();
  });

  it('reads as gone what the store has forgotten', async () => {
    const { operator, id } = await anOperator();
    operator.engine.crash(id);
    await operator.pass(60_000);
    const { blob } = keptBy(operator).find(({ signal }) => signal === 'container.inspect') ?? {};
    operator.evidence.forget(blob?.digest.slice('sha256:'.length) ?? '');

    const text = await readEvidence(operator.evidence, blob ?? { digest: '' });

    assert.ok(blob);
    assert.equal(text, undefined);
    await operator.stop();
  });

  it('goes on numbering after the oldest evidence was dropped', async () => {
    const unstable = {
      ...CRASH,
      remediation: {
        mode: 'Auto',
        allowed: [
          {
            name: 'restart',
            tool: 'docker/restart_container',
            cooldown: '1s',
            limit: { max: 100, per: '1h' },
          },
        ],
        backoff: { initial: '1s', max: '1s' },
        storm: { above: 100 },
        verify: { within: '5s', healthyFor: '1s' },
      },
    };
    const { operator, id } = await anOperator(unstable);
    for (let round = 0; round < 30; round += 1) {
      operator.engine.crash(id);
      await operator.pass(90_000);
    }

    const [incident] = operator.incidents();
    const ids = incident?.evidence.map(({ id: number }) => number) ?? [];

    assert.equal(ids.length, 64);
    assert.equal(new Set(ids).size, 64);
    await operator.stop();
  });
});
