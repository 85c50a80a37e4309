import type { BootTime } from './journal/record.ts';

/** What the clocks say at one moment. */
export interface Instant {
  /** Epoch milliseconds, wall clock. */
  readonly wallMs: number;
  readonly boot: BootTime;
}

/**
 * A reading of controller time: an axis of milliseconds on which a later record never lies before
 * an earlier one. It starts at the wall clock of the journal's first record and grows by the boot
 * clock while the boot is the same, else by the wall clock; a backward jump counts as 0. Every
 * `…Ms` in the state is on this axis, so cooldowns and limits hold across restarts and clock steps.
 */
export interface ControllerTime extends Instant {
  readonly atMs: number;
}

export function firstControllerTime(instant: Instant): ControllerTime {
  return { ...instant, atMs: instant.wallMs };
}

export function advance(from: ControllerTime, to: Instant): ControllerTime {
  const elapsedMs =
    from.boot.id === to.boot.id ? to.boot.ms - from.boot.ms : to.wallMs - from.wallMs;
  return { ...to, atMs: from.atMs + Math.max(0, elapsedMs) };
}
