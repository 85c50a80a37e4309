/** What calls back after a time; a clock does. */
interface Timer {
  after(delayMs: number, callback: () => void): () => void;
}

/** Does some work with a signal that fires when it takes longer, on the caller's own clock. */
export async function withDeadline<Value>(
  clock: Timer,
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
