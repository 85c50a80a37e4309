import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import type { MemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { slowDisk } from '../../test/support/journal.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const NEVER = new AbortController().signal;
const POLICY = aPolicy({
  remediation: {
    mode: 'Auto',
    allowed: [{ name: 'recreate', tool: 'docker/recreate_container', cooldown: '1h' }],
    verify: { within: '10s', healthyFor: '5s', onFailure: 'Rollback' },
  },
});

interface Stage {
  readonly operator: MemoryOperator;
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly storage: MemoryJournalStorage;
  /** Id of the container that was there first. */
  readonly old: string;
}

/**
 * An operator whose only action recreates `web`, which is sick. The new container comes up well;
 * `on` is told of each record, after it was applied.
 */
async function recreating(on: (record: JournalRecord, stage: Stage) => void): Promise<Stage> {
  const clock = new VirtualClock();
  const operator = await MemoryOperator.open([POLICY], { clock, storage: slowDisk(clock) });
  const { engine, storage } = operator;
  let starts = 0;
  const old = await engine.add({
    name: 'web',
    health: CHECK,
    plan: () => ({ health: ++starts === 1 ? 'unhealthy' : 'healthy' }),
  });
  const stage = { operator, clock, engine, storage, old };
  operator.journal.subscribe((records) => {
    for (const record of records) queueMicrotask(() => on(record, stage));
  });
  return stage;
}

/** The new container falls sick as soon as its call has ended. */
function sickAfterwards({ type }: JournalRecord, { engine }: Stage): void {
  if (type === 'remediation.completed') engine.setHealth('web', 'unhealthy');
}

function isRollback({ type, data }: JournalRecord): boolean {
  return type === 'remediation.intended' && 'rollbackOf' in data;
}

/** Names and states on the engine; what Sentinel has set aside is called `aside`. */
async function left({ clock, engine }: Stage): Promise<string[]> {
  const all = await clock.run(engine.list(NEVER));
  return all
    .map(({ name, state }) => `${name.includes('.sentinel-') ? 'aside' : name} ${state}`)
    .toSorted();
}

async function idOf({ clock, engine }: Stage, name: string): Promise<string | undefined> {
  return (await clock.run(engine.inspect(name, NEVER)))?.id;
}

describe('what a recreation has set aside', () => {
  it('stays while people say hands off, and goes when they do not any more', async () => {
    const stage = await recreating(({ type }, { operator }) => {
      if (type !== 'verification.passed') return;
      const data = { scope: 'all', name: '', reason: 'lunch' };
      operator.journal.append([{ type: 'pause.set', data }], { durable: false });
    });

    await stage.operator.pass(60_000);
    const paused = await left(stage);
    const data = { scope: 'all', name: '', reason: '' };
    stage.operator.journal.append([{ type: 'pause.cleared', data }], { durable: false });
    await stage.operator.pass(340_000);

    assert.deepEqual(paused, ['aside exited', 'web running']);
    assert.deepEqual(await left(stage), ['web running']);
    await stage.operator.stop();
  });

  it('stays when nobody knows what became of the recreation', async () => {
    const stage = await recreating(sickAfterwards);
    const { operator, engine } = stage;
    // The new container runs, and the engine does not say so; then a pause keeps it from going back.
    engine.faults.inject({ operation: 'start', kind: 'ActThenHang' });
    await operator.pass(60_000);
    const data = { scope: 'all', name: '', reason: 'lunch' };
    operator.journal.append([{ type: 'pause.set', data }], { durable: false });
    await operator.pass(60_000);
    operator.journal.append([{ type: 'pause.cleared', data }], { durable: false });

    await operator.pass(700_000);

    const [attempt] = operator.incidents()[0]?.attempts ?? [];
    assert.deepEqual([attempt?.outcome, attempt?.verification], ['OutcomeUnknown', 'Failed']);
    assert.deepEqual(await left(stage), ['aside exited', 'web running']);
    await operator.stop();
  });

  it('stays while a rollback needs it', async () => {
    const stage = await recreating((record, itself) => {
      sickAfterwards(record, itself);
      if (isRollback(record)) itself.engine.faults.inject({ operation: 'stop', kind: 'Hang' });
    });
    const { operator, engine } = stage;
    await operator.pass(60_000);
    const { outcome } = operator.incidents()[0]?.attempts[1] ?? assert.fail('nothing is undone');

    engine.breakEvents();
    await operator.pass(5_000);

    assert.equal(outcome, undefined);
    assert.deepEqual(await left(stage), ['aside exited', 'web running']);
    await operator.stop();
  });
});

describe('a rollback', () => {
  it('brings the old container back, and is not taken for a person’s doing', async () => {
    const stage = await recreating((record, itself) => {
      sickAfterwards(record, itself);
      // So that its events are told before it has ended.
      if (isRollback(record)) itself.engine.faults.latencyMs = 50;
    });

    await stage.operator.pass(60_000);

    const [incident] = stage.operator.incidents();
    assert.deepEqual(
      incident?.attempts.map(({ outcome }) => outcome),
      ['Succeeded', 'Succeeded'],
    );
    assert.equal(await idOf(stage, 'web'), stage.old);
    assert.deepEqual(await left(stage), ['web running']);
    const { records } = stage.operator;
    const during = records
      .slice(records.findIndex(isRollback))
      .filter(({ type }) => type === 'workload.observed')
      .map(({ data }) => ('cause' in data ? data.cause : ''));
    assert.ok(during.length > 3);
    assert.deepEqual(new Set(during), new Set(['Sentinel']));
    await stage.operator.stop();
  });

  it('is left when a person stops the workload before it began', async () => {
    const stage = await recreating((record, itself) => {
      sickAfterwards(record, itself);
      if (isRollback(record)) void itself.engine.stop('web', 1, NEVER);
    });

    await stage.operator.pass(60_000);

    const undo = stage.operator.incidents()[0]?.attempts[1];
    assert.equal(undo?.outcome, 'NotExecuted');
    assert.match(undo?.message ?? '', /a person has acted/);
    assert.deepEqual(await left(stage), ['aside exited', 'web exited']);
    await stage.operator.stop();
  });

  it('that a crash left open is gone on with, as a rollback', async () => {
    const stage = await recreating((record, itself) => {
      sickAfterwards(record, itself);
      if (isRollback(record)) itself.operator.kill();
    });
    const { clock, engine, storage, old } = stage;
    await stage.operator.pass(60_000);
    const before = await left(stage);

    const second = await MemoryOperator.open([POLICY], { clock, engine, storage });
    await second.pass(10_000);

    assert.deepEqual(before, ['aside exited', 'web running']);
    assert.equal(await idOf(stage, 'web'), old);
    assert.ok(second.types().includes('rollback.completed'));
    await second.stop();
  });
});

describe('a recovery', () => {
  it('of which nobody knows what became is tried again', async () => {
    const stage = await recreating(() => undefined);
    const { operator, engine, old } = stage;
    engine.faults.cutOffAfter(3, 'TakesEffect');
    for (let looks = 0; looks < 200 && !engine.faults.isCut; looks += 1) await operator.pass(500);
    engine.faults.inject({ operation: 'rename', kind: 'Fail', times: 1 });
    engine.faults.reconnect();

    await operator.pass(60_000);

    assert.equal(await idOf(stage, 'web'), old);
    assert.deepEqual(await left(stage), ['web running']);
    await operator.stop();
  });
});
