import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};
/** Nothing is done, so nothing else reads the log. */
const SHADOW = {
  ...CRASH,
  remediation: { mode: 'Shadow', allowed: [{ name: 'restart', tool: 'docker/restart_container' }] },
};

async function anOperator(spec: object, ...names: string[]) {
  const operator = await MemoryOperator.open([aPolicy(spec)]);
  const ids = await Promise.all(names.map((name) => operator.engine.add({ name })));
  await operator.pass(25_000);
  return { operator, ids };
}

function causes(operator: MemoryOperator): Record<string, string | undefined> {
  return Object.fromEntries(
    operator
      .incidents()
      .map(({ workload, diagnosis }) => [workload.container, diagnosis?.rootCause]),
  );
}

function sayAndCrash(operator: MemoryOperator, id: string): void {
  operator.engine.writeLog(id, 'environment variable DATABASE_URL is not set', 'stderr');
  operator.engine.crash(id);
}

describe('the log of an incident', () => {
  it('is read a moment after its opening, and makes the diagnosis better', async () => {
    const { operator, ids } = await anOperator(SHADOW, 'web');
    for (const id of ids) sayAndCrash(operator, id);

    await operator.pass(500);
    const before = causes(operator);
    await operator.pass(5_000);

    assert.deepEqual(before, { web: 'Crashed' });
    assert.deepEqual(causes(operator), { web: 'MissingEnv' });
    await operator.stop();
  });

  it('goes back a few hundred lines', async () => {
    const { operator, ids } = await anOperator(SHADOW, 'web');
    for (const id of ids) {
      operator.engine.writeLog(id, 'environment variable DATABASE_URL is not set', 'stderr');
      for (let at = 0; at < 250; at += 1) operator.engine.writeLog(id, `request ${at} served`);
      operator.engine.crash(id);
    }

    await operator.pass(5_000);

    assert.deepEqual(causes(operator), { web: 'MissingEnv' });
    await operator.stop();
  });

  it('is not read where the policy keeps no lines', async () => {
    const { operator, ids } = await anOperator({ ...SHADOW, diagnosis: { logLines: 0 } }, 'web');
    const logs = operator.engine.logs.bind(operator.engine);
    let reads = 0;
    operator.engine.logs = (...args) => {
      reads += 1;
      return logs(...args);
    };
    for (const id of ids) sayAndCrash(operator, id);

    await operator.pass(30_000);

    assert.equal(reads, 0);
    assert.deepEqual(causes(operator), { web: 'Crashed' });
    assert.equal(operator.types().filter((type) => type === 'diagnosis.completed').length, 1);
    await operator.stop();
  });

  it('is that from before the action, where the action came first', async () => {
    const { operator, ids } = await anOperator(CRASH, 'web');
    for (const id of ids) sayAndCrash(operator, id);

    await operator.pass(60_000);

    assert.deepEqual(causes(operator), { web: 'MissingEnv' });
    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('keeps nobody waiting when the engine never gives it', async () => {
    const { operator, ids } = await anOperator(SHADOW, 'a', 'b', 'c');
    operator.engine.faults.inject({ operation: 'logs', kind: 'Hang', times: 2 });
    for (const id of ids) sayAndCrash(operator, id);

    await operator.pass(30_000);

    const named = Object.values(causes(operator));
    assert.equal(named.filter((cause) => cause === 'Crashed').length, 2);
    assert.equal(named.filter((cause) => cause === 'MissingEnv').length, 1);
    await operator.stop();
  });

  it('is read anew when the trouble comes back', async () => {
    const { operator, ids } = await anOperator(CRASH, 'web');
    for (const id of ids) operator.engine.crash(id);
    await operator.pass(120_000);
    const before = causes(operator);
    for (const id of ids) sayAndCrash(operator, id);

    await operator.pass(120_000);

    const [incident] = operator.incidents();
    assert.deepEqual(before, { web: 'Crashed' });
    assert.equal(incident?.reopens, 1);
    assert.equal(incident.diagnosis?.rootCause, 'MissingEnv');
    await operator.stop();
  });
});
