import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { policyWith, SignalBench } from '../../../test/support/signals.ts';

const MINUTE_MS = 60_000;
const NOVEL = { name: 'novel', signal: 'log.anomaly', window: '5m' };
const NEVER = new AbortController().signal;

let bench: SignalBench;

/** A workload that writes some thirty requests a minute, for so many minutes. */
async function open(minutes: number, spec: Record<string, unknown> = {}): Promise<SignalBench> {
  bench = new SignalBench(policyWith([NOVEL], spec));
  await bench.engine.add({ name: 'web' });
  await bench.start();
  await serve(minutes);
  return bench;
}

async function serve(minutes: number): Promise<void> {
  for (let second = 0; second < minutes * 60; second += 2) {
    bench.engine.writeLog('web', `GET /orders/${second} 200 in ${second % 9} ms`);
    await bench.clock.advance(2_000);
  }
}

function anomalies(): number | undefined {
  return bench.view().logs?.anomalies(bench.clock.wallMs() - 5 * MINUTE_MS);
}

function unusual(): string[] {
  const found = bench.view().logs?.unusual(bench.clock.wallMs() - 5 * MINUTE_MS) ?? [];
  return found.map(({ kind, template, count }) => `${kind} ${count} ${template}`);
}

async function restart(): Promise<void> {
  await bench.engine.start(bench.view().container?.id ?? '', NEVER);
  await bench.look();
}

describe('log anomalies of a workload', () => {
  afterEach(async () => bench.stop());

  it('count a new error within a minute, once, and forget it after the window', async () => {
    await open(12);
    const known = bench.enqueued.length;

    for (const host of ['db-1', 'db-2'])
      bench.engine.writeLog('web', `cannot reach ${host}: fatal`);
    await serve(1);
    const seen = anomalies();
    const enqueued = bench.enqueued.length - known;
    for (const host of ['db-1', 'db-2'])
      bench.engine.writeLog('web', `cannot reach ${host}: fatal`);
    await serve(1);
    const again = anomalies();
    await serve(5);

    assert.deepEqual([seen, again, anomalies()], [1, 1, 0]);
    assert.equal(enqueued, 1);
  });

  it('keep what is new and harmless, without counting it', async () => {
    await open(12);

    bench.engine.writeLog('web', 'cache warmed');
    await serve(1);

    assert.equal(anomalies(), 0);
    assert.deepEqual(unusual(), ['new 1 cache warmed']);
  });

  it('count a surge and a silence', async () => {
    await open(12);

    for (let line = 0; line < 500; line += 1)
      bench.engine.writeLog('web', `GET /x/${line} 200 in 1 ms`);
    await serve(1);
    const surge = anomalies();
    await bench.clock.advance(2 * MINUTE_MS);

    assert.equal(surge, 1);
    assert.match(unusual().join('\n'), /^surge 5\d\d GET/m);
    assert.match(unusual().join('\n'), /^silence 0 GET/m);
  });

  it('count nothing while they learn, nor what a start writes', async () => {
    await open(3, { startPeriod: '30s' });
    bench.engine.writeLog('web', 'fatal: first');
    await serve(12);
    const learning = anomalies();

    bench.engine.crash('web');
    await bench.look();
    await bench.clock.advance(5 * MINUTE_MS);
    await restart();
    bench.engine.writeLog('web', 'error: no cache yet');
    await serve(3);

    assert.equal(learning, 0);
    assert.equal(anomalies(), 0);
    assert.deepEqual(unusual(), []);
  });

  it('tell at once what the present minute has brought', async () => {
    await open(12);

    bench.engine.writeLog('web', 'panic: nil map');
    await bench.clock.advance(100);

    assert.deepEqual(unusual(), ['new 1 panic: nil map']);
  });

  it('count the last words of a run that ended', async () => {
    await open(12);

    bench.engine.writeLog('web', 'panic: nil map');
    await bench.clock.advance(100);
    bench.engine.crash('web');
    await bench.look();
    await bench.clock.advance(1_000);

    assert.equal(anomalies(), 1);
  });

  it('do not count in a minute in which an action ended', async () => {
    await open(12);
    await bench.clock.advance(10_000);
    bench.engine.writeLog('web', 'panic: nil map');
    await bench.clock.advance(1_000);

    bench.cutMs = bench.clock.wallMs();
    await serve(2);

    assert.equal(anomalies(), 0);
  });

  it('are not called silent where lines were not looked at', async () => {
    await open(12);

    // More than is looked at in a second, and the requests come after them.
    for (let line = 0; line < 3_000; line += 1) bench.engine.writeLog('web', 'trace of a flood');
    await bench.clock.advance(MINUTE_MS);

    assert.doesNotMatch(unusual().join('\n'), /silence/);
    assert.match(unusual().join('\n'), /new \d+ trace of a flood/);
  });

  it('keep what was learned when the policy changes, and forget it when nobody asks', async () => {
    await open(12);
    const HEALTH = { name: 'h', signal: 'health', equals: 'unhealthy' };
    bench.policy = policyWith([NOVEL, HEALTH]);
    await bench.look();
    bench.engine.writeLog('web', 'panic: nil map');
    await serve(1);
    const kept = anomalies();

    bench.policy = policyWith([{ name: 'rate', signal: 'log.rate', above: 100, window: '1m' }]);
    await bench.look();
    await serve(1);
    const unasked = bench.view().logs?.anomalies(0);
    bench.policy = policyWith([NOVEL]);
    await bench.look();
    bench.engine.writeLog('web', 'panic: nil slice');
    await serve(1);

    assert.deepEqual([kept, unasked, anomalies()], [1, undefined, 0]);
  });
});
