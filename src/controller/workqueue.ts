import type { Clock } from '#ports/clock.ts';

/** Told of everything that the queue does; see telemetry/controller-metrics.ts. */
export interface WorkqueueObserver {
  added(depth: number): void;
  /** @param waitedMs between the add and the hand-out */
  handedOut(depth: number, waitedMs: number): void;
  finished(workedMs: number): void;
  retried(): void;
}

export interface WorkqueueOptions {
  readonly clock: Clock;
  readonly observer?: WorkqueueObserver;
  /** Of the first retry of a key; default 5 ms, as in controller-runtime. */
  readonly backoffMs?: number;
  /** Of the retries after many; default 1000 s. */
  readonly backoffMaxMs?: number;
}

/** `Event`: something just happened. `Resync`: it is time to look again. */
export type Priority = 'Event' | 'Resync';

/**
 * A queue of keys with the semantics of client-go's workqueue: a key waits once however often it is
 * added, is worked on by one worker at a time, and, added while it is worked on, comes again after.
 * Fresh events go before resyncs.
 */
export class Workqueue {
  readonly #clock: Clock;
  readonly #observer: WorkqueueObserver | undefined;
  readonly #backoffMs: number;
  readonly #backoffMaxMs: number;
  /** Waiting keys and since when; insertion order is the order of service. */
  readonly #waiting = { Event: new Map<string, number>(), Resync: new Map<string, number>() };
  readonly #working = new Map<string, number>();
  /** Added while they were worked on. */
  readonly #dirty = new Map<string, Priority>();
  readonly #delayed = new Map<string, { readonly atMs: number; readonly cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #isShutDown = false;

  constructor(options: WorkqueueOptions) {
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#backoffMs = options.backoffMs ?? 5;
    this.#backoffMaxMs = options.backoffMaxMs ?? 1_000_000;
  }

  add(key: string, priority: Priority = 'Event'): void {
    if (this.#isShutDown) return;
    if (this.#working.has(key)) {
      if (this.#dirty.get(key) !== 'Event') this.#dirty.set(key, priority);
      return;
    }
    if (this.#waiting.Event.has(key)) return;
    const sinceMs = this.#waiting.Resync.get(key);
    if (sinceMs !== undefined && priority === 'Resync') return;
    this.#waiting.Resync.delete(key);
    this.#waiting[priority].set(key, sinceMs ?? this.#clock.bootMs());
    this.#observer?.added(this.depth());
    this.#handOut();
  }

  /** Adds the key once the time has come; of several such times the earliest counts. */
  addAfter(key: string, delayMs: number, priority: Priority = 'Event'): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0) {
      this.add(key, priority);
      return;
    }
    const atMs = this.#clock.bootMs() + delayMs;
    const known = this.#delayed.get(key);
    if (known !== undefined) {
      if (known.atMs <= atMs) return;
      known.cancel();
    }
    const cancel = this.#clock.after(Math.min(delayMs, TIMER_MAX_MS), () => {
      this.#delayed.delete(key);
      this.add(key, priority);
    });
    this.#delayed.set(key, { atMs, cancel });
  }

  /** Adds the key after a rest that doubles with each failure since `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#observer?.retried();
    this.addAfter(key, Math.min(this.#backoffMs * 2 ** failures, this.#backoffMaxMs));
  }

  /** The key succeeded, or is given up: its next failure is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Drops a delayed add, when a reconcile has said anew when to look again. */
  cancelDelayed(key: string): void {
    this.#delayed.get(key)?.cancel();
    this.#delayed.delete(key);
  }

  /** The next key to work on; `undefined` when the queue is shut down. */
  take(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#handOut();
    });
  }

  done(key: string): void {
    const sinceMs = this.#working.get(key);
    if (sinceMs === undefined) return;
    this.#working.delete(key);
    this.#observer?.finished(this.#clock.bootMs() - sinceMs);
    const again = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (again !== undefined) this.add(key, again);
    this.#handOut();
  }

  depth(): number {
    return this.#waiting.Event.size + this.#waiting.Resync.size;
  }

  /** Milliseconds that each key in work has been worked on so far. */
  workingMs(): number[] {
    const nowMs = this.#clock.bootMs();
    return [...this.#working.values()].map((sinceMs) => nowMs - sinceMs);
  }

  /** Drops what waits (the next start looks at everything) and sends the workers home. */
  shutDown(): void {
    this.#isShutDown = true;
    for (const { cancel } of this.#delayed.values()) cancel();
    this.#delayed.clear();
    for (const waiting of Object.values(this.#waiting)) waiting.clear();
    this.#handOut();
  }

  #handOut(): void {
    while (this.#takers.length > 0) {
      const next = firstOf(this.#waiting.Event) ?? firstOf(this.#waiting.Resync);
      if (next === undefined) {
        if (!this.#isShutDown) return;
        this.#takers.shift()?.(undefined);
        continue;
      }
      const [key, sinceMs] = next;
      this.#waiting.Event.delete(key);
      this.#waiting.Resync.delete(key);
      const nowMs = this.#clock.bootMs();
      this.#working.set(key, nowMs);
      this.#observer?.handedOut(this.depth(), nowMs - sinceMs);
      this.#takers.shift()?.(key);
    }
  }
}

/** The longest that timers reach (a signed 32-bit number of milliseconds); then we look again. */
const TIMER_MAX_MS = 2 ** 31 - 1;

function firstOf(map: Map<string, number>): [string, number] | undefined {
  return map.entries().next().value;
}
