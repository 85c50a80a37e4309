import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JournalRecord, RecordType } from '#core/journal/record.ts';
import { initialState } from '#core/journal/state.ts';
import { INVARIANTS, type InvariantId } from './invariants.ts';
import { checkBounds, checkIncidents, liveness } from './liveness.ts';
import type { ActionPlan, PolicyPlan } from './policy-plans.ts';
import { NEVER_ABORTED, World } from './world.ts';

const RESTART: ActionPlan = {
  name: 'restart',
  tool: 'docker/restart_container',
  arguments: {},
  on: ['unhealthy'],
  cooldownMs: 60_000,
  limit: { max: 2, perMs: 3_600_000 },
  needsApproval: false,
};
const PLAN: PolicyPlan = {
  name: 'all',
  priority: 0,
  names: [],
  mode: 'Auto',
  actions: [RESTART],
  maxConcurrent: 9,
  backoffMs: 1_000,
  onFailure: 'Next',
  stormAbove: 50,
  watches: [],
  allowLogTriggered: false,
  startPeriodMs: 1_000,
};
const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, retries: 1, startPeriodMs: 0 };

/** A host with two containers and no Sentinel: the test says what Sentinel would have done. */
class Bench {
  readonly world = new World(1, 1);
  readonly ids: string[] = [];
  #seq = 0;

  static async open(plan: Partial<PolicyPlan> = {}): Promise<Bench> {
    const bench = new Bench();
    bench.world.plans = [{ ...PLAN, ...plan }];
    for (const name of ['w0', 'other']) {
      bench.ids.push(await bench.world.engine.add({ name, health: CHECK }));
    }
    await bench.world.clock.advance(10_000);
    bench.world.engine.setHealth('w0', 'unhealthy');
    await bench.world.clock.advance(1);
    return bench;
  }

  get broken(): InvariantId[] {
    return this.world.witness.violations.map(({ invariant }) => invariant);
  }

  record(type: RecordType, data: object, more: Partial<JournalRecord> = {}): JournalRecord {
    this.#seq += 1;
    const { clock } = this.world;
    const record: JournalRecord = {
      seq: this.#seq,
      time: new Date(clock.wallMs()).toISOString(),
      boot: { id: clock.bootId, ms: clock.bootMs() },
      type,
      actor: 'sentinel',
      incident: 'inc-1',
      workload: 'box/w0',
      policy: { name: 'all', digest: '', commit: '' },
      data,
      prev: '',
      hash: '',
      ...more,
    };
    this.world.witness.recorded([record]);
    return record;
  }

  /** An intent on the first container, on disk. */
  async intend(intent: string, more: { readonly action?: string; readonly on?: number } = {}) {
    const { action = 'restart', on = 0 } = more;
    const name = on === 0 ? 'w0' : 'other';
    const affects = [{ workload: `box/${name}`, container: this.ids[on], name, state: 'running' }];
    const data = {
      intent,
      action,
      affects,
      candidate: 'c',
      tool: RESTART.tool,
      rung: 0,
      trigger: 'unhealthy',
      argumentsMac: '',
    };
    const record = this.record('remediation.intended', data, { workload: `box/${name}` });
    const { Life } = await import('./life.ts');
    const storage = this.world.disk.seenBy(new Life());
    await storage.append('1', Buffer.from(JSON.stringify(record)), { sync: true });
  }

  end(intent: string, outcome = 'Succeeded'): void {
    this.record('remediation.completed', { intent, outcome });
  }

  /** As the first intent does it: looked at, ended, found to have helped. */
  async act(intent: string): Promise<void> {
    await this.intend(intent);
    this.end(intent);
    this.record('verification.failed', { intent, message: '', next: 'Next' });
  }

  call(intent: string, ids: readonly string[] = this.ids.slice(0, 1)): void {
    const [first = '', ...others] = ids.map((id) => ({ id, state: 'running' as const }));
    this.world.witness.called({
      tool: RESTART.tool,
      arguments: {},
      intentId: intent,
      expect: [first as { id: string; state: 'running' }, ...others],
      timeoutMs: 1,
    });
  }
}

/** One way to break each invariant that is checked while Sentinel runs. */
const BREAKS: Partial<Record<InvariantId, (bench: Bench) => Promise<void> | void>> = {
  'intent-on-record': (bench) => bench.call('never'),
  async permitted(bench) {
    await bench.intend('i1');
    bench.world.plans = [{ ...PLAN, mode: 'Shadow' }];
    bench.call('i1');
  },
  async 'not-own'(bench) {
    const id = await bench.world.engine.add({ name: 'sentinel-redis' });
    bench.ids.push(id);
    await bench.intend('i1');
    bench.call('i1', [id]);
  },
  async 'not-held'(bench) {
    await bench.intend('i1');
    await bench.world.engine.stop(bench.ids[0] ?? '', 1, NEVER_ABORTED);
    bench.world.truth.holds.set(bench.ids[0] ?? '', 'stop');
    bench.call('i1');
  },
  async 'not-paused'(bench) {
    await bench.intend('i1');
    bench.world.truth.pauses.add('all:');
    bench.call('i1');
  },
  async 'not-deploying'(bench) {
    await bench.intend('i1');
    bench.world.truth.deploymentsTold.set('w0', bench.world.clock.passedMs());
    bench.call('i1');
  },
  async 'not-denied'(bench) {
    await bench.intend('i1');
    const deniedHour = new Date(bench.world.clock.wallMs()).getUTCHours();
    bench.world.plans = [{ ...PLAN, deniedHour }];
    bench.call('i1');
  },
  async 'is-ill'(bench) {
    await bench.intend('i1');
    bench.world.engine.setHealth('w0', 'healthy');
    await bench.world.clock.advance(61_000);
    bench.call('i1');
  },
  async 'not-by-log'(bench) {
    await bench.intend('i1');
    bench.world.engine.setHealth('w0', 'healthy');
    await bench.world.clock.advance(61_000);
    bench.world.truth.complainedAtMs.set(bench.ids[0] ?? '', bench.world.clock.passedMs());
    bench.call('i1');
  },
  async 'min-healthy'(bench) {
    bench.world.plans = [{ ...PLAN, minHealthy: 1 }];
    bench.world.engine.setHealth('other', 'unhealthy');
    await bench.world.clock.advance(61_000);
    await bench.intend('i1');
    bench.call('i1');
  },
  async 'one-call'(bench) {
    await bench.intend('i1');
    bench.call('i1');
    bench.call('i1');
  },
  async 'affects-only'(bench) {
    await bench.intend('i1');
    bench.call('i1');
    bench.world.witness.write('restart', bench.ids[1] ?? '');
  },
  async 'affects-permitted'(bench) {
    await bench.intend('i1');
    bench.world.plans = [
      PLAN,
      { ...PLAN, name: 'off', priority: 1, names: ['other'], actions: [] },
    ];
    bench.call('i1', bench.ids);
  },
  async 'one-intent'(bench) {
    await bench.intend('i1');
    await bench.intend('i2');
  },
  async 'no-blind-repetition'(bench) {
    await bench.intend('i1');
    bench.end('i1', 'OutcomeUnknown');
    await bench.intend('i2');
  },
  async cooldown(bench) {
    await bench.act('i1');
    await bench.world.clock.advance(59_000);
    await bench.intend('i2');
  },
  async limit(bench) {
    for (const intent of ['i1', 'i2']) {
      await bench.act(intent);
      await bench.world.clock.advance(60_000);
    }
    await bench.intend('i3');
  },
  async backoff(bench) {
    const restart = { ...RESTART, cooldownMs: 0, limit: { max: 9, perMs: 1 } };
    bench.world.plans = [{ ...PLAN, actions: [restart], backoffMs: 20_000 }];
    await bench.act('i1');
    await bench.world.clock.advance(20_000);
    await bench.act('i2');
    // Twice as long after the second.
    await bench.world.clock.advance(39_000);
    await bench.intend('i3');
  },
  async storm(bench) {
    bench.world.plans = [{ ...PLAN, stormAbove: 1 }];
    for (const name of ['w0', 'other']) bench.record('incident.reopened', {}, { workload: name });
    await bench.world.clock.advance(590_000);
    await bench.intend('i1');
  },
  async 'max-concurrent'(bench) {
    bench.world.plans = [{ ...PLAN, maxConcurrent: 1 }];
    await bench.intend('i1');
    await bench.intend('i2', { on: 1 });
  },
  async 'max-actions'(bench) {
    bench.world.plans = [
      { ...PLAN, actions: [{ ...RESTART, cooldownMs: 0, limit: { max: 99, perMs: 1 } }] },
    ];
    for (let index = 0; index <= 10; index += 1) {
      await bench.act(`i${index}`);
      await bench.world.clock.advance(5_000);
    }
  },
  async 'verified-is-well'(bench) {
    await bench.intend('i1');
    bench.world.truth.illAtMs.clear();
    bench.record('verification.passed', { intent: 'i1', message: '' });
  },
  chain: ({ world }) =>
    world.witness.verified({ unavailableReason: () => 'record 7 was changed' } as never),
  lives: ({ world }) => world.witness.failed(new Error('cannot start')),
};

describe('the witness of a simulation', () => {
  it('has nothing to say of what is permitted', async () => {
    const bench = await Bench.open();
    await bench.intend('i1');
    bench.call('i1');
    bench.world.witness.write('restart', bench.ids[0] ?? '');
    bench.end('i1');

    assert.deepEqual(bench.world.witness.violations, []);
  });

  for (const [id, act] of Object.entries(BREAKS)) {
    it(`tells when ${id} is broken`, async () => {
      const bench = await Bench.open();

      await act(bench);

      assert.ok(bench.broken.includes(id as InvariantId), `told: ${bench.broken.join(', ')}`);
    });
  }

  it('tells when the state is not what the records say', async () => {
    const { world } = await Bench.open();
    world.startSentinel();
    await world.clock.advance(5_000);
    const state = world.sentinel?.journal?.state() ?? assert.fail('it did not start');

    state.openings['all'] = [1];
    world.witness.checkFold();
    world.sentinel?.life.end();

    assert.ok(world.witness.violations.some(({ invariant }) => invariant === 'state-is-fold'));
  });

  it('tells when an open incident is not the one that is indexed', async () => {
    const bench = await Bench.open();
    bench.world.startSentinel();
    await bench.world.clock.advance(60_000);
    const state = bench.world.sentinel?.journal?.state() ?? assert.fail('it did not start');

    state.openByWorkload['box/w0'] = 'inc-2';
    bench.record('started', {});

    assert.ok(bench.broken.includes('one-incident'));
  });

  it('tells when a start does not come to the state that the records amount to', async () => {
    const { world } = await Bench.open();
    world.startSentinel();
    await world.clock.advance(5_000);
    const { journal } = world.sentinel ?? {};
    assert.ok(world.sentinel !== undefined && journal !== undefined);

    await world.witness.opened(world.sentinel, {
      read: journal.read.bind(journal),
      oldestSeq: () => 1,
      state: () => ({ ...initialState(), seq: 1 }),
    } as never);

    assert.ok(world.witness.violations.some(({ invariant }) => invariant === 'state-replays'));
  });

  it('tells when a queue grows beyond what there is to look at', async () => {
    const bench = await Bench.open();
    bench.world.startSentinel();
    await bench.world.clock.advance(5_000);
    const { controller } = bench.world.sentinel ?? {};

    for (let index = 0; index < 50; index += 1) controller?.enqueue(`box/no-${index}`);
    bench.world.witness.step();

    assert.ok(bench.broken.includes('bounded'));
  });
});

describe('the end of a simulation', () => {
  it('tells when timers are left behind', async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 40; index += 1) bench.world.clock.after(1e9, () => undefined);

    checkBounds(bench.world);

    assert.deepEqual(bench.broken, ['bounded']);
  });

  it('tells when what can be healed is not, and when Redis lacks records', async () => {
    const world = new World(3, 0);
    world.plans = [PLAN];
    const service = { spec: { name: 'w0', health: CHECK }, cure: 'restart' as const };
    (world.workloads as Map<string, typeof service>).set('w0', service);
    await world.begin();
    world.engine.restart = () => Promise.resolve();
    const publish = world.sink.publish.bind(world.sink);
    world.sink.publish = (batch) => publish({ ...batch, entries: [] });

    await liveness(world);

    const broken = world.witness.violations.map(({ invariant }) => invariant);
    assert.ok(broken.includes('healed'), broken.join(', '));
    assert.ok(broken.includes('redis-catches-up'), broken.join(', '));
  });

  it('tells when Redis has a gap', async () => {
    const world = new World(3, 2);
    world.plans = [PLAN];
    await world.begin();
    world.engine.setHealth('w0', 'unhealthy');
    const publish = world.sink.publish.bind(world.sink);
    world.sink.publish = (batch) =>
      publish({ ...batch, entries: batch.entries.filter(({ fields }) => fields['seq'] !== '2') });

    await liveness(world);

    assert.ok(
      world.witness.violations.some(({ invariant }) => invariant === 'redis-equals-journal'),
    );
  });

  it('tells of an incident that nobody was asked about', async () => {
    const bench = await Bench.open({ mode: 'Approve' });
    bench.world.startSentinel();
    await bench.world.clock.advance(60_000);
    const state = bench.world.sentinel?.journal?.state();
    const [incident] = Object.values(state?.incidents ?? {});
    assert.ok(incident !== undefined);

    delete incident.approval;
    incident.escalations = [];
    incident.boutAtMs -= 3_600_000;
    checkIncidents(bench.world);

    assert.ok(bench.broken.includes('incident-ends'));
  });

  it('is tested here for every invariant', () => {
    const elsewhere = [
      'state-is-fold',
      'state-replays',
      'one-incident',
      'bounded',
      'healed',
      'incident-ends',
      'redis-catches-up',
      'redis-equals-journal',
    ];

    const missing = Object.keys(INVARIANTS).filter(
      (id) => !(id in BREAKS) && !elsewhere.includes(id),
    );

    assert.deepEqual(missing, []);
  });
});
