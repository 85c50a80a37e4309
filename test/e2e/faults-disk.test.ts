import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Incident } from '#core/incident/incident.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  RESTART,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

const DISK_KIB = 2_048;
/** No network: the containers here need none, and are made in half the time. */
const OFFLINE = { HostConfig: { NetworkMode: 'none' } } as const;
const VERIFIED_SOON = { verify: { within: '20s', healthyFor: '1s' } };
/** Deaf to TERM, so that a restart takes the whole of its timeout. */
const DEAF = '[ -f /ok ] || touch /ok; trap "" TERM; while :; do sleep 0.1; done';

const probe = await mountSmallDisk(64);
await probe?.[Symbol.asyncDispose]();
const skip = probe === undefined && 'needs the right to mount a tmpfs';

async function aSmallDisk(): Promise<SmallDisk> {
  return (await mountSmallDisk(DISK_KIB)) ?? assert.fail('a tmpfs could be mounted before');
}

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
}

const journalCheck = async (operator: SentinelProcess): Promise<Check> => {
  const { body } = await operator.get('/readyz');
  const { checks } = body as { checks: Check[] };
  return checks.find(({ name }) => name === 'journal') ?? assert.fail('no check of the journal');
};

const journalUp = async (operator: SentinelProcess): Promise<string | undefined> => {
  const { body } = await operator.get('/metrics');
  return /^sentinel_journal_up(?:\{\})? (\d)$/m.exec(String(body))?.[1];
};

/** Fills the disk to its last byte: in the page that a file ends in there is room until it is written. */
async function fill(disk: SmallDisk, operator: SentinelProcess): Promise<void> {
  await disk.fillUp();
  const order = async (path: string) =>
    (await operator.post(path, { scope: 'policy', name: 'quick', for: '1ms', reason: 'x' })).status;
  for (let orders = 0; orders < 200; orders += 1) {
    if ((await order('/api/v1/pause')) === 503) return;
  }
  assert.fail('the disk took everything');
}

interface Item {
  readonly spec: { readonly workload: { readonly container: string } };
  readonly status: Pick<Incident, 'candidates'>;
}

/** Waits for the decision that nothing is done; asks the operator, which is ahead of the disk. */
async function untilRefused(operator: SentinelProcess, container: string): Promise<void> {
  const isRefused = async () => {
    const { body } = await operator.get('/api/v1/incidents');
    return (body as { items: Item[] }).items
      .filter(({ spec }) => spec.workload.container === container)
      .flatMap(({ status }) => status.candidates.flatMap(({ blockedBy }) => blockedBy))
      .some(({ reason }) => reason === 'JournalUnavailable');
  };
  await eventually(isRefused, { what: 'a candidate that is refused for want of a journal' });
}

const untilReady = (operator: SentinelProcess) =>
  eventually(async () => (await operator.get('/readyz')).status === 200, {
    what: 'an operator that is ready again',
    timeoutMs: 40_000,
  });

const isResolved = ({ resolution }: Incident): boolean => resolution !== undefined;

async function assertToldFull(operator: SentinelProcess): Promise<void> {
  assert.equal((await operator.get('/healthz')).status, 200);
  assert.equal((await operator.get('/readyz')).status, 503);
  const { ok, message } = await journalCheck(operator);
  assert.equal(ok, false);
  assert.match(message, /ENOSPC/);
  assert.equal(await journalUp(operator), '0');
  const told = operator.logs.filter(({ msg }) => msg.startsWith('the journal cannot be written'));
  assert.match(String(told.at(-1)?.['reason']), /ENOSPC/);
}

async function assertWhole(operator: SentinelProcess): Promise<void> {
  assert.equal(await operator.stop(), 0);
  const verified = await operator.verifyJournal();
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, /the chain is whole/);
}

describe('a full disk', { concurrency: true, skip }, () => {
  it('while Sentinel runs: nothing is done and it is told, until there is room', async () => {
    await using stack = await TestStack.open();
    await using disk = await aSmallDisk();
    const job = await aService(stack, 'job', { ...OFFLINE, unchecked: true });
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: VERIFIED_SOON })],
      data: disk.path,
    });

    await fill(disk, operator);
    await crash(job, 3);
    await untilRefused(operator, stack.name('job'));
    await assertToldFull(operator);
    assert.equal(events.count(job, 'start'), 0);
    assert.equal((await stateOf(job)).Running, false);

    await disk.makeRoom();
    const incident = await operator.untilIncident(stack.name('job'), isResolved, 60_000);

    assert.equal(incident.resolution, 'Remediated');
    assert.equal((await stateOf(job)).Running, true);
    assert.equal(events.count(job, 'start'), 1);
    await untilReady(operator);
    assert.equal(await journalUp(operator), '1');
    assert.ok(operator.logs.some(({ msg }) => msg === 'the journal can be written again'));
    await assertWhole(operator);
  });

  it('at the start: a new Sentinel says so and ends, one with a journal waits for room', async () => {
    await using stack = await TestStack.open();
    await using disk = await aSmallDisk();
    await using spare = await aSmallDisk();
    const web = await aService(stack, 'web', OFFLINE);
    await untilHealth(web, 'healthy');
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: VERIFIED_SOON })],
      data: disk.path,
    });
    await spare.fillUp();
    const fresh = await operator.startRival(spare.path);
    assert.equal(fresh.code, 2);
    assert.match(fresh.stderr, /has no room: ENOSPC.*make room/);

    await fill(disk, operator);
    await operator.kill9();
    await breakHealth(web);
    await untilHealth(web, 'unhealthy');
    await operator.start('serving');
    await untilRefused(operator, stack.name('web'));
    await assertToldFull(operator);
    assert.equal(events.count(web, 'restart'), 0);

    await disk.makeRoom();
    const incident = await operator.untilIncident(stack.name('web'), isResolved, 60_000);

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(events.count(web, 'restart'), 1);
    await untilReady(operator);
    await assertWhole(operator);
  });

  for (const [name, dies] of [
    ['is on record once there is room', false],
    ['is found out by a look, where Sentinel dies before there is room', true],
  ] as const) {
    it(`while an action is under way: how it ended ${name}`, async () => {
      await using stack = await TestStack.open();
      await using disk = await aSmallDisk();
      const deaf = await aService(stack, 'deaf', { ...OFFLINE, script: DEAF });
      await untilHealth(deaf, 'healthy');
      await using events = await recordEvents(stack);
      const allowed = [{ ...RESTART, arguments: { timeoutSeconds: 4 } }];
      await using operator = await SentinelProcess.start({
        policies: [aQuickPolicy(stack, { remediation: { ...VERIFIED_SOON, allowed } })],
        data: disk.path,
      });

      await breakHealth(deaf);
      const { data: intended } = await operator.untilRecord('remediation.intended');
      await fill(disk, operator);
      assert.equal(events.count(deaf, 'restart'), 0, 'the disk was full too late');
      await eventually(() => events.count(deaf, 'restart') === 1, { what: 'the restart' });
      await untilHealth(deaf, 'healthy');
      await assertToldFull(operator);
      assert.deepEqual(await operator.recordsOf('remediation.completed'), []);
      if (dies) {
        await operator.kill9();
        await operator.start('serving');
        await eventually(async () => !(await journalCheck(operator)).ok, { what: 'a full disk' });
        await assertToldFull(operator);
      }

      await disk.makeRoom();
      const incident = await operator.untilIncident(stack.name('deaf'), isResolved, 60_000);

      const [attempt, ...others] = incident.attempts;
      assert.deepEqual(others, []);
      assert.equal(attempt?.intent, intended.intent);
      assert.equal(attempt.verification, 'Passed');
      // Whoever has not heard the answer may not know whose doing it is that the container is well.
      const known = [attempt.outcome, incident.resolution];
      if (!dies || attempt.outcome === 'Succeeded') {
        assert.deepEqual(known, ['Succeeded', 'Remediated']);
      } else assert.deepEqual(known, ['OutcomeUnknown', 'SelfRecovered']);
      assert.equal(events.count(deaf, 'restart'), 1);
      await untilReady(operator);
      await assertWhole(operator);
    });
  }
});
