const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** One or more numbers with a unit, largest unit first by custom but not by rule: `1h30m`, `250ms`. */
export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/**
 * Reads a duration as Prometheus and Kubernetes write it.
 *
 * @returns milliseconds, or `undefined` when the text is no duration, or one that no clock will see the end of
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  let totalMs = 0;
  for (const [, number = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(number) * (UNIT_MS[unit] ?? Number.NaN);
  }
  const ms = Math.round(totalMs);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Writes milliseconds the way people read them: `1h30m`, `90s` as `1m30s`, `350ms`, `1.5s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000 && ms % 1_000 !== 0) return `${(ms / 1_000).toFixed(1)}s`;

  let rest = Math.round(ms / 1_000);
  let text = '';
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * seconds;
  }
  return text;
}
