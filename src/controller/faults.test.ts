import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const NEVER = new AbortController().signal;
const COOLDOWN_MS = 120_000;
const RUNS = 40;
const NAMES = ['a', 'b'] as const;
const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, retries: 1, startPeriodMs: 0 };
const POLICY = aPolicy({
  thresholds: [
    { name: 'unhealthy', signal: 'health', severity: 'critical' },
    { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
    { name: 'down', signal: 'state', equals: 'exited', severity: 'critical' },
  ],
  remediation: {
    mode: 'Auto',
    storm: { above: 50 },
    backoff: { initial: '1s', max: '1s' },
    allowed: [{ name: 'restart', tool: 'docker/restart_container', cooldown: '2m' }],
    verify: { healthyFor: '3s' },
  },
});

type Step =
  | { readonly do: 'crash' | 'sick' | 'well'; readonly on: number }
  | {
      readonly do: 'stopByHand' | 'startByHand' | 'killByHand' | 'pauseByHand';
      readonly on: number;
    }
  | {
      readonly do: 'fault';
      readonly operation: string;
      readonly kind: 'Fail' | 'ActThenFail' | 'Refuse';
      readonly times: number;
    }
  | { readonly do: 'breakEvents' | 'fillDisk' | 'emptyDisk' }
  | { readonly do: 'kill' | 'pass'; readonly ms: number };

const on = fc.nat(NAMES.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('crash', 'sick', 'well'), on }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('stopByHand', 'startByHand', 'killByHand', 'pauseByHand'),
      on,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fault'),
      operation: fc.constantFrom('restart', 'start', 'inspect', 'list', 'events', 'info'),
      kind: fc.constantFrom('Fail', 'ActThenFail', 'Refuse'),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('breakEvents', 'fillDisk', 'emptyDisk') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill'),
      ms: fc.constantFrom(0, 500, 10_000, 400_000),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('pass'),
      ms: fc.constantFrom(1, 500, 5_000, 20_000, 20_000, 130_000),
    }),
  },
);

/** An operator with two containers, a person who acts on them, and everything that can go wrong. */
class World {
  readonly clock = new VirtualClock();
  readonly engine = new MemoryEngine(this.clock);
  readonly storage = createMemoryJournalStorage();
  /** Ids of containers that a person has stopped, killed or paused. */
  readonly held = new Set<string>();
  readonly broken: string[] = [];
  #ids: string[] = [];
  #byHand = 0;
  #operator: MemoryOperator | undefined;

  async begin(): Promise<void> {
    for (const name of NAMES) {
      this.#ids.push(await this.engine.add({ name, health: CHECK }));
    }
    this.#watchWrites();
    await this.#open();
    await this.clock.advance(60_000);
  }

  async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'crash':
        if (await this.#is(step.on, 'running')) this.engine.crash(this.#id(step.on), 3);
        break;
      case 'sick':
      case 'well':
        this.engine.setHealth(this.#id(step.on), step.do === 'sick' ? 'unhealthy' : 'healthy');
        break;
      case 'stopByHand':
      case 'killByHand':
      case 'pauseByHand':
        if (await this.#is(step.on, 'running')) await this.#hold(step);
        break;
      case 'startByHand':
        if (!(await this.#is(step.on, 'exited'))) break;
        this.held.delete(this.#id(step.on));
        await this.#act(() => this.engine.start(this.#id(step.on), NEVER));
        break;
      case 'fault':
        this.engine.faults.inject(step);
        break;
      case 'breakEvents':
        this.engine.breakEvents();
        break;
      case 'fillDisk':
        this.storage.setFault(() => ({ message: 'ENOSPC' }));
        break;
      case 'emptyDisk':
        this.storage.setFault(undefined);
        break;
      case 'kill':
        this.#operator?.kill();
        this.storage.setFault(undefined);
        await this.clock.advance(step.ms);
        await this.#open();
        break;
      case 'pass':
        await this.clock.advance(step.ms);
    }
    await this.clock.advance(0);
  }

  /** Everything is mended, and hours pass. @returns the whole journal */
  async end(): Promise<JournalRecord[]> {
    this.engine.faults.clear();
    this.storage.setFault(undefined);
    await this.clock.advance(2 * 3_600_000);
    const records: JournalRecord[] = [];
    for await (const record of this.#running().journal.read(1)) records.push(record);
    this.#operator?.kill();
    return records;
  }

  async #open(): Promise<void> {
    const { clock, engine, storage } = this;
    this.#operator = await MemoryOperator.open([POLICY], { clock, engine, storage });
  }

  /** Whatever changes a container that a person holds, and is no person, breaks the promise. */
  #watchWrites(): void {
    const writes = this.engine.writes as { operation: string; id: string }[];
    const push = writes.push.bind(writes);
    writes.push = (...added) => {
      for (const { operation, id } of added) {
        if (this.#byHand === 0 && this.held.has(id))
          this.broken.push(`${operation} on what is held`);
      }
      return push(...added);
    };
  }

  async #hold({ do: what, on: index }: Extract<Step, { on: number }>): Promise<void> {
    const id = this.#id(index);
    await this.#act(() => {
      if (what === 'stopByHand') return this.engine.stop(id, 1, NEVER);
      if (what === 'killByHand') return this.engine.kill(id, 'SIGKILL', NEVER);
      return this.engine.pause(id, NEVER);
    });
    this.held.add(id);
  }

  /** A person's call always gets through; its write is made before it first awaits. */
  async #act(call: () => Promise<unknown>): Promise<void> {
    this.engine.faults.clear();
    this.#byHand += 1;
    const done = call();
    this.#byHand -= 1;
    await this.clock.run(done);
  }

  async #is(index: number, state: string): Promise<boolean> {
    this.engine.faults.clear();
    const container = await this.clock.run(this.engine.inspect(this.#id(index), NEVER));
    return container?.state === state;
  }

  #id(index: number): string {
    return this.#ids[index] ?? assert.fail('no such container');
  }

  #running(): MemoryOperator {
    return this.#operator ?? assert.fail('it has not begun');
  }
}

type Intended = JournalRecord & {
  readonly data: { readonly intent: string; readonly action: string };
};

function intents(records: readonly JournalRecord[]): Intended[] {
  return records.filter(({ type }) => type === 'remediation.intended') as unknown as Intended[];
}

function fieldOf(data: object, name: string): unknown {
  return (data as Readonly<Record<string, unknown>>)[name];
}

function outcomeOf(records: readonly JournalRecord[], intent: string): unknown {
  const isEnd = ({ type, data }: JournalRecord) =>
    type === 'remediation.completed' && fieldOf(data, 'intent') === intent;
  return fieldOf(records.find(isEnd)?.data ?? {}, 'outcome');
}

/** Intents that were carried out, or may have been, must lie apart. */
function tooSoon(records: readonly JournalRecord[]): string[] {
  const carriedOut = intents(records).filter(
    ({ data }) => outcomeOf(records, data.intent) !== 'NotExecuted',
  );
  const groups = Object.values(
    Object.groupBy(carriedOut, ({ workload, data }) => `${workload} ${data.action}`),
  );
  return groups.flatMap((group = []) =>
    group.flatMap((record, index) => {
      const before = group[index - 1];
      const gapMs = before === undefined ? Infinity : record.boot.ms - before.boot.ms;
      return gapMs < COOLDOWN_MS ? [`${record.data.action} again after ${gapMs} ms`] : [];
    }),
  );
}

/** An intent has ended before the next one on its workload begins. */
function overlapping(records: readonly JournalRecord[]): string[] {
  const open = new Map<string, string>();
  const overlaps: string[] = [];
  for (const { type, workload = '', data } of records) {
    if (type === 'remediation.intended') {
      if (open.has(workload)) overlaps.push(`two intents on ${workload}`);
      open.set(workload, String(fieldOf(data, 'intent')));
    }
    if (type === 'remediation.completed' || type === 'rollback.completed') open.delete(workload);
  }
  return overlaps;
}

describe('whatever fails, in whatever order', () => {
  it('people keep what they took, and nothing is done twice or too soon', async () => {
    let acted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
        const world = new World();
        await world.begin();
        for (const one of steps) await world.take(one);
        const records = await world.end();

        acted += intents(records).length;
        assert.deepEqual(world.broken, []);
        assert.deepEqual(tooSoon(records), []);
        assert.deepEqual(overlapping(records), []);
      }),
      { numRuns: RUNS, seed: 20_261_124 },
    );
    assert.ok(acted > RUNS / 2, `only ${acted} actions were begun: that proves little`);
  });
});
