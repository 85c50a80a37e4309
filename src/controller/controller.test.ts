import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
};

const RECREATE = {
  remediation: {
    mode: 'Auto',
    allowed: [{ name: 'recreate', tool: 'docker/recreate_container', cooldown: '1h' }],
    backoff: { initial: '1s' },
  },
};

describe('the operator', () => {
  it('restarts what is unhealthy, verifies it, and resolves the incident', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await operator.engine.add({
      name: 'web',
      health: CHECK,
      plan: ({ run }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
    });

    await operator.pass(60_000);

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

  it('has the intent on disk before it calls the tool', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.storage.setFault(() => ({ message: 'no space left on device' }));
    operator.engine.crash(id);

    await operator.pass(5_000);

    assert.deepEqual(operator.calls, []);
  });

  it('leaves alone what a person stops', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web', plan: { ignoresTerm: true } });
    await operator.pass(25_000);

    await operator.clock.run(operator.engine.stop(id, 1, new AbortController().signal));
    await operator.pass(600_000);

    assert.deepEqual(operator.calls, []);
    assert.deepEqual(operator.incidents(), []);
    await operator.stop();
  });

  it('restarts who is cut off when the owner of its network was started again, by whomever', async () => {
    const cutOff = { name: 'cut-off', signal: 'namespace.lost', severity: 'critical' };
    const operator = await MemoryOperator.open([aPolicy({ thresholds: [cutOff] })]);
    const vpn = await operator.engine.add({
      name: 'vpn',
      health: CHECK,
      restartPolicy: { name: 'always', maximumRetryCount: 0 },
    });
    await operator.engine.add({ name: 'app', shares: [{ kind: 'network', owner: vpn }] });
    await operator.pass(60_000);
    assert.equal(operator.engine.hasNetwork('app'), true);

    operator.engine.crash('vpn');
    await operator.pass(200);
    assert.equal(operator.engine.hasNetwork('app'), false);
    await operator.pass(60_000);

    assert.equal(operator.engine.hasNetwork('app'), true);
    assert.deepEqual(
      operator.calls.map(({ expect: [target] }) => operator.engine.specOf(target.id).name),
      ['app'],
    );
    assert.deepEqual(
      operator.incidents().map(({ workload, resolution }) => [workload.key, resolution]),
      [['box/app', 'Remediated']],
    );
    await operator.stop();
  });

  it('says of what it hears after a restart how long ago that was', async () => {
    const first = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await first.engine.add({ name: 'web' });
    await first.pass(25_000);
    const { clock, engine, storage } = first;
    first.kill();
    await clock.run(engine.stop(id, 1, new AbortController().signal));
    await clock.advance(60_000);

    const second = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine, storage });

    const late = second.records.flatMap(({ type, data }) =>
      type === 'workload.observed' ? [(data as { lateMs?: number }).lateMs] : [],
    );
    assert.deepEqual(late, [60_000, 60_000, 60_000], 'kill, die, stop');
    await second.stop();
  });

  it('hears what a person does also after the clock has stepped back', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.clock.stepWall(-3_600_000);

    await operator.clock.run(operator.engine.stop(id, 1, new AbortController().signal));
    await operator.pass(60_000);

    assert.equal(operator.journal.state().workloads['box/web']?.hold?.kind, 'stop');
    await operator.stop();
  });

  it('takes the setting aside and the removal of an old container for a deployment', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const compose = 'com.docker.compose.';
    const id = await operator.engine.add({
      name: 'web',
      labels: {
        [`${compose}project`]: 'shop',
        [`${compose}service`]: 'web',
        [`${compose}container-number`]: '1',
        [`${compose}oneoff`]: 'False',
      },
    });
    const never = new AbortController().signal;
    const deployedAtMs = () => operator.journal.state().workloads['box/shop/web/1']?.deployedAtMs;
    await operator.pass(60_000);
    const atFirst = deployedAtMs() ?? 0;

    await operator.engine.rename(id, '0123456789ab_web', never);
    await operator.pass(1_000);
    const afterRename = deployedAtMs() ?? 0;
    await operator.engine.remove(id, { force: true }, never);
    await operator.pass(1_000);

    assert.ok(afterRename > atFirst);
    assert.ok((deployedAtMs() ?? 0) > afterRename);
    await operator.stop();
  });

  it('opens an incident for what it finds exited, and asks a person instead of acting', async () => {
    const first = await MemoryOperator.open([]);
    const id = await first.engine.add({ name: 'web' });
    first.engine.crash(id);
    const { clock, engine } = first;
    await first.stop();

    const operator = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine });
    await operator.pass(60_000);

    assert.deepEqual(operator.calls, []);
    const [incident] = operator.incidents();
    assert.deepEqual(
      incident?.escalations.map(({ reason }) => reason),
      ['IntentUnknown'],
    );
    await operator.stop();
  });

  it('acts on a crash that came while it was down, since the event is replayed', async () => {
    const first = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await first.engine.add({ name: 'web' });
    await first.pass(60_000);
    const { clock, engine, storage } = first;
    await first.stop();
    engine.crash(id);
    await clock.advance(5_000);

    const operator = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine, storage });
    await operator.pass(60_000);

    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('hears what came while it was down, also from a daemon whose clock is an hour behind', async () => {
    const clock = new VirtualClock();
    const daemonClock = new VirtualClock({ wallMs: clock.wallMs() - 3_600_000 });
    const engine = new MemoryEngine(daemonClock);
    const id = await engine.add({ name: 'web', plan: { ignoresTerm: true } });
    const together = async (ms: number) => {
      await daemonClock.advance(ms);
      await clock.advance(ms);
    };
    const first = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine });
    await together(60_000);
    await first.stop();
    await daemonClock.run(engine.stop(id, 1, new AbortController().signal));

    const { storage } = first;
    const second = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine, storage });
    await together(60_000);

    assert.equal(second.journal.state().workloads['box/web']?.hold?.kind, 'stop');
    assert.deepEqual(second.incidents(), []);
    await second.stop();
  });

  it('follows a policy that changes, and does nothing for one that is removed', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.policies.set([]);
    operator.engine.crash(id);

    await operator.pass(60_000);

    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('leaves a deployment alone that began before a policy cared for it', async () => {
    const operator = await MemoryOperator.open([aPolicy({ selector: { names: ['nobody'] } })]);
    await operator.engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });
    await operator.pass(5_000);
    operator.policies.set([aPolicy()]);

    await operator.pass(10_000);
    const amid = operator.calls.length;
    await operator.pass(10_000);

    assert.deepEqual([amid, operator.calls.length], [0, 1]);
    await operator.stop();
  });

  it('comes back by itself after the event stream broke, and missed nothing', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.engine.breakEvents();
    operator.engine.crash(id);

    await operator.pass(60_000);

    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('misses nothing of a break of the stream, though nothing had happened before it', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add({ name: 'web' });
    await clock.advance(25_000);
    const operator = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine });
    engine.breakEvents();
    await operator.pass(1);
    engine.crash(id);

    await operator.pass(60_000);

    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('does nothing while it does not hear what happens', async () => {
    const thresholds = [
      { name: 'down', signal: 'state', equals: 'exited', for: '30s', severity: 'critical' },
    ];
    const operator = await MemoryOperator.open([aPolicy({ thresholds })]);
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.engine.crash(id);
    await operator.pass(10_000);
    operator.engine.breakEvents();
    operator.engine.faults.inject({ operation: 'info', kind: 'Fail' });

    await operator.pass(60_000);

    const refusals = operator
      .incidents()
      .flatMap(({ candidates }) =>
        candidates.flatMap(({ blockedBy }) => blockedBy.map(({ reason }) => reason)),
      );
    assert.deepEqual(refusals, ['Settling']);
    assert.deepEqual(operator.calls, []);
    operator.engine.faults.clear();
    await operator.pass(120_000);
    assert.equal(operator.calls.length, 1);
    await operator.stop();
  });

  it('lets the host settle when it was up before the engine', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    await engine.add({ name: 'web', health: CHECK, plan: () => ({ health: 'unhealthy' }) });
    await clock.advance(60_000);
    engine.faults.inject({ operation: 'info', kind: 'Fail' });
    const operator = await MemoryOperator.open([aPolicy()], { clock, engine });
    await operator.pass(20_000);
    engine.faults.clear();

    await operator.pass(30_000);
    const early = operator.calls.length;
    await operator.pass(90_000);

    assert.deepEqual([early, operator.calls.length > 0], [0, true]);
    await operator.stop();
  });

  it('keeps what it saw last when an older look answers later', async () => {
    const clock = new VirtualClock();
    const engine = new MemoryEngine(clock);
    const id = await engine.add({ name: 'web' });
    const operator = await MemoryOperator.open([aPolicy(CRASH)], { clock, engine });
    await operator.pass(25_000);
    const inspect = engine.inspect.bind(engine);
    const delaysMs = [1_000, 0];
    engine.inspect = async (...args) => {
      const delayMs = delaysMs.shift() ?? 10_000;
      const answer = await inspect(...args);
      await clock.sleep(delayMs);
      return answer;
    };
    operator.controller.enqueue('box/web');
    await operator.pass(500);

    await clock.run(engine.rename(id, 'other', new AbortController().signal));
    await operator.pass(1_000);

    assert.equal(operator.controller.fleet.container(id)?.name, 'other');
    await operator.stop();
  });

  it('asks for what a list, older than its creation, does not have', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    const { engine, clock } = operator;
    const list = engine.list.bind(engine);
    let created = false;
    engine.list = async (...args) => {
      const answer = await list(...args);
      if (!created) {
        created = true;
        await engine.add({ name: 'web' });
        await clock.sleep(300);
      }
      return answer;
    };

    await operator.pass(400_000);

    assert.ok(created);
    assert.ok(operator.controller.fleet.views().has('box/web'));
    await operator.stop();
  });

  for (const writes of [1, 2, 3, 4]) {
    it(`takes a recreation back that lost the engine after ${writes} writes, and repeats nothing`, async () => {
      const operator = await MemoryOperator.open([aPolicy(RECREATE)]);
      const { engine } = operator;
      await engine.add({ name: 'web', health: CHECK, plan: () => ({ health: 'unhealthy' }) });
      engine.faults.cutOffAfter(writes, 'TakesEffect');
      for (let looks = 0; looks < 200 && !engine.faults.isCut; looks += 1) await operator.pass(500);
      await operator.pass(60_000);
      const away = operator.incidents()[0]?.attempts[0]?.outcome;
      engine.faults.reconnect();

      await operator.pass(120_000);

      assert.equal(away, undefined);
      const [attempt] = operator.incidents()[0]?.attempts ?? [];
      assert.equal(attempt?.outcome, 'OutcomeUnknown');
      assert.equal(operator.calls.length, 1);
      const left = await operator.clock.run(engine.list(new AbortController().signal));
      assert.deepEqual(
        left.map(({ name, state }) => [name, state]),
        [['web', 'running']],
      );
      await operator.stop();
    });
  }

  for (const [what, policies, why] of [
    ['Off', [aPolicy({ remediation: { ...RECREATE.remediation, mode: 'Off' } })], 'in mode Off'],
    ['removed', [], 'no policy governs box/web any more'],
  ] as const) {
    it(`touches nothing that a recreation has left when its policy is ${what} by then, and says so once`, async () => {
      const first = await MemoryOperator.open([aPolicy(RECREATE)]);
      const { clock, engine, storage } = first;
      await engine.add({ name: 'web', health: CHECK, plan: () => ({ health: 'unhealthy' }) });
      engine.faults.cutOffAfter(4, 'TakesEffect');
      for (let looks = 0; looks < 200 && !engine.faults.isCut; looks += 1) await first.pass(500);
      first.kill();
      engine.faults.reconnect();
      const before = engine.writes.length;

      const second = await MemoryOperator.open(policies, { clock, engine, storage });
      await second.pass(1_300_000);

      assert.deepEqual(engine.writes.slice(before), []);
      const [said, ...others] = second.warnings.filter((words) => words.includes('.sentinel-'));
      assert.deepEqual(others, []);
      assert.match(said ?? '', /set aside is kept.*: web\.sentinel-[a-z0-9]+-old: /);
      assert.deepEqual([second.incidents()[0]?.attempts[0]?.message?.includes(why)], [true]);
      await second.stop();
    });
  }

  for (const [what, policies] of [
    ['Shadow', [aPolicy({ remediation: { ...RECREATE.remediation, mode: 'Shadow' } })]],
    ['removed', []],
  ] as const) {
    it(`brings back what a recreation was stopping, though its policy is ${what} by then`, async () => {
      const first = await MemoryOperator.open([aPolicy(RECREATE)]);
      const { clock, engine, storage } = first;
      const plan = () => ({ health: 'unhealthy', ignoresTerm: true }) as const;
      const old = await engine.add({ name: 'web', health: CHECK, plan, stopTimeoutSeconds: 6 });
      const isStopping = () => engine.writes.some(({ operation }) => operation === 'stop');
      for (let looks = 0; looks < 200 && !isStopping(); looks += 1) await first.pass(500);
      first.kill();

      const second = await MemoryOperator.open(policies, { clock, engine, storage });
      await second.pass(60_000);

      const { id, state } = engine.peek('web') ?? {};
      assert.deepEqual([id, state, engine.ids().length], [old, 'running', 1]);
      await second.stop();
    });
  }

  it('leaves to a person what that person stops while the end of a recreation is waited for', async () => {
    const first = await MemoryOperator.open([aPolicy(RECREATE)]);
    const { clock, engine, storage } = first;
    const plan = () => ({ health: 'unhealthy', ignoresTerm: true }) as const;
    await engine.add({ name: 'web', health: CHECK, plan, stopTimeoutSeconds: 60 });
    const isStopping = () => engine.writes.some(({ operation }) => operation === 'stop');
    for (let looks = 0; looks < 200 && !isStopping(); looks += 1) await first.pass(500);
    first.kill();

    const second = await MemoryOperator.open([aPolicy(RECREATE)], { clock, engine, storage });
    await second.pass(5_000);
    await clock.run(engine.stop('web', 1, new AbortController().signal));
    await second.pass(120_000);

    assert.equal(engine.peek('web')?.state, 'exited');
    assert.ok(!engine.writes.some(({ operation }) => operation === 'start'));
    await second.stop();
  });

  it('knows nothing from silence where the engine has forgotten events since the intent', async () => {
    const outcomeAfter = async (events: number) => {
      const first = await MemoryOperator.open([aPolicy()]);
      const { clock, engine, storage } = first;
      const plan = () => ({ health: 'unhealthy' }) as const;
      await engine.add({ name: 'web', health: CHECK, plan });
      const other = await engine.add({ name: 'other' });
      engine.faults.inject({ operation: 'restart', kind: 'Hang' });
      const isIntended = () => first.types().includes('remediation.intended');
      for (let looks = 0; looks < 200 && !isIntended(); looks += 1) await first.pass(100);
      await first.pass(1_000);
      first.kill();
      engine.faults.clear();
      for (let times = 0; times < events; times += 1) {
        await clock.run(engine.rename(other, `other-${times}`, new AbortController().signal));
      }
      const second = await MemoryOperator.open([aPolicy()], { clock, engine, storage });
      await second.pass(1_000);
      const outcome = second.incidents()[0]?.attempts[0]?.outcome;
      await second.stop();
      return outcome;
    };

    assert.deepEqual(
      [await outcomeAfter(3), await outcomeAfter(300)],
      ['NotExecuted', 'OutcomeUnknown'],
    );
  });

  it('says of what was set aside and is removable no more that it stays', async () => {
    const operator = await MemoryOperator.open([aPolicy(RECREATE)]);
    const { engine } = operator;
    let health: 'healthy' | 'unhealthy' = 'unhealthy';
    await engine.add({ name: 'web', health: CHECK, plan: () => ({ health }) });
    health = 'healthy';
    engine.faults.inject({ operation: 'remove', kind: 'Refuse' });
    await operator.pass(300_000);
    assert.match(operator.warnings.join('\n'), /what was set aside could not be removed/);
    operator.policies.set([]);
    operator.warnings.length = 0;

    await operator.pass(1_300_000);

    assert.deepEqual(
      operator.warnings.map((words) => words.replace(/sentinel-[a-z0-9]+/, 'sentinel-I')),
      [
        'a container that was set aside is kept until a person removes it: web.sentinel-I-old: no policy governs box/web any more',
      ],
    );
    await operator.stop();
  });

  it('has its last record on disk before it says that it has stopped', async () => {
    const clock = new VirtualClock();
    const disk = createMemoryJournalStorage();
    const slowDisk = {
      ...disk,
      async append(...args: Parameters<typeof disk.append>) {
        await clock.sleep(200);
        await disk.append(...args);
      },
    };
    const operator = await MemoryOperator.open([aPolicy()], { clock, storage: slowDisk });
    await operator.pass(5_000);

    await clock.run(operator.controller.stop('test'));

    assert.equal(operator.records.at(-1)?.type, 'stopped');
    assert.equal(operator.journal.durableSeq(), operator.journal.head().seq);
    await operator.stop();
  });

  it('has the same state when its journal is replayed', async () => {
    const first = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await first.engine.add({ name: 'web' });
    await first.pass(25_000);
    first.engine.crash(id);
    await first.pass(60_000);
    const before = structuredClone(first.journal.state());
    await first.stop();

    const { clock, engine, storage } = first;
    const second = await MemoryOperator.open([], { clock, engine, storage });

    const { incidents, ledger, workloads, hostLedger } = second.journal.state();
    assert.deepEqual(
      { incidents, ledger, workloads, hostLedger },
      {
        incidents: before.incidents,
        ledger: before.ledger,
        workloads: before.workloads,
        hostLedger: before.hostLedger,
      },
    );
    await second.stop();
  });

  it('does not take a stop for a crash when the daemon skipped the event of its signal', async () => {
    const operator = await MemoryOperator.open([aPolicy(CRASH)]);
    const id = await operator.engine.add({ name: 'web', plan: { ignoresTerm: true } });
    await operator.pass(25_000);
    operator.engine.loseEvents(({ action }) => action === 'kill' || action === 'stop');

    await operator.clock.run(operator.engine.stop(id, 1, new AbortController().signal));
    await operator.pass(600_000);

    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });
});
