import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import {
  createMemoryJournalStorage,
  type MemoryJournalStorage,
} from '#adapters/memory/memory-journal-storage.ts';
import { createMemoryNotifier } from '#adapters/memory/memory-notifier.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { Draft } from '#core/journal/data.ts';
import type { Notification, NotifierLevel } from '#core/projection/notification.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';
import { openJournal } from './journal/journal.ts';
import { operatorReducer } from './journal-state.ts';
import { type NotificationsConfig, sendTest, startNotifications } from './notifications.ts';

const CRASH = {
  thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
  notify: ['ops'],
};
const POLICY = { name: 'web', digest: 'sha256:0', commit: '' };
const MINUTE = 60_000;

function aNotifier(level: NotifierLevel = 'warning', name = 'ops') {
  const notifier = createMemoryNotifier();
  return { name, level, notifier };
}

function kinds(notifications: readonly Notification[]): string[] {
  return notifications.map(({ kind }) => kind);
}

/** Only the journal, notifications on it, and a clock: incidents are appended by the test. */
async function aJournal(
  config: Partial<NotificationsConfig> & { readonly storage?: MemoryJournalStorage } = {},
  clock = new VirtualClock(),
) {
  const { storage = createMemoryJournalStorage(), ...more } = config;
  const journal = await clock.run(
    openJournal({
      storage,
      clock,
      reducer: operatorReducer,
      started: { version: 'test', host: 'box', mode: 'Policy' },
      newJournalId: 'journal',
      yieldToLoop: () => setImmediate(),
    }),
  );
  const ops = aNotifier();
  const dropped: number[] = [];
  const availability: (string | undefined)[] = [];
  const notifications = startNotifications({
    journal,
    clock,
    notifiers: [ops],
    notifiersOf: () => ['ops'],
    ...more,
    events: {
      onDropped: ({ count }) => dropped.push(count),
      onAvailability: (_name, reason) => availability.push(reason),
    },
  });
  const append = (draft: Draft) => journal.append([draft], { durable: true });
  const name = (workload: string) => journal.state().openByWorkload[workload] ?? '';
  return {
    clock,
    storage,
    journal,
    notifications,
    ops: ops.notifier,
    dropped,
    availability,
    open: (workload: string, severity: 'warning' | 'critical' = 'critical') =>
      append(opening(workload, severity)),
    escalate: (workload: string, reason: 'LadderExhausted' | 'StormActive' = 'LadderExhausted') =>
      append({
        type: 'incident.escalated',
        incident: name(workload),
        workload,
        policy: POLICY,
        data: { reason, message: 'every action was tried' },
      }),
    resolve: (workload: string) =>
      append({
        type: 'incident.resolved',
        incident: name(workload),
        workload,
        policy: POLICY,
        data: { resolution: 'SelfRecovered', message: 'it recovered by itself' },
      }),
  };
}

function opening(workload: string, severity: 'warning' | 'critical'): Draft {
  return {
    type: 'incident.opened',
    workload,
    policy: POLICY,
    data: {
      workload: { key: workload, host: 'box', container: workload, id: '1', image: 'app' },
      policyGeneration: 1,
      threshold: 'crash',
      severity,
      breached: ['crash'],
      evidence: [],
      fingerprint: 'f',
      message: 'crash breached',
    },
  };
}

describe('notifications', () => {
  it('tell of an incident from its opening to its end, through the whole operator', async () => {
    const ops = aNotifier();
    const operator = await MemoryOperator.open([aPolicy(CRASH)], { notifiers: [ops] });
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.engine.crash(id);

    await operator.pass(MINUTE);

    const { delivered } = ops.notifier;
    assert.deepEqual(kinds(delivered), ['opened', 'acted', 'resolved']);
    assert.match(delivered[1]?.text ?? '', /^Done: restart \(docker\/restart_container\) on web/);
    assert.deepEqual(operator.warnings, []);
    await operator.stop();
  });

  it('never hold an action up, whatever the notifier does', async () => {
    for (const fault of ['hang', 'throw', 'down', 'refuse'] as const) {
      const ops = aNotifier();
      ops.notifier.setFault(fault);
      const operator = await MemoryOperator.open([aPolicy(CRASH)], { notifiers: [ops] });
      const id = await operator.engine.add({ name: 'web' });
      await operator.pass(25_000);
      operator.engine.crash(id);

      await operator.pass(MINUTE);

      assert.equal(operator.calls.length, 1, fault);
      assert.deepEqual(
        operator.incidents().map(({ resolution }) => resolution),
        ['Remediated'],
        fault,
      );
      await operator.stop();
    }
  });

  it('tell only what is durable', async () => {
    const { clock, storage, ops, open } = await aJournal();
    storage.setFault(() => ({ message: 'no space left on device' }));
    open('web').durable.catch(() => undefined);
    await clock.advance(5_000);
    const before = kinds(ops.delivered);

    storage.setFault(undefined);
    await clock.advance(MINUTE);

    assert.deepEqual(before, []);
    assert.deepEqual(kinds(ops.delivered), ['opened']);
  });

  it('carry the record as a head that the journal can be compared with', async () => {
    const { clock, journal, ops, open } = await aJournal();
    open('web');

    await clock.advance(1_000);

    const [told] = ops.delivered;
    assert.partialDeepStrictEqual(told, {
      kind: 'opened',
      incident: journal.state().openByWorkload['web'],
      workload: 'web',
      policy: 'web',
      phase: 'Open',
      severity: 'critical',
      journal: 'journal',
      seq: journal.head().seq,
      head: journal.head(),
    });
  });

  it('go only to the notifiers that the policy names, and of its end to all who were told', async () => {
    const ops = aNotifier();
    const other = aNotifier('all', 'other');
    let named = ['ops'];
    const { clock, open, resolve } = await aJournal({
      notifiers: [ops, other],
      notifiersOf: () => named,
    });
    open('web');
    await clock.advance(1_000);

    named = [];
    resolve('web');
    await clock.advance(1_000);

    assert.deepEqual(kinds(ops.notifier.delivered), ['opened', 'resolved']);
    assert.deepEqual(kinds(other.notifier.delivered), []);
  });

  it('go of a reopening to those alone whom the policy names by then', async () => {
    let named = ['ops'];
    const { clock, journal, ops, open, resolve } = await aJournal({ notifiersOf: () => named });
    open('web');
    resolve('web');
    await clock.advance(1_000);
    named = [];

    const reopening: Draft = {
      type: 'incident.reopened',
      incident: Object.keys(journal.state().incidents)[0] ?? '',
      workload: 'web',
      policy: POLICY,
      data: {
        severity: 'critical',
        breached: ['crash'],
        evidence: [],
        workload: { key: 'web', host: 'box', container: 'web', id: '1', image: 'app' },
        rung: 0,
        message: 'crash breached again',
      },
    };
    journal.append([reopening], { durable: true });
    await clock.advance(1_000);

    assert.equal(journal.state().openByWorkload['web'], reopening.incident);
    assert.deepEqual(kinds(ops.delivered), ['opened', 'resolved']);
  });

  it('come again until they are taken, and then no more', async () => {
    const { clock, ops, open, availability, dropped } = await aJournal();
    ops.setFault('down');
    open('web');
    await clock.advance(MINUTE);
    const attempts = ops.attempts();

    ops.setFault(undefined);
    await clock.advance(10 * MINUTE);

    assert.ok(attempts > 2 && attempts < 10);
    assert.deepEqual(kinds(ops.delivered), ['opened']);
    assert.deepEqual(availability, ['down', undefined]);
    assert.deepEqual(dropped, []);
  });

  it('are given up after ten tries within 15 minutes, and counted', async () => {
    const { clock, ops, open, dropped } = await aJournal();
    ops.setFault('down');
    open('web');

    await clock.advance(15 * MINUTE);

    assert.deepEqual(dropped, [1]);
    assert.equal(ops.attempts(), 10);
  });

  it('are given up after so many tries, however short they take', async () => {
    const { clock, ops, open, dropped } = await aJournal({ options: { triesMax: 3 } });
    ops.setFault('down');
    open('web');

    await clock.advance(MINUTE);

    assert.deepEqual(dropped, [1]);
    assert.equal(ops.attempts(), 3);
  });

  it('are tried once more, and only once, when they are closed', async () => {
    const { clock, notifications, ops, open, dropped } = await aJournal();
    ops.setFault('down');
    open('web');
    await clock.advance(MINUTE);
    const before = ops.attempts();

    await clock.run(notifications.close());

    assert.equal(ops.attempts(), before + 1);
    assert.deepEqual(dropped, [1]);
  });

  it('are given up at once where trying again cannot help', async () => {
    const { clock, ops, open, dropped } = await aJournal();
    ops.setFault('refuse');
    open('web');

    await clock.advance(MINUTE);

    assert.deepEqual(dropped, [1]);
    assert.equal(ops.attempts(), 1);
  });

  it('wait as long as the receiver asks for, but not for ever', async () => {
    const patient = await aJournal();
    patient.ops.setFault('down', 5 * MINUTE);
    patient.open('web');
    await patient.clock.advance(4 * MINUTE);
    const early = patient.ops.attempts();
    await patient.clock.advance(2 * MINUTE);
    const endless = await aJournal();
    endless.ops.setFault('down', 60 * MINUTE);
    endless.open('web');

    await endless.clock.advance(1_000);

    assert.deepEqual([early, patient.ops.attempts()], [1, 2]);
    assert.deepEqual(endless.dropped, [1]);
  });

  it('become one when many come at once', async () => {
    const { clock, ops, open } = await aJournal();
    for (let index = 0; index < 100; index += 1) open(`web-${index}`, 'warning');

    await clock.advance(1_000);

    const digest = ops.delivered.find(({ kind }) => kind === 'digest');
    assert.ok(ops.delivered.length <= 2);
    assert.partialDeepStrictEqual(digest, { count: 100, dropped: 0, counts: { opened: 100 } });
    assert.match(digest?.text ?? '', /^100 changes at once on box: 100 opened\./);
  });

  it('are told less often than they come for long, and none is lost', async () => {
    const { clock, ops, open } = await aJournal();
    for (let index = 0; index < 120; index += 1) {
      open(`web-${index}`);
      await clock.advance(1_000);
    }

    await clock.advance(MINUTE);

    const told = ops.delivered.reduce(
      (sum, one) => sum + (one.kind === 'digest' ? one.count : 1),
      0,
    );
    assert.equal(told, 120);
    assert.ok(ops.delivered.length <= 10 + 180 / 6);
  });

  it('lose the mildest first when nobody takes them, and say how many', async () => {
    const { clock, ops, open, dropped } = await aJournal();
    ops.setFault('down');
    open('first', 'critical');
    await clock.advance(1_000);
    open('grave', 'critical');
    for (let index = 0; index < 250; index += 1) open(`web-${index}`, 'warning');
    await clock.advance(1_000);

    ops.setFault(undefined);
    await clock.advance(5 * MINUTE);

    const digest = ops.delivered.find((one) => one.kind === 'digest');
    assert.deepEqual(kinds(ops.delivered), ['opened', 'digest']);
    assert.equal(digest?.dropped, 51);
    assert.equal(digest.count, 251);
    assert.equal(digest.incidents[0]?.workload, 'grave');
    assert.deepEqual(dropped, [51]);
  });

  it('say a storm once', async () => {
    const { clock, ops, open, escalate } = await aJournal();
    open('web');
    escalate('web', 'StormActive');

    await clock.advance(1_000);

    assert.deepEqual(kinds(ops.delivered), ['opened', 'storm']);
    assert.match(ops.delivered[1]?.text ?? '', /^Storm: .*\nLook for what they have in common/);
  });

  it('repeat nothing after a restart', async () => {
    const first = await aJournal();
    first.open('web');
    first.open('api');
    first.resolve('api');
    await first.clock.advance(1_000);
    await first.clock.run(first.notifications.close());
    await first.clock.run(first.journal.close());

    const second = await aJournal({ storage: first.storage }, first.clock);
    await second.clock.advance(MINUTE);
    const before = kinds(second.ops.delivered);
    second.resolve('web');
    await second.clock.advance(1_000);

    assert.deepEqual(before, []);
    assert.deepEqual(kinds(second.ops.delivered), ['resolved']);
  });

  it('say again after a restart what a person was asked a moment before it', async () => {
    const first = await aJournal();
    first.open('web');
    first.escalate('web');
    await first.clock.advance(1_000);
    await first.clock.run(first.journal.close());

    const second = await aJournal({ storage: first.storage }, first.clock);
    await second.clock.advance(MINUTE);

    assert.partialDeepStrictEqual(second.ops.delivered, [
      { kind: 'escalated', again: true, workload: 'web' },
    ]);
    assert.match(second.ops.delivered[0]?.text ?? '', /^Still: A person is needed for web/);
  });

  it('do not say again what a person was asked long before a restart', async () => {
    const first = await aJournal();
    first.open('web');
    first.escalate('web');
    await first.clock.advance(1_000);
    await first.clock.run(first.journal.close());
    await first.clock.advance(16 * MINUTE);

    const second = await aJournal({ storage: first.storage }, first.clock);
    await second.clock.advance(MINUTE);

    assert.deepEqual(second.ops.delivered, []);
  });

  it('tell what waits when they are closed, and wait no longer than 5 s for it', async () => {
    const ready = await aJournal();
    for (let index = 0; index < 20; index += 1) ready.open(`web-${index}`);
    await ready.clock.advance(0);
    const stuck = await aJournal();
    stuck.ops.setFault('hang');
    stuck.open('web');
    await stuck.clock.advance(1_000);
    const beforeMs = stuck.clock.bootMs();

    await ready.clock.run(ready.notifications.close());
    await stuck.clock.run(stuck.notifications.close());

    const told = ready.ops.delivered.reduce(
      (sum, one) => sum + (one.kind === 'digest' ? one.count : 1),
      0,
    );
    assert.equal(told, 20);
    assert.equal(stuck.clock.bootMs() - beforeMs, 5_000);
    assert.deepEqual(stuck.dropped, [1]);
  });
});

describe('sendTest', () => {
  it('sends a test that says that nothing has happened', async () => {
    const ops = aNotifier();

    const delivery = await sendTest(ops, { clock: new VirtualClock(), host: 'box' });

    assert.deepEqual(delivery, { delivered: true });
    assert.match(ops.notifier.delivered[0]?.text ?? '', /^A test from Sentinel on box/);
  });

  it('returns why it failed, also when the notifier hangs', async () => {
    const clock = new VirtualClock();
    const ops = aNotifier();
    ops.notifier.setFault('hang');

    const delivery = await clock.run(sendTest(ops, { clock, host: 'box' }));

    assert.partialDeepStrictEqual(delivery, { delivered: false, reason: 'no answer in time' });
  });
});
