import { isOpen } from '#core/incident/incident.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { Severity } from '#core/policy/schema.ts';
import {
  type IncidentNotification,
  isWanted,
  testNotification,
} from '#core/projection/notification.ts';
import { incidentOf, notificationOf, remindersOf } from '#core/projection/notify-incident.ts';
import type { Clock } from '#ports/clock.ts';
import type { Delivery } from '#ports/notifier.ts';
import type { OperatorJournal } from './journal-state.ts';
import {
  attempt,
  type NotifierEntry,
  NotifierOutlet,
  type OutletEvents,
  type OutletOptions,
} from './notifier-outlet.ts';

export type { NotifierEntry } from './notifier-outlet.ts';

export interface NotificationsConfig {
  readonly journal: OperatorJournal;
  readonly clock: Clock;
  readonly notifiers: readonly NotifierEntry[];
  /** Names of the notifiers that a policy in force names. */
  readonly notifiersOf: (policy: string) => readonly string[];
  readonly options?: Partial<OutletOptions>;
  readonly events?: OutletEvents & {
    readonly onWarning?: (message: string, cause: unknown) => void;
  };
}

export interface Notifications extends AsyncDisposable {
  /** Tells what waits, where that works at once, and stops. */
  close(): Promise<void>;
}

/** What became known, and is not told before its record is sure to stay. */
interface Pending {
  readonly seq: number;
  readonly notification: IncidentNotification;
  readonly to: readonly NotifierOutlet[];
}

/** Records that wait for the disk are bounded by the journal; so is what is said of them. */
const PENDING_MAX = 1_000;
/** How far back a start looks for people who may not have heard: as long as telling is retried. */
const REMIND_WITHIN_MS = 15 * 60_000;
const CLOSE_WITHIN_MS = 5_000;
const TEST_TIMEOUT_MS = 60_000;

/**
 * Tells people what happens to incidents, from the journal's durable records. It keeps nothing on
 * disk and begins with the records of this run, so a restart repeats nothing; with one exception:
 * where a person was asked (an escalation, an approval) within the last 15 minutes and is still
 * waited for, nobody knows whether the word got out before the end, and it is said once more,
 * marked `again`. Every other incident that was open at the start is told of at its next change.
 *
 * Nothing waits for it: it takes records in memory, and whatever goes wrong in it or in a notifier
 * ends in a warning.
 */
export function startNotifications(config: NotificationsConfig): Notifications {
  return new RunningNotifications(config);
}

/** Sends a test through a notifier, once. */
export function sendTest(
  { name, notifier }: Pick<NotifierEntry, 'name' | 'notifier'>,
  { clock, host }: { readonly clock: Clock; readonly host: string },
): Promise<Delivery> {
  const time = new Date(clock.wallMs()).toISOString();
  const signal = new AbortController().signal;
  return attempt(notifier, testNotification(name, { host, time }), {
    clock,
    timeoutMs: TEST_TIMEOUT_MS,
    signal,
  });
}

class RunningNotifications implements Notifications {
  readonly #config: NotificationsConfig;
  readonly #outlets: readonly NotifierOutlet[];
  readonly #unsubscribe: readonly (() => void)[];
  /** Severity of each open incident, as it was told. */
  readonly #severities = new Map<string, Severity>();
  /** Who was told of each open incident: they hear its end, also when its policy is gone by then. */
  readonly #told = new Map<string, Set<NotifierOutlet>>();
  #pending: Pending[] = [];

  constructor(config: NotificationsConfig) {
    const { journal, clock, notifiers, options = {}, events = {} } = config;
    this.#config = config;
    this.#outlets = notifiers.map((entry) => new NotifierOutlet(entry, clock, options, events));
    for (const incident of Object.values(journal.state().incidents)) {
      if (isOpen(incident)) this.#severities.set(incident.name, incident.severity);
    }
    this.#remind();
    this.#unsubscribe = [
      journal.subscribe((records) => {
        for (const record of records) this.#take(record);
      }),
      journal.onDurable((seq) => this.#release(seq)),
    ];
    this.#release(journal.durableSeq());
  }

  async close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#release(this.#config.journal.durableSeq());
    await Promise.all(this.#outlets.map((outlet) => outlet.close(CLOSE_WITHIN_MS)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #remind(): void {
    const { journal, clock } = this.#config;
    const nowMs = clock.wallMs();
    const place = {
      journal: journal.journalId(),
      time: new Date(nowMs).toISOString(),
      head: journal.head(),
    };
    for (const reminder of remindersOf(journal.state(), nowMs - REMIND_WITHIN_MS, place)) {
      this.#add(reminder);
    }
  }

  /** Right after the record was applied: later the incident says something else. */
  #take(record: JournalRecord): void {
    const { journal, events } = this.#config;
    try {
      const state = journal.state();
      const source = { journalId: journal.journalId(), severities: this.#severities };
      const notification = notificationOf(state, record, source);
      if (notification !== undefined) this.#add(notification);

      const name = incidentOf(state, record);
      const incident = state.incidents[name];
      if (incident !== undefined && isOpen(incident)) {
        this.#severities.set(name, incident.severity);
      } else {
        this.#severities.delete(name);
        this.#told.delete(name);
      }
    } catch (error) {
      events?.onWarning?.(`record ${record.seq} (${record.type}) was told to nobody`, error);
    }
  }

  #add(notification: IncidentNotification): void {
    const to = this.#outletsFor(notification);
    if (to.length === 0) return;
    const told = this.#told.get(notification.incident) ?? new Set();
    for (const outlet of to) told.add(outlet);
    this.#told.set(notification.incident, told);
    this.#pending.push({ seq: notification.seq, notification, to });
    if (this.#pending.length <= PENDING_MAX) return;
    this.#pending.shift();
    this.#config.events?.onWarning?.('a notification was dropped', 'the journal is not written');
  }

  #outletsFor(notification: IncidentNotification): NotifierOutlet[] {
    const named = this.#config.notifiersOf(notification.policy);
    const told = this.#told.get(notification.incident);
    return this.#outlets.filter(
      (outlet) =>
        (named.includes(outlet.entry.name) || told?.has(outlet) === true) &&
        isWanted(notification, outlet.entry.level),
    );
  }

  #release(durableSeq: number): void {
    const ready = this.#pending.filter(({ seq }) => seq <= durableSeq);
    if (ready.length === 0) return;
    this.#pending = this.#pending.filter(({ seq }) => seq > durableSeq);
    for (const { notification, to } of ready) for (const outlet of to) outlet.offer(notification);
  }
}
