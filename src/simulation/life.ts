import type { Clock } from '#ports/clock.ts';

/**
 * One life of a process, between a start and a SIGKILL. It ends at a call outwards or at the answer
 * to one: those are the moments at which the world can tell the difference.
 */
export class Life {
  readonly #onDeath: () => void;
  #isOver = false;
  #crossingsLeft = Number.POSITIVE_INFINITY;

  constructor(onDeath: () => void = () => undefined) {
    this.#onDeath = onDeath;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onDeath();
  }

  /** Ends at that many calls and answers from now. */
  endAfter(crossings: number): void {
    this.#crossingsLeft = crossings;
  }

  /** Something goes out, or comes in. @returns whether it still does */
  cross(): boolean {
    this.#crossingsLeft -= 1;
    if (this.#crossingsLeft <= 0) this.end();
    return !this.#isOver;
  }
}

/**
 * What a process sees of a thing outside of it, whose methods all wait. When its life is over,
 * answers do not reach it any more, callbacks do not run, and it begins nothing new.
 */
export function mortal<Thing extends object>(thing: Thing, life: Life): Thing {
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown =>
        life.cross() ? answer(Reflect.apply(value, target, args), life) : never();
    },
  });
}

/** Time goes on for the dead too, but it does not wake them. */
export function mortalClock(clock: Clock, life: Life): Clock {
  return {
    wallMs: () => clock.wallMs(),
    bootMs: () => clock.bootMs(),
    get bootId() {
      return clock.bootId;
    },
    random: () => clock.random(),
    after: (delayMs, callback) =>
      life.isOver
        ? () => undefined
        : clock.after(delayMs, () => {
            if (!life.isOver) callback();
          }),
    sleep: (delayMs, signal) =>
      life.isOver ? never() : whileAlive(clock.sleep(delayMs, signal), life),
  };
}

/**
 * What the dead wait for: a promise of their own each time, since one for all of them would keep
 * whatever has ever waited for it in memory.
 */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

function answer(value: unknown, life: Life): unknown {
  if (value instanceof Promise) return whileAlive(value, life);
  if (isAsyncIterable(value)) return iterate(value, life);
  return value;
}

async function whileAlive<Value>(promise: Promise<Value>, life: Life): Promise<Value> {
  try {
    const value = await promise;
    return life.cross() ? value : await never();
  } catch (error) {
    if (!life.cross()) await never();
    throw error;
  }
}

async function* iterate<Value>(values: AsyncIterable<Value>, life: Life): AsyncIterable<Value> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await whileAlive(iterator.next(), life);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!life.isOver) await iterator.return?.();
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
