import type { Clock } from '#ports/clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that moves only when it is told to. Timers fire in the order of their instants, and in
 * the order of their making where those are equal.
 */
export class VirtualClock implements Clock {
  bootId = 'virtual-boot';
  /** Called whenever all that could happen without time passing has happened. */
  onSettled: () => void = () => undefined;
  #boots = 0;
  #bootedAtMs = 0;
  #wallMs: number;
  /** Since this clock was made: timers count by it, also beyond a boot. */
  #passedMs = 0;
  #order = 0;
  #seed: number;
  readonly #timers = new Set<Timer>();

  constructor({ wallMs = Date.UTC(2026, 0, 1), seed = 1 } = {}) {
    this.#wallMs = wallMs;
    this.#seed = seed;
  }

  wallMs(): number {
    return this.#wallMs;
  }

  bootMs(): number {
    return this.#passedMs - this.#bootedAtMs;
  }

  /** Milliseconds since this clock was made, whatever was rebooted or stepped. */
  passedMs(): number {
    return this.#passedMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#order += 1;
    const timer = {
      dueMs: Math.ceil(this.#passedMs + Math.max(0, delayMs)),
      order: this.#order,
      callback,
    };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(delayMs, done);
      signal?.addEventListener('abort', done);
    });
  }

  /** Timers that are set and have not fired. */
  pending(): number {
    return this.#timers.size;
  }

  /** Mulberry32: the same seed gives the same numbers. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), this.#seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A step of the wall clock, as a person or NTP makes it. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** The machine starts anew: milliseconds of the boot before cannot be compared any more. */
  reboot(): void {
    this.#boots += 1;
    this.bootId = `virtual-boot-${this.#boots}`;
    this.#bootedAtMs = this.#passedMs;
  }

  /** Lets `ms` pass. What timers set off runs to its next wait before time goes on. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#passedMs + ms;
    await this.#settle();
    for (let next = this.#next(); next !== undefined && next.dueMs <= endMs; next = this.#next()) {
      this.#fire(next);
      await this.#settle();
    }
    this.#moveTo(endMs);
  }

  /** Lets as much time pass as the work needs; fails when it waits for something else than time. */
  async run<Value>(work: Promise<Value>): Promise<Value> {
    let isDone = false;
    const watched = work.finally(() => {
      isDone = true;
    });
    // The caller gets the rejection through the return value.
    watched.catch(() => undefined);
    for (;;) {
      await this.#settle();
      if (isDone) return watched;
      const next = this.#next();
      if (next === undefined) throw new Error('the work waits, and no timer is set');
      this.#fire(next);
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      const isEarlier =
        first === undefined ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order);
      if (isEarlier) first = timer;
    }
    return first;
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#moveTo(timer.dueMs);
    timer.callback();
  }

  #moveTo(bootMs: number): void {
    const passedMs = Math.max(0, bootMs - this.#passedMs);
    this.#passedMs += passedMs;
    this.#wallMs += passedMs;
  }

  /** Everything that needs no time has happened when this resolves: promises run before immediates. */
  async #settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.onSettled();
  }
}
