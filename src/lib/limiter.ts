/** Lets at most so many tasks run at once; the others wait in the order in which they came. */
export interface Limiter {
  run<Value>(task: () => Promise<Value>): Promise<Value>;
}

export function createLimiter(atOnceMax: number): Limiter {
  const waiting: (() => void)[] = [];
  let running = 0;

  return {
    async run(task) {
      if (running >= atOnceMax) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await task();
      } finally {
        // The place is handed on rather than freed, so that a newcomer cannot take it in between.
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
