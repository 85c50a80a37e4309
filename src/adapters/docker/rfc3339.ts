/** Docker's zero time, `0001-01-01T00:00:00Z`, in any spelling: it means "never". */
const ZERO_YEAR = '0001-';
const TIMESTAMP =
  /^(?<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d\d:\d\d)$/;

/** @returns epoch milliseconds; `undefined` for the zero time, an empty text or no time at all */
export function parseInstant(text: string | undefined | null): number | undefined {
  if (text === undefined || text === null || text.startsWith(ZERO_YEAR)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** @returns epoch nanoseconds, exact; `undefined` when the text is no RFC 3339 timestamp */
export function parseNanos(text: string): bigint | undefined {
  const { seconds, fraction = '', zone } = TIMESTAMP.exec(text)?.groups ?? {};
  if (seconds === undefined || zone === undefined) return undefined;
  const ms = Date.parse(`${seconds}${zone}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** Writes nanoseconds as the API's `since` wants them: seconds, a point, nine digits. */
export function formatSince(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`;
}
