/**
 * Time as the controller sees it. Only this port tells time or waits, so that a simulation can run
 * the whole controller on a virtual clock.
 */
export interface Clock {
  /** Wall clock, epoch milliseconds: for people, cron windows and Docker's timestamps. May jump. */
  wallMs(): number;
  /** Whole milliseconds since the machine booted. Never falls while `bootId` stays the same. */
  bootMs(): number;
  /** Changes with each boot: boot milliseconds are comparable only where it matches. */
  readonly bootId: string;
  /**
   * Calls back once, after at least `delayMs`.
   *
   * @returns cancels; harmless after the call
   */
  after(delayMs: number, callback: () => void): () => void;
  /** Resolves after `delayMs`, or at once when `signal` aborts (it never rejects). */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Uniform in [0, 1): for jitter only. */
  random(): number;
}
