import type { Clock } from '#ports/clock.ts';

/** Does some work with a signal that fires when it takes longer, on the controller's own clock. */
export async function withDeadline<Value>(
  clock: Clock,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const deadline = new AbortController();
  const cancel = clock.after(timeoutMs, () => deadline.abort());
  try {
    return await work(deadline.signal);
  } finally {
    cancel();
  }
}
