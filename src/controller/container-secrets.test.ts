import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { createMemoryNotifier } from '#adapters/memory/memory-notifier.ts';
import { readEvidence } from '#ports/evidence-store.ts';
import { ask } from '../../test/support/api.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const PASSWORD = 'tr0ub4dor';
const LICENSE = 'Zk3Qp9XxT2yV8wLm';
const ENV = {
  DATABASE_URL: `postgres://app:${PASSWORD}@db/shop`,
  LICENSE,
  NODE_ENV: 'production',
};
const CRASH = aPolicy({
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
  notify: ['ops'],
});

/** What a container may print of its variables, without any name beside them. */
const LOG = [
  `cannot log in with ${PASSWORD} (production)`,
  `sent ${Buffer.from(`app:${PASSWORD}`).toString('base64')} to the server`,
  `license ${LICENSE.slice(0, 9)}`,
  `${LICENSE.slice(9)} is not valid here`,
];
const WRITTEN = new RegExp(
  [PASSWORD, 'YXBwOnRyMHViNGRvc', LICENSE.slice(0, 9), LICENSE.slice(9)].join('|'),
);

describe('the variables of a container', () => {
  it('reach no journal, API, notification, warning or evidence, whoever prints them', async () => {
    const notifier = createMemoryNotifier();
    const operator = await MemoryOperator.open([CRASH], {
      notifiers: [{ name: 'ops', level: 'all', notifier }],
    });
    const id = await operator.engine.add({ name: 'web', env: ENV });
    await operator.pass(25_000);
    for (const line of LOG) operator.engine.writeLog(id, line);
    operator.engine.crash(id);
    await operator.pass(60_000);

    const blobs = operator
      .incidents()
      .flatMap(({ evidence }) =>
        evidence.flatMap(({ blob }) => (blob === undefined ? [] : [blob])),
      );
    const kept = await Promise.all(blobs.map((blob) => readEvidence(operator.evidence, blob)));
    const answers = await Promise.all(
      ['incidents', 'workloads'].map((kind) => ask(operator, `/api/v1/${kind}`)),
    );
    const out = JSON.stringify([
      operator.records,
      notifier.delivered,
      kept,
      answers,
      operator.warnings,
    ]);

    assert.match(out, /cannot log in with \[redacted:password#1\] \(production\)/);
    assert.match(out, /license \[redacted:value#\d\]/);
    assert.ok(notifier.delivered.length > 0);
    assert.doesNotMatch(out, WRITTEN);
    await operator.stop();
  });

  it('are in nothing that prints or copies what was inspected', async () => {
    const operator = await MemoryOperator.open([CRASH]);
    await operator.engine.add({ name: 'web', env: ENV });

    const container = await operator.engine.inspect('web', new AbortController().signal);

    const printed = [JSON.stringify(container), inspect(container, { depth: 9, showHidden: true })];
    assert.doesNotMatch(printed.join('\n'), WRITTEN);
    assert.deepEqual(container?.envNames, Object.keys(ENV));
    await operator.stop();
  });
});
