import { counted } from '#lib/counted.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/**
 * `12:00 UTC on 24 November 2026`, without the day where it is that of another instant.
 *
 * @param time RFC 3339, UTC
 */
export function plainTime(time: string, near?: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return 'an unknown time';
  const clock = `${time.slice(11, 16)} UTC`;
  if (near?.slice(0, 10) === time.slice(0, 10)) return clock;
  return `${clock} on ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** As people say it, to one unit: `less than a minute`, `12 minutes`, `3 hours`, `2 days`. */
export function plainDuration(ms: number): string {
  if (ms < MINUTE_MS) return 'less than a minute';
  if (ms < 2 * HOUR_MS) return counted(Math.floor(ms / MINUTE_MS), 'minute');
  if (ms < 2 * DAY_MS) return counted(Math.floor(ms / HOUR_MS), 'hour');
  return counted(Math.floor(ms / DAY_MS), 'day');
}
