import type { Clock } from '#ports/clock.ts';

/** How a request that was let through has ended. */
export type BreakerEnd =
  | { readonly kind: 'Well' }
  /** May be better the next time. */
  | { readonly kind: 'Failed'; readonly message: string }
  /** Will not be better before somebody has changed something. */
  | { readonly kind: 'Shut'; readonly message: string; readonly forMs: number }
  /** Says nothing about the route: it was not sent, or cancelled. */
  | { readonly kind: 'Unknown' };

export type Admission =
  | { readonly kind: 'Admitted'; readonly end: (how: BreakerEnd) => void }
  | { readonly kind: 'Open'; readonly message: string }
  /** The provider wants to be left alone for so long. */
  | { readonly kind: 'Resting'; readonly waitMs: number };

export interface Breaker {
  /** Asks whether a request may be sent. Who is admitted must say how it ended, once. */
  admit(): Admission;
  /** Nothing is sent before this has passed; the longest wish counts. */
  rest(ms: number): void;
  /** What it is open for; `undefined` while it is closed. */
  openFor(): string | undefined;
  /** A probe went well. */
  close(): void;
}

const FAILURES_MAX = 5;
const OPEN_MS = 30_000;
const OPEN_MS_MAX = 600_000;

/**
 * A circuit breaker for one route: after five failures in a row nothing is sent for half a minute,
 * then a single request finds out. If that fails too the pause is twice as long, up to ten minutes.
 */
export function createBreaker(clock: Pick<Clock, 'bootMs'>): Breaker {
  let failures = 0;
  let openings = 0;
  let open: { readonly untilMs: number; readonly message: string } | undefined;
  let restUntilMs = 0;
  let isTrying = false;

  function close(): void {
    failures = 0;
    openings = 0;
    open = undefined;
  }

  function end(how: BreakerEnd, isTrial: boolean): void {
    if (isTrial) isTrying = false;
    const nowMs = clock.bootMs();
    if (how.kind === 'Well') close();
    if (how.kind === 'Shut') open = { untilMs: nowMs + how.forMs, message: how.message };
    if (how.kind !== 'Failed') return;
    failures += 1;
    if (!isTrial && failures < FAILURES_MAX) return;
    open = {
      untilMs: nowMs + Math.min(OPEN_MS * 2 ** openings, OPEN_MS_MAX),
      message: how.message,
    };
    openings = Math.min(openings + 1, 10);
  }

  return {
    admit() {
      const nowMs = clock.bootMs();
      if (restUntilMs > nowMs) return { kind: 'Resting', waitMs: restUntilMs - nowMs };
      const isTrial = open !== undefined;
      if (open !== undefined && (isTrying || nowMs < open.untilMs)) {
        return { kind: 'Open', message: open.message };
      }
      isTrying ||= isTrial;
      let hasEnded = false;
      return {
        kind: 'Admitted',
        end(how) {
          if (!hasEnded) end(how, isTrial);
          hasEnded = true;
        },
      };
    },
    rest(ms) {
      restUntilMs = Math.max(restUntilMs, clock.bootMs() + ms);
    },
    openFor: () => open?.message,
    close,
  };
}
