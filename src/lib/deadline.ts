/** What calls back after a time; a clock does. */
interface Timer {
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * Does some work with a signal that fires when it takes longer, on the caller's own clock.
 *
 * @param outer the signal fires with this one, too
 */
export async function withDeadline<Value>(
  clock: Timer,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
  outer?: AbortSignal,
): Promise<Value> {
  const deadline = new AbortController();
  const follow = () => deadline.abort(outer?.reason);
  if (outer?.aborted === true) follow();
  const cancel = clock.after(timeoutMs, () => deadline.abort());
  // By hand: `AbortSignal.any` costs many times as much, and what it makes lives on while someone
  // listens to it, even when the work has ended.
  outer?.addEventListener('abort', follow);
  try {
    return await work(deadline.signal);
  } finally {
    cancel();
    outer?.removeEventListener('abort', follow);
  }
}
