/** One abort signal that follows a caller's signal and, until it is disposed of, a time limit. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time limit, not the caller, ended it. */
  expired(): boolean;
}

/** Starts a time limit beside a caller's signal, which goes on counting when the limit is lifted. */
export function startDeadline(outer: AbortSignal, timeoutMs: number): Deadline {
  const limit = new AbortController();
  const timer = setTimeout(() => {
    limit.abort(new Error(`no answer within ${timeoutMs} ms`));
  }, timeoutMs);
  return {
    signal: AbortSignal.any([outer, limit.signal]),
    expired: () => limit.signal.aborted,
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
