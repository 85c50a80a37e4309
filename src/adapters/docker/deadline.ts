/** One abort signal that follows a caller's signal and, until it is lifted, a time limit. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time limit, not the caller, ended it. */
  expired(): boolean;
  /** Lifts the time limit; the caller's signal goes on counting. */
  lift(): void;
}

/**
 * Starts a time limit beside a caller's signal. Made by hand, since `AbortSignal.any` on a signal
 * that lives as long as the process keeps an entry for every call ever made with it.
 */
export function startDeadline(outer: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController();
  let hasExpired = false;
  const follow = () => controller.abort(outer.reason);
  const timer = setTimeout(() => {
    hasExpired = true;
    controller.abort(new Error(`no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  if (outer.aborted) follow();
  else outer.addEventListener('abort', follow, { once: true });

  return {
    signal: controller.signal,
    expired: () => hasExpired,
    lift: () => clearTimeout(timer),
    [Symbol.dispose]() {
      clearTimeout(timer);
      outer.removeEventListener('abort', follow);
    },
  };
}
