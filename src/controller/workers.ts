import { SentinelError } from '#core/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { ReconcileResult } from './reconciler.ts';
import type { Workqueue } from './workqueue.ts';

export type ReconcileEnd =
  /** Nothing more to do for now. */
  | 'success'
  /** Failed, and comes again after a rest. */
  | 'error'
  | 'requeue'
  /** Comes again at a time that it named. */
  | 'requeue_after';

export interface WorkersObserver {
  started(active: number): void;
  ended(
    end: ReconcileEnd,
    details: { readonly key: string; readonly tookMs: number; readonly active: number },
  ): void;
  failed(key: string, error: unknown, kind: 'Retryable' | 'Terminal' | 'Bug' | 'Timeout'): void;
}

export interface WorkersOptions {
  readonly queue: Workqueue;
  readonly clock: Clock;
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  readonly count: number;
  /** A reconcile that takes longer is given up and retried. */
  readonly timeoutMs: number;
  readonly observer: WorkersObserver;
}

/**
 * The workers of a queue, and the one place where a reconcile's outcome becomes a retry: retryable
 * errors and bugs back off, terminal errors wait for the next event or resync.
 */
export function startWorkers(options: WorkersOptions): { readonly done: Promise<void> } {
  const { queue, clock, observer } = options;
  let active = 0;

  async function work(): Promise<void> {
    for (;;) {
      const key = await queue.take();
      if (key === undefined) return;
      active += 1;
      observer.started(active);
      const startedMs = clock.bootMs();
      queue.cancelDelayed(key);
      const end = await reconcileOnce(key);
      active -= 1;
      observer.ended(end, { key, tookMs: clock.bootMs() - startedMs, active });
      queue.done(key);
    }
  }

  async function reconcileOnce(key: string): Promise<ReconcileEnd> {
    const timeout = new AbortController();
    const cancel = clock.after(options.timeoutMs, () => timeout.abort());
    try {
      const { requeueAfterMs } = await options.reconcile(key, timeout.signal);
      queue.forget(key);
      if (requeueAfterMs === undefined) return 'success';
      queue.addAfter(key, requeueAfterMs);
      return 'requeue_after';
    } catch (error) {
      retry(key, error, timeout.signal.aborted);
      return 'error';
    } finally {
      cancel();
    }
  }

  function retry(key: string, error: unknown, timedOut: boolean): void {
    if (!timedOut && error instanceof SentinelError && !error.retryable) {
      observer.failed(key, error, 'Terminal');
      queue.forget(key);
      return;
    }
    const expected = error instanceof SentinelError;
    observer.failed(key, error, timedOut ? 'Timeout' : expected ? 'Retryable' : 'Bug');
    queue.addRateLimited(key);
  }

  const workers = Array.from({ length: options.count }, work);
  return { done: Promise.all(workers).then(() => undefined) };
}
