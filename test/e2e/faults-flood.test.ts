import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually, TestStack } from '../support/engine.ts';
import { metricOf } from '../support/metrics.ts';
import { peakMemoryOf } from '../support/process-memory.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  crash,
  execIn,
  RESTART,
  recordEvents,
} from '../support/workloads.ts';

const OFFLINE = { HostConfig: { NetworkMode: 'none' } } as const;
/** As fast as a pipe takes it, until it is enough: above 100,000 lines a second on an idle machine. */
const NOISY = `
trap "exit 0" TERM
until [ -f /go ]; do sleep 0.1; done
timeout 30 yes "2026-11-24 INFO request served in 12 ms for /api/v1/items?page=7" &
until [ -f /enough ]; do sleep 0.1; done
kill $!; wait $!
while :; do echo "FATAL: no space left on device"; sleep 0.5; done`;
/** Three times what it takes. */
const MEMORY_BYTES_MAX = 512 * 2 ** 20;

describe('a flood of log lines', () => {
  it('is dropped and counted, delays no remediation elsewhere, and reading goes on after it', async (t) => {
    await using stack = await TestStack.open();
    const noisy = await stack.container('noisy', { script: NOISY, ...OFFLINE });
    const job = await aService(stack, 'job', { ...OFFLINE, unchecked: true });
    await using events = await recordEvents(stack);
    const errors = {
      name: 'errors',
      signal: 'log.matches',
      pattern: 'FATAL',
      above: 2,
      window: '1m',
      severity: 'warning',
    };
    await using operator = await SentinelProcess.start({
      policies: [
        aQuickPolicy(stack, {
          name: 'noisy',
          spec: { selector: { names: [stack.name('noisy')] }, thresholds: [errors] },
          remediation: { allowed: [{ ...RESTART, on: ['errors'] }] },
        }),
        aQuickPolicy(stack, {
          name: 'job',
          spec: { selector: { names: [stack.name('job')] } },
          remediation: { verify: { within: '20s', healthyFor: '1s' } },
        }),
      ],
    });
    const dropped = (reason = '') => metricOf(operator, 'sentinel_log_lines_dropped_total', reason);

    await execIn(noisy, ['touch', '/go']);
    await eventually(async () => (await dropped()) > 0, {
      what: 'lines that are dropped',
      timeoutMs: 30_000,
    });
    await crash(job, 3);
    const incident = await operator.untilIncident(
      stack.name('job'),
      ({ resolution }) => resolution !== undefined,
    );
    assert.equal(incident.resolution, 'Remediated');
    assert.equal(events.count(job, 'start'), 1);
    await execIn(noisy, ['touch', '/enough']);
    const loud = await operator.untilIncident(stack.name('noisy'), () => true, 60_000);

    assert.equal(loud.threshold, 'errors');
    // What anybody who can write a line could cause is for people.
    await operator.untilRefused(stack.name('noisy'), 'LogTriggered');
    assert.deepEqual(loud.attempts, []);
    assert.equal(events.count(noisy, 'restart'), 0);
    const read = await metricOf(operator, 'sentinel_log_lines_total', 'policy="noisy"');
    const [ofContainer, skipped] = [await dropped('"ContainerRate"'), await dropped('"Skipped"')];
    const peakBytes = await peakMemoryOf(operator.pid);
    t.diagnostic(
      `${read} lines read, ${ofContainer} of them not looked at, about ${skipped} skipped; at most ${Math.round(peakBytes / 2 ** 20)} MiB resident`,
    );
    assert.ok(ofContainer > 0);
    assert.ok(ofContainer < read);
    assert.equal(await metricOf(operator, 'sentinel_log_lines_dropped_total', 'policy="job"'), 0);
    assert.ok(peakBytes < MEMORY_BYTES_MAX);
    assert.equal(await operator.stop(), 0);
    assert.equal((await operator.verifyJournal()).code, 0);
  });
});
