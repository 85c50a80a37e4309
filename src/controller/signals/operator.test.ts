import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import { MemoryOperator } from '../../../test/support/operator.ts';

const MIB = 2 ** 20;

function aPolicy(threshold: Record<string, unknown>, spec: object = {}): object {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name: 'all' },
    spec: {
      selector: { names: ['*'] },
      startPeriod: '5s',
      thresholds: [{ name: 'wrong', severity: 'warning', ...threshold }],
      remediation: {
        mode: 'Auto',
        allowLogTriggered: true,
        allowed: [{ name: 'restart', tool: 'docker/restart_container', on: ['wrong'] }],
        verify: { within: '60s', healthyFor: '15s' },
      },
      ...spec,
    },
  };
}

function open(threshold: Record<string, unknown>, prober = new MemoryProber(), spec: object = {}) {
  const signals = { prober, filesystem: new MemoryFilesystem() };
  return MemoryOperator.open([aPolicy(threshold, spec)], { signals });
}

/** Longer between two attempts than it takes to be called well. */
const SELDOM = { signal: 'probe.tcp', probe: { port: 80, interval: '1m', failureThreshold: 1 } };
const REFUSED = { kind: 'Failure', reason: 'Refused', message: 'refused' } as const;

/** A process that uses so much more of its 100 MiB each second of its run. */
const leakingBy = (bytesPerSecond: number) => ({
  name: 'web',
  limits: { memoryBytes: 100 * MIB },
  plan: {
    usage: (runMs: number) => ({
      memory: {
        usageBytes: (runMs / 1_000) * bytesPerSecond,
        inactiveFileBytes: 0,
        activeFileBytes: 0,
      },
    }),
  },
});
const leaking = leakingBy(MIB);

describe('the operator with signals', () => {
  it('restarts what leaks, and sees by a new sample that it helped', async () => {
    const operator = await open({ signal: 'memory.utilization', above: 0.9 });
    await operator.engine.add(leaking);

    await operator.pass(85_000);
    const before = operator.calls.length;
    await operator.pass(60_000);

    assert.equal(before, 0);
    assert.deepEqual(
      operator.calls.map(({ tool }) => tool),
      ['docker/restart_container'],
    );
    assert.deepEqual(
      operator.incidents().map(({ resolution }) => resolution),
      ['Remediated'],
    );
    assert.deepEqual(operator.warnings, []);
    await operator.stop();
  });

  it('tells of a leak before it is full, acts where a policy says so, and waits to see it gone', async () => {
    const operator = await open({ signal: 'memory.trend', within: '2m' });
    // Full after 400 s.
    await operator.engine.add(leakingBy(MIB / 4));

    await operator.pass(270_000);
    const before = operator.incidents().length;
    await operator.pass(30_000);
    const [incident] = operator.incidents();
    await operator.pass(120_000);

    assert.deepEqual(
      operator.calls.map(({ tool }) => tool),
      ['docker/restart_container'],
    );
    const [resolved] = operator.incidents();
    assert.deepEqual([before, resolved?.resolution], [0, 'Remediated']);
    const told = incident?.evidence.map(({ signal, value }) => `${signal}: ${value}`) ?? [];
    assert.match(
      told.join('\n'),
      /^gauge.forecast: memory reaches its limit in \d+ s \(\d+ s to \d+ s\)$/m,
    );
    assert.equal(incident?.diagnosis?.rootCause, 'MemoryGrowing');
    assert.deepEqual(operator.warnings, []);
    await operator.stop();
  });

  it('puts into an incident what is unusual in the log, redacted', async () => {
    const operator = await open({ signal: 'log.anomaly', window: '5m' }, new MemoryProber(), {
      remediation: {},
    });
    await operator.engine.add({ name: 'web' });
    for (let minute = 0; minute < 12; minute += 1) {
      operator.engine.writeLog('web', `heartbeat ${minute}`);
      await operator.pass(60_000);
    }

    operator.engine.writeLog('web', 'panic: cannot log in with password=hunter2');
    await operator.pass(90_000);

    const [incident] = operator.incidents();
    const { value, note } =
      incident?.evidence.find(({ signal }) => signal === 'log.unusual') ?? assert.fail();
    assert.deepEqual(incident?.breached, ['wrong']);
    assert.match(String(value), /^1 line of a new kind like: panic: cannot log in/);
    assert.equal(note, 'first: panic: cannot log in with password=[redacted:password#1]');
    assert.equal(operator.calls.length, 0);
    await operator.stop();
  });

  it('restarts what its log condemns, and does not condemn the new run for old lines', async () => {
    const operator = await open({
      signal: 'log.matches',
      pattern: 'FATAL',
      above: 2,
      window: '5m',
    });
    await operator.engine.add({ name: 'web' });
    await operator.pass(60_000);

    for (let line = 0; line < 5; line += 1) operator.engine.writeLog('web', `FATAL ${line}`);
    await operator.pass(25_000);

    assert.equal(operator.calls.length, 1);
    const first = operator.records.find(({ type }) => type === 'incident.resolved');
    assert.deepEqual(first?.data, { resolution: 'Remediated', message: 'restart worked' });
    assert.equal(operator.controller.recentLines('box/web').length, 5);
    await operator.stop();
  });

  it('restarts what does not answer', async () => {
    const prober = new MemoryProber();
    const operator = await open(
      { signal: 'probe.http', probe: { port: 80, interval: '2s' } },
      prober,
    );
    await operator.engine.add({ name: 'web', networks: { app: { address: '10.0.0.2' } } });
    await operator.pass(60_000);

    prober.answer = () => ({ kind: 'Failure', reason: 'Refused', message: 'refused' });
    await operator.pass(8_000);
    const during = operator.calls.length;
    prober.answer = () => ({ kind: 'Success' });
    await operator.pass(60_000);

    assert.equal(during, 1);
    assert.deepEqual(
      operator.incidents().map(({ resolution }) => resolution),
      ['Remediated'],
    );
    await operator.stop();
  });

  it('takes no port for well that was only ever seen dead, while its container started', async () => {
    const prober = new MemoryProber();
    const operator = await open(SELDOM, prober, { startPeriod: '30s' });
    await operator.engine.add({ name: 'web', networks: { app: { address: '10.0.0.2' } } });
    await operator.pass(100_000);

    prober.answer = () => REFUSED;
    await operator.pass(600_000);

    assert.ok(operator.calls.length > 0);
    const ended = operator.types().filter((type) => type === 'verification.failed');
    assert.equal(ended.length, operator.calls.length);
    const [incident] = operator.incidents();
    assert.deepEqual([incident?.resolution, incident?.reopens], [undefined, 0]);
    await operator.stop();
  });

  it('waits for the first probe after startPeriod where the port comes late', async () => {
    const prober = new MemoryProber();
    const operator = await open(SELDOM, prober, { startPeriod: '2m' });
    await operator.engine.add({ name: 'web', networks: { app: { address: '10.0.0.2' } } });
    await operator.pass(190_000);

    prober.answer = () => REFUSED;
    for (let looks = 0; looks < 100 && operator.calls.length === 0; looks += 1) {
      await operator.pass(1_000);
    }
    await operator.pass(115_000);
    prober.answer = () => ({ kind: 'Success' });
    await operator.pass(300_000);

    assert.equal(operator.calls.length, 1);
    assert.deepEqual(
      operator.incidents().map(({ resolution }) => resolution),
      ['Remediated'],
    );
    await operator.stop();
  });

  it('looks at an idle fleet no more often than without signals', async () => {
    const operator = await open({ signal: 'memory.utilization', above: 0.9 });
    const usage = () => ({
      memory: { usageBytes: MIB, inactiveFileBytes: 0, activeFileBytes: 0 },
    });
    for (let index = 0; index < 20; index += 1) {
      await operator.engine.add({ ...leaking, name: `c${index}`, plan: { usage } });
    }
    await operator.pass(30_000);
    let inspects = 0;
    const inspect = operator.engine.inspect.bind(operator.engine);
    operator.engine.inspect = async (ref, signal) => {
      inspects += 1;
      return inspect(ref, signal);
    };

    await operator.pass(200_000);

    assert.equal(inspects, 0);
    await operator.stop();
  });
});
