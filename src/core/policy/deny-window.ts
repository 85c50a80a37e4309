import { Cron } from 'croner';
import { parseDuration } from '#lib/duration.ts';

/** A recurring time in which nothing is done: `0 9 * * 1-5 / 8h Europe/Berlin`. */
export interface DenyWindow {
  readonly source: string;
  /** Tells when windows begin. It has no function to call, so it sets no timer. */
  readonly starts: Cron;
  /** Elapsed time, whatever the clocks of the zone do meanwhile. */
  readonly lengthMs: number;
  readonly zone: string;
}

export type DenyWindowResult =
  | { readonly ok: true; readonly window: DenyWindow; readonly endless: boolean }
  | { readonly ok: false; readonly message: string };

export interface Denial {
  readonly denied: boolean;
  /**
   * When `denied`: epoch milliseconds at which to look again. Windows that touch or overlap count
   * as one; where they never stop doing so, it is a time at which the answer is still the same.
   */
  readonly untilMs?: number;
}

const FORM = /^(?<cron>\S+(?:\s+\S+){4})\s*\/\s*(?<length>\S+?)(?:\s+(?<zone>\S+))?$/;
const LENGTH_MS_MAX = 31 * 86_400_000;
/** Bounds the search for the end of windows that follow each other, to about 3 ms. */
const CHAIN_MAX = 64;
/** Bounds the search for a gap between windows, once, when a policy is loaded. */
const GAP_SEARCH_MAX = 1_024;
/** Any instant will do for trying a window out; a fixed one gives the same answer every day. */
const SAMPLE_MS = Date.UTC(2026, 0, 1);

/** Reads `cron / length zone`: five cron fields, a duration, and an IANA zone (UTC unless given). */
export function compileDenyWindow(source: string): DenyWindowResult {
  const groups = FORM.exec(source.trim())?.groups;
  if (groups === undefined) {
    return {
      ok: false,
      message: 'must be: cron / length zone, as in 0 9 * * 1-5 / 8h Europe/Berlin',
    };
  }
  const { cron = '', length = '', zone = 'UTC' } = groups;
  const lengthMs = parseDuration(length);
  if (lengthMs === undefined || lengthMs <= 0 || lengthMs > LENGTH_MS_MAX) {
    return { ok: false, message: `the length ${length} must be a duration of at most 31d` };
  }
  if (!isZone(zone)) return { ok: false, message: `there is no time zone ${zone}` };

  const starts = parseCron(cron, zone);
  if (typeof starts === 'string') return { ok: false, message: starts };
  if (starts.nextRun(new Date(SAMPLE_MS)) === null) {
    return { ok: false, message: `${cron} never comes` };
  }
  const window = { source, starts, lengthMs, zone };
  return { ok: true, window, endless: isEndless(window) };
}

/** Whether a wall-clock instant (epoch milliseconds) lies in the window. Pure. */
export function isDenied(window: DenyWindow, wallMs: number): Denial {
  const { starts, lengthMs } = window;
  // The first start after this is the earliest whose window has not ended yet.
  let startMs = nextStart(starts, wallMs - lengthMs);
  if (startMs === undefined || startMs > wallMs) return { denied: false };

  let untilMs = startMs + lengthMs;
  for (let link = 0; link < CHAIN_MAX; link += 1) {
    startMs = nextStart(starts, startMs);
    if (startMs === undefined || startMs > untilMs) break;
    untilMs = startMs + lengthMs;
  }
  return { denied: true, untilMs };
}

/** Strictly after the instant. */
function nextStart(starts: Cron, afterMs: number): number | undefined {
  return starts.nextRun(new Date(afterMs))?.getTime();
}

function parseCron(cron: string, timezone: string): Cron | string {
  try {
    return new Cron(cron, {
      mode: '5-part',
      timezone,
      // A start that the zone's clocks skip begins when they are over it, also in `0 2,14 * * *`.
      fixedTimeRule: 'no-wildcard',
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `${cron} is no cron expression: ${message.replace(/^CronPattern: /, '')}`;
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).format(0) !== '';
  } catch {
    return false;
  }
}

/** Whether each window begins before the one before it has ended, for a year of them at most. */
function isEndless({ starts, lengthMs }: DenyWindow): boolean {
  let startMs = nextStart(starts, SAMPLE_MS);
  for (let link = 0; link < GAP_SEARCH_MAX && startMs !== undefined; link += 1) {
    const next = nextStart(starts, startMs);
    if (next === undefined || next > startMs + lengthMs) return false;
    if (next > SAMPLE_MS + 366 * 86_400_000) return true;
    startMs = next;
  }
  return true;
}
