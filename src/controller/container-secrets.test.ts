import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { createMemoryModelClient } from '#adapters/memory/memory-model-client.ts';
import { createMemoryNotifier } from '#adapters/memory/memory-notifier.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { readEvidence } from '#ports/evidence-store.ts';
import { ask } from '../../test/support/api.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const NEVER = new AbortController().signal;
const PASSWORD = 'tr0ub4dor';
const LICENSE = 'Zk3Qp9XxT2yV8wLm';
const ENV = {
  DATABASE_URL: `postgres://app:${PASSWORD}@db/shop`,
  LICENSE,
  NODE_ENV: 'production',
};
const FILE_PASSWORD = 'correct-horse-7';
const FILES = { '/run/secrets/pg': `${FILE_PASSWORD}\n` };
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

/** Every evidence that is in the store. */
function keptBy(operator: MemoryOperator): Promise<(string | undefined)[]> {
  const blobs = operator
    .incidents()
    .flatMap(({ evidence }) => evidence.flatMap(({ blob }) => (blob === undefined ? [] : [blob])));
  return Promise.all(blobs.map((blob) => readEvidence(operator.evidence, blob)));
}

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

    const kept = await keptBy(operator);
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

describe('the files of secrets of a container', () => {
  const OF_FILE = new RegExp(
    `${FILE_PASSWORD}|${Buffer.from(FILE_PASSWORD).toString('base64').slice(0, -2)}`,
  );
  const SPEC = { name: 'web', secretFiles: FILES } as const;

  /** Everything that is kept or told after it printed its secret and crashed. */
  async function toldOfCrash(operator: MemoryOperator, id: string): Promise<string> {
    operator.engine.writeLog(id, `no login with ${FILE_PASSWORD}`);
    operator.engine.writeLog(id, Buffer.from(FILE_PASSWORD).toString('base64'));
    operator.engine.crash(id);
    await operator.pass(60_000);
    const kept = await keptBy(operator);
    return JSON.stringify([operator.records, kept, operator.warnings]);
  }

  function slowDown(engine: MemoryEngine, clock: VirtualClock, delayMs: number): void {
    const original = engine.readSecretFiles.bind(engine);
    engine.readSecretFiles = async (container, signal) => {
      await clock.sleep(delayMs, signal);
      return original(container, signal);
    };
  }

  function readings(operator: MemoryOperator): string[] {
    const read: string[] = [];
    const { engine } = operator;
    const original = engine.readSecretFiles.bind(engine);
    engine.readSecretFiles = (container, signal) => {
      read.push(container.name);
      return original(container, signal);
    };
    return read;
  }

  it('reach no journal and no evidence, whether it ran before Sentinel or was started later', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const early = await engine.add(SPEC);
    const operator = await MemoryOperator.open([CRASH], { clock, engine });
    const late = await engine.add({ ...SPEC, name: 'late' });
    await operator.pass(25_000);

    const told = [await toldOfCrash(operator, early), await toldOfCrash(operator, late)].join();

    assert.match(told, /no login with \[redacted:password#\d\]/);
    assert.doesNotMatch(told, OF_FILE);
    await operator.stop();
  });

  it('are read once, however often it is looked at', async () => {
    const operator = await MemoryOperator.open([CRASH]);
    const read = readings(operator);
    const id = await operator.engine.add(SPEC);
    await operator.engine.add({ name: 'none', env: ENV });

    await operator.pass(900_000);
    operator.engine.breakEvents();
    operator.engine.crash(id);
    await operator.pass(60_000);

    assert.deepEqual(read, ['web']);
    await operator.stop();
  });

  it('are read only when it was started: until then more may be copied into it', async () => {
    const operator = await MemoryOperator.open([CRASH]);
    const read = readings(operator);
    const id = await operator.engine.add(SPEC, { start: false });
    await operator.pass(1_000);
    const before = [...read];

    await operator.clock.run(operator.engine.start(id, NEVER));
    await operator.pass(1_000);

    assert.deepEqual(before, []);
    assert.deepEqual(read, ['web']);
    await operator.stop();
  });

  it('are read when the engine has told what it remembers, which each reading pushes out', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const order: string[] = [];
    for (const name of ['pastEvents', 'eventsKeptSince', 'readSecretFiles'] as const) {
      const original = engine[name].bind(engine) as (...args: unknown[]) => unknown;
      Object.assign(engine, {
        [name]: (...args: unknown[]) => {
          order.push(name);
          return original(...args);
        },
      });
    }
    await engine.add(SPEC);
    const storage = createMemoryJournalStorage();
    const first = await MemoryOperator.open([CRASH], { clock, engine, storage });
    await first.stop();
    order.length = 0;

    const again = await MemoryOperator.open([CRASH], { clock, engine, storage });

    assert.deepEqual(order.slice(0, 3), ['pastEvents', 'eventsKeptSince', 'readSecretFiles']);
    await again.stop();
  });

  it('hold nothing up for long when the engine does not come back with them', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add(SPEC);
    for (let index = 0; index < 11; index += 1) await engine.add({ ...SPEC, name: `w${index}` });
    engine.faults.inject({ operation: 'readSecretFiles', kind: 'Hang' });
    const operator = await MemoryOperator.open([CRASH], { clock, engine });
    await operator.pass(6_000);
    const isSynced = operator.controller.isSynced();
    await operator.pass(20_000);
    engine.crash(id);

    await operator.pass(120_000);

    const unread = operator.warnings.filter((warning) => warning.startsWith('files of secrets'));
    assert.equal(isSynced, true);
    assert.equal(operator.calls.length, 1);
    assert.equal(unread.length, 1);
    await operator.stop();
  });

  it('are waited for before a model is asked', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const order: string[] = [];
    const original = engine.readSecretFiles.bind(engine);
    engine.readSecretFiles = async (container, signal) => {
      await clock.sleep(4_500, signal);
      order.push(container.name);
      return original(container, signal);
    };
    const asking = aPolicy({
      selector: { names: ['web'] },
      modelRouting: { rootCause: ['local/small'] },
    });
    const operator = await MemoryOperator.open([asking], {
      clock,
      engine,
      models: (now) => {
        const models = createMemoryModelClient(now);
        models.say(() => {
          order.push('asked');
          return { unavailable: 'Unreachable' };
        });
        return models;
      },
    });
    for (let index = 0; index < 8; index += 1) await engine.add({ ...SPEC, name: `w${index}` });
    const health = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
    await engine.add({ ...SPEC, health, plan: { health: 'unhealthy' } });

    await operator.pass(30_000);

    assert.deepEqual(order.slice(-2), ['web', 'asked']);
    await operator.stop();
  });

  it('are asked for again after the engine gave no answer', async () => {
    const operator = await MemoryOperator.open([CRASH]);
    operator.engine.faults.inject({ operation: 'readSecretFiles', kind: 'Fail', times: 2 });
    const id = await operator.engine.add(SPEC);
    await operator.pass(900_000);

    const told = await toldOfCrash(operator, id);

    assert.doesNotMatch(told, OF_FILE);
    assert.deepEqual(operator.warnings, []);
    await operator.stop();
  });

  for (const [delayMs, kept] of [
    [150, /no login with \[redacted:password#\d\]/],
    [3_000, /not kept: it took longer/],
  ] as const) {
    it(`are waited for by what is kept of a crash at the start, ${delayMs} ms long`, async () => {
      const operator = await MemoryOperator.open([CRASH]);
      const { engine, clock } = operator;
      slowDown(engine, clock, delayMs);
      const id = await engine.add(SPEC, { start: false });
      await operator.pass(25_000);
      await clock.run(engine.start(id, NEVER));
      await operator.pass(20);

      const told = await toldOfCrash(operator, id);

      assert.match(told, kept);
      assert.doesNotMatch(told, OF_FILE);
      await operator.stop();
    });
  }

  it('are waited for before a log is read for the diagnosis', async () => {
    const remediation = {
      mode: 'Shadow',
      allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
    };
    const shadow = aPolicy({
      thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
      remediation,
    });
    const operator = await MemoryOperator.open([shadow]);
    const { engine, clock } = operator;
    slowDown(engine, clock, 3_000);
    const id = await engine.add(SPEC, { start: false });
    await operator.pass(25_000);
    await clock.run(engine.start(id, NEVER));
    engine.writeLog(id, 'environment variable DATABASE_URL is not set', 'stderr');
    engine.crash(id);

    await operator.pass(2_500);
    const early = operator.incidents().map(({ diagnosis }) => diagnosis?.rootCause);
    await operator.pass(2_500);
    const late = operator.incidents().map(({ diagnosis }) => diagnosis?.rootCause);

    assert.deepEqual([early, late], [['Crashed'], ['MissingEnv']]);
    await operator.stop();
  });

  it('are waited for before anything is decided, when Sentinel starts', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    slowDown(engine, clock, 2_000);
    await engine.add(SPEC);
    const operator = await MemoryOperator.open([CRASH], { clock, engine });
    const early = operator.controller.isSynced();

    await operator.pass(2_000);

    assert.equal(early, false);
    assert.equal(operator.controller.isSynced(), true);
    await operator.stop();
  });

  it('are left alone where the configuration says so', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add(SPEC);
    const operator = await MemoryOperator.open([CRASH], { clock, engine, readSecretFiles: false });
    const read = readings(operator);
    await operator.pass(25_000);

    const told = await toldOfCrash(operator, id);

    assert.deepEqual(read, []);
    assert.match(told, OF_FILE);
    await operator.stop();
  });
});
