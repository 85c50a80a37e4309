import {
  gravity,
  type IncidentNotification,
  type Notification,
  type NotifierLevel,
} from '#core/projection/notification.ts';
import { digestOf } from '#core/projection/notification-digest.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { Clock } from '#ports/clock.ts';
import type { Delivery, Notifier } from '#ports/notifier.ts';

/** A notifier of the SentinelConfig. */
export interface NotifierEntry {
  readonly name: string;
  /** The mildest that it wants. */
  readonly level: NotifierLevel;
  readonly notifier: Notifier;
}

export interface OutletOptions {
  /** Most notifications that wait; the mildest go first when there are more. Default 200. */
  readonly waitingMax: number;
  /** More than so many that wait are told as one. Default 5. */
  readonly digestAbove: number;
  /** So many in a row without a pause, then one each `everyMs`. Default 10. */
  readonly burst: number;
  /** Default 6,000. */
  readonly everyMs: number;
  /** Default 10. */
  readonly triesMax: number;
  /** After so long a notification is given up, whatever `triesMax` says. Default 15 min. */
  readonly giveUpMs: number;
  /** First wait after a failure; doubles up to `retryMaxMs`, and is shortened by chance. Default 2,000. */
  readonly retryMs: number;
  /** Default 5 min. */
  readonly retryMaxMs: number;
  /** Of one attempt, should the notifier not heed its own timeout. Default 60,000. */
  readonly attemptMs: number;
}

export const DEFAULT_OUTLET_OPTIONS: OutletOptions = {
  waitingMax: 200,
  digestAbove: 5,
  burst: 10,
  everyMs: 6_000,
  triesMax: 10,
  giveUpMs: 15 * 60_000,
  retryMs: 2_000,
  retryMaxMs: 5 * 60_000,
  attemptMs: 60_000,
};

/** Called synchronously; must not throw. */
export interface OutletEvents {
  /** A notifier began to fail (with the reason) or works again. */
  readonly onAvailability?: (notifier: string, reason: string | undefined) => void;
  /** So many notifications will never be told. */
  readonly onDropped?: (dropped: {
    readonly notifier: string;
    readonly count: number;
    readonly reason: string;
  }) => void;
}

/**
 * One notifier with what waits for it. Takes at once and never fails; tells in order, in its own
 * time, and less often than things happen when they happen too often to be read.
 */
export class NotifierOutlet {
  readonly entry: NotifierEntry;
  readonly #clock: Clock;
  readonly #options: OutletOptions;
  readonly #events: OutletEvents;
  readonly #running: Promise<void>;
  readonly #abort = new AbortController();
  readonly #waiting: IncidentNotification[] = [];
  #overflowed = 0;
  #isClosing = false;
  #wake = Promise.withResolvers<void>();
  /** What may be sent without a pause now, and since when that is reckoned. */
  #tokens: number;
  #tokensAtMs: number;
  #failure: string | undefined;

  constructor(
    entry: NotifierEntry,
    clock: Clock,
    options: Partial<OutletOptions>,
    events: OutletEvents,
  ) {
    this.entry = entry;
    this.#clock = clock;
    this.#options = { ...DEFAULT_OUTLET_OPTIONS, ...options };
    this.#events = events;
    this.#tokens = this.#options.burst;
    this.#tokensAtMs = clock.bootMs();
    this.#running = this.#run();
  }

  offer(notification: IncidentNotification): void {
    if (this.#isClosing) return;
    this.#waiting.push(notification);
    if (this.#waiting.length > this.#options.waitingMax) this.#dropMildest();
    this.#wake.resolve();
  }

  /** Tells what waits, once, within `graceMs`, and stops. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#wake.resolve();
    const grace = new AbortController();
    const wait = this.#clock.sleep(graceMs, grace.signal);
    await Promise.race([this.#running, wait]);
    grace.abort();
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      // Armed before the look, so that what comes during it is not missed.
      this.#wake = Promise.withResolvers();
      if (this.#waiting.length === 0) {
        if (this.#isClosing) return;
        await this.#wake.promise;
        continue;
      }
      await this.#pace();
      const next = this.#take();
      if (next !== undefined) await this.#deliver(next);
    }
  }

  /** A token bucket on the boot clock. Nobody waits for it at the end. */
  async #pace(): Promise<void> {
    const { burst, everyMs } = this.#options;
    const nowMs = this.#clock.bootMs();
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#tokensAtMs) / everyMs);
    this.#tokensAtMs = nowMs;
    if (this.#tokens < 1) await this.#pause((1 - this.#tokens) * everyMs);
    this.#tokens -= 1;
  }

  #take(): IncidentNotification | ReturnType<typeof digestOf> | undefined {
    const { digestAbove } = this.#options;
    const [first, ...rest] = this.#waiting;
    if (first === undefined) return undefined;
    if (this.#waiting.length <= digestAbove) return this.#waiting.shift();
    this.#waiting.length = 0;
    const dropped = this.#overflowed;
    this.#overflowed = 0;
    if (dropped > 0) this.#dropped(dropped, 'too many at once');
    return digestOf([first, ...rest], dropped);
  }

  async #deliver(notification: IncidentNotification | ReturnType<typeof digestOf>): Promise<void> {
    const { triesMax, giveUpMs } = this.#options;
    const sinceMs = this.#clock.bootMs();
    for (let tries = 1; ; tries += 1) {
      const delivery = await attempt(this.entry.notifier, notification, {
        clock: this.#clock,
        timeoutMs: this.#options.attemptMs,
        signal: this.#abort.signal,
      });
      this.#note(delivery);
      if (delivery.delivered) return;

      const delayMs = this.#delayMs(tries, delivery.retryAfterMs);
      const isOver =
        !delivery.retryable ||
        this.#isClosing ||
        tries >= triesMax ||
        this.#clock.bootMs() - sinceMs + delayMs > giveUpMs;
      if (isOver) {
        const count =
          notification.kind === 'digest' ? notification.count - notification.dropped : 1;
        this.#dropped(count, delivery.reason);
        return;
      }
      await this.#pause(delayMs);
    }
  }

  /** Ends early when everything ends: then nothing is waited for any more. */
  async #pause(ms: number): Promise<void> {
    const over = new AbortController();
    const slept = this.#clock.sleep(ms, over.signal);
    while (!this.#isClosing) {
      const woken = this.#wake.promise.then(() => 'woken' as const);
      if ((await Promise.race([slept, woken])) !== 'woken') break;
      this.#wake = Promise.withResolvers();
    }
    over.abort();
  }

  /** Between half and all of the doubled delay, and never less than the receiver asks for. */
  #delayMs(tries: number, retryAfterMs = 0): number {
    const { retryMs, retryMaxMs } = this.#options;
    const delayMs = Math.min(retryMaxMs, retryMs * 2 ** (tries - 1));
    return Math.max(retryAfterMs, delayMs * (0.5 + this.#clock.random() / 2));
  }

  #dropMildest(): void {
    let mildest = 0;
    for (const [index, one] of this.#waiting.entries()) {
      const before = this.#waiting[mildest];
      if (before !== undefined && gravity(one) < gravity(before)) mildest = index;
    }
    this.#waiting.splice(mildest, 1);
    this.#overflowed += 1;
  }

  #dropped(count: number, reason: string): void {
    this.#events.onDropped?.({ notifier: this.entry.name, count, reason });
  }

  #note(delivery: Delivery): void {
    const reason = delivery.delivered ? undefined : delivery.reason;
    if ((reason === undefined) !== (this.#failure === undefined)) {
      this.#events.onAvailability?.(this.entry.name, reason);
    }
    this.#failure = reason;
  }
}

/** One attempt, which ends whatever the notifier does. */
export async function attempt(
  notifier: Notifier,
  notification: Notification,
  {
    clock,
    timeoutMs,
    signal,
  }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  try {
    const send = (limited: AbortSignal) =>
      Promise.race([notifier.send(notification, limited), whenAborted(limited)]);
    return await withDeadline(clock, timeoutMs, send, signal);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { delivered: false, retryable: true, reason };
  }
}

function whenAborted(signal: AbortSignal): Promise<Delivery> {
  const late = { delivered: false, retryable: true, reason: 'no answer in time' } as const;
  if (signal.aborted) return Promise.resolve(late);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(late), { once: true });
  });
}
