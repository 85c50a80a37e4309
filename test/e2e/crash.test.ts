import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Incident } from '#core/incident/incident.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  execIn,
  RESTART,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

/** A moment in the course of an action at which the operator is killed. */
const MOMENTS = [
  ['right after the intent', 'remediation.intended', () => 0],
  ['at some time in the call', 'remediation.intended', () => Math.random() * 1_500],
  ['at another time in the call', 'remediation.intended', () => Math.random() * 1_500],
  ['while it verifies', 'remediation.completed', () => Math.random() * 1_000],
] as const;

const isDone = ({ attempts, resolution }: Incident, afterAttempts: number): boolean =>
  resolution !== undefined && attempts.length > afterAttempts;

const segmentOf = async (operator: SentinelProcess): Promise<string> => {
  const folder = join(operator.data, 'journal');
  const [first] = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
  return join(folder, first ?? assert.fail('there is no journal'));
};

describe('an operator that is killed', () => {
  it('neither forgets nor repeats an action', async (t) => {
    await using stack = await TestStack.open();
    // Deaf to TERM, so that a restart takes the whole second of its timeout.
    const deaf = await aService(stack, 'deaf', {
      script: '[ -f /ok ] || touch /ok; trap "" TERM; while :; do sleep 0.1; done',
    });
    await untilHealth(deaf, 'healthy');
    await using events = await recordEvents(stack);
    const allowed = [{ ...RESTART, arguments: { timeoutSeconds: 1 } }];
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: { allowed } })],
    });
    const attempts = async () =>
      (await operator.incidentsOf(stack.name('deaf'))).flatMap((incident) => incident.attempts);

    for (const [moment, type, delay] of MOMENTS) {
      const before = await attempts();
      const seen = (await operator.recordsOf(type)).length;
      await breakHealth(deaf);
      await eventually(async () => (await operator.recordsOf(type)).length > seen, {
        what: type,
        everyMs: 5,
      });
      const delayMs = delay();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await operator.kill9();
      await operator.start();
      await operator.untilIncident(stack.name('deaf'), (one) => isDone(one, before.length), 60_000);

      const made = (await attempts()).slice(before.length);
      const told = `${moment}, after ${delayMs} ms: ${JSON.stringify(made, null, 1)}`;
      const [last, ...earlier] = made.toReversed();
      assert.ok(
        earlier.every(({ outcome }) => outcome === 'NotExecuted'),
        told,
      );
      assert.equal(last?.verification, 'Passed', told);
      assert.ok(last.outcome === 'Succeeded' || last.outcome === 'OutcomeUnknown', told);
      const carriedOut = (await attempts()).filter(({ outcome }) => outcome !== 'NotExecuted');
      assert.equal(events.count(deaf, 'restart'), carriedOut.length, told);
      assert.equal((await stateOf(deaf)).Health?.Status, 'healthy', told);
      t.diagnostic(
        `${moment}, after ${delayMs.toFixed(0)} ms: ${made.map(({ outcome }) => outcome).join(', ')}`,
      );
    }

    assert.equal(await operator.stop(), 0);
    const intended = (await operator.recordsOf('remediation.intended')).map(
      ({ data }) => data.intent,
    );
    const completed = (await operator.recordsOf('remediation.completed')).map(
      ({ data }) => data.intent,
    );
    assert.deepEqual(completed, intended);
    const verified = await operator.verifyJournal();
    assert.equal(verified.code, 0, verified.stdout);
    assert.match(verified.stdout, /the chain is whole/);
  });

  it('starts again on a torn last line, and says that it cut it off', async () => {
    await using operator = await SentinelProcess.start({ policies: [] });
    await operator.kill9();
    const segment = await segmentOf(operator);
    const whole = (await readFile(segment, 'utf8')).trimEnd().split('\n');
    await appendFile(segment, '{"actor":"sentinel","boot":{"id":"0');

    await operator.start();
    const { data } = await operator.untilRecord('journal.repaired');

    assert.match(JSON.stringify(data), /\d/);
    await operator.stop();
    const lines = (await readFile(segment, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(lines.slice(0, whole.length), whole);
    assert.equal((await operator.verifyJournal()).code, 0);
  });

  it('does nothing on a journal that was tampered with, and names the record', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      until: 'serving',
    });
    await operator.untilRecord('policy.loaded');
    await operator.restart();
    await operator.stop();
    const segment = await segmentOf(operator);
    const lines = (await readFile(segment, 'utf8')).split('\n');
    const tampered = lines.map((line, index) =>
      index === 1 ? line.replace('"problems":0', '"problems":1') : line,
    );
    assert.notDeepEqual(tampered, lines);
    await writeFile(segment, tampered.join('\n'));

    await operator.start();
    await breakHealth(web);
    await untilHealth(web, 'unhealthy');
    // It has seen the container unhealthy when it has failed to record so.
    await eventually(
      () =>
        operator.logs.some(
          ({ workload, code }) =>
            code === 'SENTINEL_JOURNAL_UNAVAILABLE' && workload === `${HOST}/${stack.name('web')}`,
        ),
      { what: 'a failed reconcile' },
    );

    const { status, body } = await operator.get('/readyz');
    assert.equal(status, 503);
    const { checks } = body as { checks: { name: string; ok: boolean; message: string }[] };
    const journal = checks.find(({ name }) => name === 'journal');
    assert.equal(journal?.ok, false);
    assert.match(journal.message, /record 2\b/);
    assert.equal(events.count(web, 'restart'), 0);
    assert.equal((await stateOf(web)).Health?.Status, 'unhealthy');
    const order = await operator.post('/api/v1/pause', { scope: 'all', reason: 'a test' });
    assert.equal(order.status, 503);
    await operator.stop();
    assert.equal(await readFile(segment, 'utf8'), tampered.join('\n'));
    const verified = await operator.verifyJournal();
    assert.equal(verified.code, 1);
    assert.match(verified.stdout, /record 2: .*hash/);
  });

  it('has its data directory for itself', async () => {
    await using operator = await SentinelProcess.start({ policies: [] });
    const before = await readFile(await segmentOf(operator), 'utf8');

    const rival = await operator.startRival();

    assert.equal(rival.code, 3);
    assert.match(rival.stderr, /another Sentinel/);
    assert.equal(await readFile(await segmentOf(operator), 'utf8'), before);
    assert.equal((await operator.get('/readyz')).status, 200);
  });

  it('forgets no hold and no approval that came before', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: { mode: 'Approve' } })],
    });
    await breakHealth(web);
    const waiting = await operator.untilIncident(
      stack.name('web'),
      ({ approval }) => approval?.state === 'Requested',
    );
    await operator.kill9();
    await operator.start();

    const answer = await operator.post(`/api/v1/incidents/${waiting.name}/approve`, {
      candidate: waiting.approval?.candidate ?? '',
      container: web.id,
    });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    await operator.kill9();
    await operator.start();
    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ resolution }) => resolution !== undefined,
    );

    assert.match(incident.resolution ?? '', /Remediated|SelfRecovered/);
    assert.equal(events.count(web, 'restart'), 1);
    assert.equal((await execIn(web, ['ls', '/ok'])).code, 0);
  });
});
