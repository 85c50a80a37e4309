import type { Clock } from '#ports/clock.ts';

/**
 * Runs the task again and again at a fixed rate, never twice at once, until `signal` aborts. A run
 * that takes longer than the interval delays the next one, and what it missed is not made up for.
 *
 * @param task must not throw
 */
export async function repeat(
  clock: Clock,
  { firstInMs, everyMs }: { readonly firstInMs: number; readonly everyMs: number },
  signal: AbortSignal,
  task: () => Promise<void>,
): Promise<void> {
  let dueMs = clock.bootMs() + firstInMs;
  for (;;) {
    await clock.sleep(Math.max(0, dueMs - clock.bootMs()), signal);
    if (signal.aborted) return;
    await task();
    dueMs = Math.max(dueMs + everyMs, clock.bootMs());
  }
}
