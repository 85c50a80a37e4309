import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { ContainerSpec } from '#adapters/memory/memory-container.ts';
import type { Reading } from '#core/workload/view.ts';
import { policyWith, SignalBench } from '../../../test/support/signals.ts';

const MIB = 2 ** 20;
const MEMORY = { name: 'memory', signal: 'memory.utilization', above: 0.9, clearBelow: 0.8 };
const FATAL = { name: 'fatal', signal: 'log.matches', pattern: 'FATAL', above: 2, window: '1m' };
const HTTP = { name: 'up', signal: 'probe.http', probe: { port: 8080, interval: '10s' } };
const DISK = { name: 'disk', signal: 'disk.writable', path: '/data' };

let bench: SignalBench;

async function open(
  thresholds: readonly Record<string, unknown>[],
  container: Partial<ContainerSpec> = {},
  spec: Record<string, unknown> = {},
): Promise<SignalBench> {
  bench = new SignalBench(policyWith(thresholds, spec));
  await bench.engine.add({ name: 'web', ...container });
  await bench.start();
  return bench;
}

/** Uses this share of its memory limit, and half of one CPU. */
const using = (share: () => number): Partial<ContainerSpec> => ({
  limits: { memoryBytes: 100 * MIB },
  plan: {
    usage: (runMs) => ({
      cpu: { totalNs: runMs * 500_000, onlineCpus: 4 },
      memory: { usageBytes: share() * 100 * MIB, inactiveFileBytes: 0, activeFileBytes: 0 },
    }),
  },
});

const valueOf = (reading: Reading | undefined) =>
  reading?.kind === 'Value' ? reading.value : reading?.reason;

describe('signal collector', () => {
  afterEach(async () => bench.stop());

  describe('gauges', () => {
    it('arrive with the first sample, and those that need two with the second', async () => {
      const { clock, view } = bound(
        await open(
          [MEMORY],
          using(() => 0.5),
        ),
      );

      await clock.advance(100);
      const first = view().gauges;
      await clock.advance(10_000);

      assert.equal(valueOf(first['memory.utilization']), 0.5);
      assert.equal(valueOf(first['cpu.utilization']), 'NeedsTwoSamples');
      assert.equal(valueOf(view().gauges['cpu.utilization']), 0.125);
      const reading = view().gauges['cpu.utilization'];
      assert.ok(reading?.kind === 'Value' && clock.wallMs() - reading.atMs < 1_000);
    });

    it('are not collected for a policy that names none, nor for what does not run', async () => {
      const { clock, engine, view } = bound(
        await open(
          [{ name: 'h', signal: 'health', equals: 'unhealthy' }],
          using(() => 0.5),
        ),
      );
      await engine.add({ name: 'idle', ...using(() => 0.5) }, { start: false });

      bench.policy = policyWith([{ name: 'h', signal: 'health', equals: 'unhealthy' }]);
      await bench.look();
      await clock.advance(20_000);

      assert.deepEqual(view().gauges, {});
      assert.deepEqual(bench.view('idle').gauges, {});
    });

    it('begin when the policy comes to name one, and go when it no longer does', async () => {
      const { clock, view } = bound(
        await open(
          [HTTP],
          using(() => 0.5),
        ),
      );

      await clock.advance(1_000);
      const probed = Object.keys(view().probes);
      bench.policy = policyWith([MEMORY]);
      await bench.look();
      await clock.advance(200);
      const { gauges: named, probes } = view();
      bench.policy = policyWith([MEMORY], { remediation: { mode: 'Off' } });
      await bench.look();

      assert.equal(valueOf(named['memory.utilization']), 0.5);
      assert.deepEqual(probed, ['up']);
      assert.deepEqual([view().gauges, probes], [{}, {}]);
    });

    it('enqueue the workload when a threshold changes, not for each sample', async () => {
      let share = 0.5;
      const { clock } = bound(
        await open(
          [MEMORY],
          using(() => share),
        ),
      );
      const passed: number[] = [];
      const pass = async (to: number) => {
        share = to;
        await clock.advance(30_000);
        passed.push(bench.enqueued.length);
      };

      for (const to of [0.5, 0.95, 0.85, 0.7, 0.6]) await pass(to);

      // Known; breached; still breached above clearBelow; clear; clear.
      assert.deepEqual(passed, [1, 2, 2, 3, 3]);
    });

    it('enqueue for an expression when its outcome changes', async () => {
      let share = 0.5;
      const when = { name: 'leak', when: 'memory.utilization > 0.7' };
      const { clock } = bound(
        await open(
          [when],
          using(() => share),
        ),
      );
      await clock.advance(30_000);
      const before = bench.enqueued.length;

      share = 0.8;
      await clock.advance(30_000);

      assert.equal(before, 1);
      assert.equal(bench.enqueued.length, 2);
    });

    it('outlive two failed samples and then are stale', async () => {
      const { clock, engine, view } = bound(
        await open(
          [MEMORY],
          using(() => 0.5),
        ),
      );
      await clock.advance(1_000);
      engine.faults.inject({ operation: 'sample', kind: 'Fail' });

      await clock.advance(25_000);
      const kept = view().gauges['memory.utilization'];
      await clock.advance(20_000);

      assert.equal(valueOf(kept), 0.5);
      assert.deepEqual(view().gauges['memory.utilization'], { kind: 'Unknown', reason: 'Stale' });
      assert.equal(bench.warnings.length, 1);
    });

    it('of an earlier run are forgotten with the restart', async () => {
      const { clock, engine, view } = bound(
        await open(
          [MEMORY],
          using(() => 0.95),
        ),
      );
      await clock.advance(20_000);
      const before = view().gauges['cpu.utilization'];

      engine.crash('web');
      await engine.start(view().container?.id ?? '', new AbortController().signal);
      await bench.look();
      await clock.advance(100);

      assert.equal(valueOf(before), 0.125);
      assert.equal(valueOf(view().gauges['memory.utilization']), 0.95);
      assert.equal(valueOf(view().gauges['cpu.utilization']), 'NeedsTwoSamples');
    });

    it('of 200 containers are spread out, and each is sampled once in ten seconds', async () => {
      bench = new SignalBench(policyWith([MEMORY]));
      for (let index = 0; index < 200; index += 1) {
        await bench.engine.add({ name: `c${index}`, ...using(() => 0.5) });
      }
      const { clock, engine } = bench;
      const perSecond = new Map<number, number>();
      const sample = engine.sample.bind(engine);
      engine.sample = async (container, signal) => {
        const second = Math.floor(clock.bootMs() / 1_000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
        return sample(container, signal);
      };

      await bench.start();
      await clock.advance(30_000);

      const counts = [...perSecond.values()];
      assert.ok(Math.max(...counts) < 30, String(counts));
      const total = counts.reduce((sum, count) => sum + count, 0);
      assert.ok(total >= 590 && total <= 610, String(total));
    });
  });

  describe('probes', () => {
    it('count failures in a row, say what went wrong, and begin anew with a run', async () => {
      const { clock, engine, prober, view } = bound(
        await open([HTTP], { networks: { app: { address: '10.0.0.2' } } }),
      );
      const failure = { kind: 'Failure', reason: 'Refused', message: 'refused' } as const;
      prober.answer = () => failure;

      await clock.advance(25_000);
      const failing = view().probes['up'];
      engine.crash('web');
      await engine.start(view().container?.id ?? '', new AbortController().signal);
      await bench.look();
      await clock.advance(100);
      const restarted = view().probes['up'];
      prober.answer = () => ({ kind: 'Success' });
      await clock.advance(10_000);

      assert.equal(failing?.failures, 3);
      assert.equal(failing?.message, 'refused');
      assert.equal(restarted?.failures, 1);
      assert.deepEqual([view().probes['up']?.failures, view().probes['up']?.message], [0, '']);
      assert.deepEqual(prober.asked[0], {
        addresses: ['10.0.0.2'],
        port: 8080,
        timeoutMs: 2_000,
        scheme: 'http',
        path: '/',
      });
    });

    it('do not count failures within the start period', async () => {
      const { clock, prober, view } = bound(
        await open([HTTP], { networks: { app: { address: '10.0.0.2' } } }, { startPeriod: '30s' }),
      );
      prober.answer = () => ({ kind: 'Failure', reason: 'Refused', message: 'refused' });

      await clock.advance(29_000);
      const starting = view().probes['up'];
      await clock.advance(20_000);

      assert.deepEqual(
        [starting?.failures, starting?.notCounted, starting?.message],
        [0, true, 'refused'],
      );
      assert.deepEqual(
        [view().probes['up']?.failures, view().probes['up']?.notCounted],
        [2, undefined],
      );
    });

    it('go to the owner of the network that a container has joined', async () => {
      bench = new SignalBench(policyWith([HTTP]));
      await bench.engine.add({ name: 'vpn', networks: { out: { address: '10.0.0.9' } } });
      const owner = (await bench.engine.inspect('vpn', new AbortController().signal))?.id ?? '';
      await bench.engine.add({ name: 'web', shares: [{ kind: 'network', owner }] });
      const web = (await bench.engine.inspect('web', new AbortController().signal))?.id ?? '';
      await bench.engine.add({ name: 'behind', shares: [{ kind: 'network', owner: web }] });
      await bench.engine.add({ name: 'hosted', networks: { host: {} } });

      await bench.start();
      await bench.clock.advance(1_000);

      const asked = bench.prober.asked.map(({ addresses }) => addresses);
      assert.deepEqual(new Set(asked.map(String)), new Set(['10.0.0.9', 'Host']));
      assert.equal(asked.length, 4);
    });

    it('fail where there is no way any more to what had answered in this run', async () => {
      const { clock, prober, view } = bound(
        await open([HTTP], { networks: { app: { address: '10.0.0.2' } } }),
      );
      prober.answer = () => ({ kind: 'Failure', reason: 'Refused', message: 'refused' });
      await clock.advance(1_000);
      prober.answer = () => ({ kind: 'Failure', reason: 'NoRoute', message: 'no route' });

      await clock.advance(20_000);

      assert.deepEqual(
        [view().probes['up']?.failures, view().probes['up']?.unroutable],
        [3, undefined],
      );
    });

    it('tell, and count nothing, where there is no way to the service', async () => {
      bench = new SignalBench(policyWith([HTTP]));
      await bench.engine.add({ name: 'web', networks: { backend: { address: '10.0.0.2' } } });
      await bench.engine.add({ name: 'lonely' });
      bench.prober.answer = () => ({
        kind: 'Failure',
        reason: 'NoRoute',
        message: 'no route to 10.0.0.2:8080',
      });

      await bench.start();
      await bench.clock.advance(60_000);

      const [web, lonely] = [bench.view().probes['up'], bench.view('lonely').probes['up']];
      assert.equal(
        web?.message,
        'no route to 10.0.0.2:8080: Sentinel must share a network with backend',
      );
      assert.match(lonely?.message ?? '', /no address/);
      for (const reading of [web, lonely]) {
        assert.deepEqual([reading?.failures, reading?.unroutable], [0, true]);
      }
      assert.equal(bench.warnings.length, 2);
      assert.match(bench.warnings.join(' '), /must share a network with backend/);
    });
  });

  describe('disks', () => {
    it('become readings, and enqueue the workload when one fills', async () => {
      const { clock, filesystem, view } = bound(await open([DISK]));
      await clock.advance(1_000);
      const writable = view().disks['/data'];
      const enqueued = bench.enqueued.length;

      filesystem.answer = () => ({ kind: 'NotWritable', reason: 'NoSpace' });
      await clock.advance(30_000);
      const full = view().disks['/data'];
      filesystem.answer = () => ({ kind: 'Unsupported', reason: 'HostProcNotVisible' });
      await clock.advance(30_000);

      assert.equal(valueOf(writable), 1);
      assert.equal(valueOf(full), 0);
      assert.equal(bench.enqueued.length, enqueued + 2);
      assert.deepEqual(view().disks['/data'], {
        kind: 'Unsupported',
        reason: 'HostProcNotVisible',
      });
    });
  });

  describe('logs', () => {
    it('begin at now: what was written before is no news', async () => {
      bench = new SignalBench(policyWith([FATAL]));
      await bench.engine.add({ name: 'web' });
      for (let index = 0; index < 10; index += 1) bench.engine.writeLog('web', 'FATAL old');
      await bench.clock.advance(1_000);

      await bench.start();
      bench.engine.writeLog('web', 'FATAL new');
      await bench.clock.advance(10);

      assert.deepEqual(texts(), ['FATAL new']);
      assert.equal(matches(), 1);
    });

    it('begin at now also where the clock was set back after what was written', async () => {
      bench = new SignalBench(policyWith([FATAL]));
      await bench.engine.add({ name: 'web' });
      bench.engine.writeLog('web', 'FATAL old');
      bench.clock.stepWall(-3_600_000);

      await bench.start();
      bench.engine.writeLog('web', 'FATAL new');
      await bench.clock.advance(10);

      assert.deepEqual(texts(), ['FATAL new']);
    });

    it('enqueue the workload within a second of a count that crosses, and when it has passed', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      await clock.advance(2_000);
      const known = bench.enqueued.length;

      for (let index = 0; index < 3; index += 1) engine.writeLog('web', 'FATAL');
      await clock.advance(1_000);
      const crossed = bench.enqueued.length;
      await clock.advance(50_000);
      const still = bench.enqueued.length;
      await clock.advance(11_000);

      assert.deepEqual(
        [crossed - known, still - crossed, bench.enqueued.length - still],
        [1, 0, 1],
      );
      assert.equal(matches(), 0);
    });

    it('enqueue the workload when a count crosses anew after an action', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      await clock.advance(2_000);
      for (let index = 0; index < 3; index += 1) engine.writeLog('web', 'FATAL');
      await clock.advance(2_000);
      bench.cutMs = clock.wallMs();
      engine.writeLog('web', 'FATAL');
      await clock.advance(2_000);
      const acted = bench.enqueued.length;

      for (let index = 0; index < 3; index += 1) engine.writeLog('web', 'FATAL');
      await clock.advance(2_000);

      assert.equal(bench.enqueued.length, acted + 1);
    });

    it('lose and double no line across restarts and broken streams', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      const id = bench.view().container?.id ?? '';
      let written = 0;
      const write = () => engine.writeLog('web', `line ${written++}`);

      for (let round = 0; round < 5; round += 1) {
        write();
        write();
        await clock.advance(100);
        write();
        engine.crash('web');
        await bench.look();
        await clock.advance(round * 400);
        await engine.start(id, new AbortController().signal);
        write();
        await bench.look();
        await clock.advance(1_000);
      }

      assert.deepEqual(
        texts(),
        Array.from({ length: written }, (_, index) => `line ${index}`),
      );
    });

    it('are read from the beginning of a container that came later', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      await clock.advance(5_000);

      await engine.add({ name: 'late' });
      engine.writeLog('late', 'first words');
      engine.crash('late');
      await clock.advance(100);
      await bench.look();
      await clock.advance(1_000);

      assert.deepEqual(texts('late'), ['first words']);
    });

    it('go on with a container that was recreated, its counts kept', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      engine.writeLog('web', 'FATAL of the old');
      await clock.advance(1_000);
      const never = new AbortController().signal;
      await engine.remove(bench.view().container?.id ?? '', { force: true }, never);

      await engine.add({ name: 'web' });
      engine.writeLog('web', 'FATAL of the new');
      await clock.advance(100);
      await bench.look();
      await clock.advance(1_000);

      assert.deepEqual(texts().at(-1), 'FATAL of the new');
    });

    it('that cannot be read leave the counters unknown, with one warning', async () => {
      const { clock, engine, view } = bound(await open([FATAL], { logDriver: 'none' }));

      await clock.advance(60_000);
      engine.crash('web');
      await engine.start(view().container?.id ?? '', new AbortController().signal);
      await bench.look();
      await clock.advance(1_000);

      assert.equal(view().logs, undefined);
      assert.equal(bench.warnings.length, 1);
    });

    it('beyond the cap are counted and not matched, and told of by reason', async () => {
      const { clock, engine, view } = bound(
        await open([FATAL, { name: 'rate', signal: 'log.rate', above: 100, window: '10s' }]),
      );
      await clock.advance(1_000);

      for (let index = 0; index < 5_000; index += 1) engine.writeLog('web', 'FATAL');
      await clock.advance(3_000);

      assert.equal(matches(), 2_000);
      assert.equal(view().logs?.rate(clock.wallMs() - 10_000), 500);
      assert.deepEqual(bench.dropped, { ContainerRate: 3_000 });
      assert.equal(bench.lines, 5_000);
      assert.equal(texts().length, 500);
    });

    it('of a flood are read in samples that end with its last words', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      await clock.advance(1_000);

      for (let index = 0; index < 40_000; index += 1) {
        engine.writeLog('web', `line ${index}`);
        if (index % 100 === 0) await clock.advance(1);
      }
      await clock.advance(3_000);

      // One second's share, and the 200 lines that the pause ends with.
      assert.ok(bench.lines <= 10_201, String(bench.lines));
      assert.equal(texts().at(-1), 'line 39999');
      const skipped = bench.dropped.Skipped ?? 0;
      assert.ok(skipped > 25_000 && skipped < 35_000, String(skipped));
    });

    it('of a quiet workload are looked at while others flood', async () => {
      bench = new SignalBench(policyWith([FATAL]));
      await bench.engine.add({ name: 'web' });
      for (let index = 0; index < 12; index += 1) await bench.engine.add({ name: `loud${index}` });
      await bench.start();
      await bench.clock.advance(1_000);

      for (let index = 0; index < 12; index += 1) {
        for (let line = 0; line < 5_000; line += 1) bench.engine.writeLog(`loud${index}`, 'x');
      }
      await bench.clock.advance(10);
      bench.engine.writeLog('web', 'FATAL');
      await bench.clock.advance(2_000);

      assert.equal(matches(), 1);
      assert.ok((bench.dropped.TotalRate ?? 0) > 0);
    });

    it('tell an expression nothing about a span that they did not see whole', async () => {
      const silent = { name: 'silent', when: 'log.matches("beat", "1m") < 1' };
      const { clock, view } = bound(await open([silent]));

      await clock.advance(55_000);
      const early = bench.enqueued.length;
      await clock.advance(10_000);

      assert.equal(early, 0);
      assert.equal(bench.enqueued.length, 1);
      assert.equal(view().logs?.matches('beat', clock.wallMs() - 60_000), 0);
    });

    it('keep their counts when a policy changes in something else', async () => {
      const { clock, engine } = bound(await open([FATAL]));
      engine.writeLog('web', 'FATAL');
      await clock.advance(10);

      bench.policy = policyWith([FATAL, MEMORY]);
      await bench.look();

      assert.equal(matches(), 1);
    });
  });
});

/** The parts of a bench that most tests need, its view of `web` among them. */
function bound(of: SignalBench) {
  const { clock, engine, prober, filesystem } = of;
  return { clock, engine, prober, filesystem, view: () => of.view() };
}

function texts(name = 'web'): string[] {
  return bench.collector.recentLines(`box/${name}`).map(({ text }) => text);
}

function matches(): number | undefined {
  return bench.view().logs?.matches('FATAL', bench.clock.wallMs() - 60_000);
}
