import type { Clock } from '#ports/clock.ts';

/** Keeps the newest so many values, each for a while. */
export interface AnswerCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
}

export interface AnswerCacheOptions {
  readonly entriesMax: number;
  readonly ttlMs: number;
}

export function createAnswerCache<Value>(
  clock: Pick<Clock, 'bootMs'>,
  { entriesMax, ttlMs }: AnswerCacheOptions,
): AnswerCache<Value> {
  const entries = new Map<string, { readonly value: Value; readonly untilMs: number }>();
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (clock.bootMs() >= entry.untilMs) return undefined;
      // What is used was inserted last: the first is the one to go.
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, { value, untilMs: clock.bootMs() + ttlMs });
      const [oldest] = entries.keys();
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    },
  };
}
