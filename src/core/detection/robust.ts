/** The middle of the values; NaN when there are none. */
export function median(values: readonly number[]): number {
  return medianOfSorted([...values].sort((a, b) => a - b));
}

function medianOfSorted(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Of values spread normally, the median absolute deviation times this is the standard deviation. */
const MAD_TO_DEVIATION = 1.4826;
const SAMPLES_MIN = 8;

export interface RobustScore {
  readonly median: number;
  /** What stands for the standard deviation, at least `spreadMin`. */
  readonly spread: number;
  /** How many spreads the value lies above the median; negative below. */
  readonly z: number;
}

/**
 * How far a value lies from what was usual. Outliers in the history do not count for it, up to half
 * of it.
 *
 * @param spreadMin smallest spread that means something, in the unit of the values: a metric that never
 *   moved would else make any movement infinite
 * @returns undefined with fewer than 8 values, or where one is not finite
 */
export function robustScore(
  history: readonly number[],
  value: number,
  spreadMin: number,
): RobustScore | undefined {
  if (history.length < SAMPLES_MIN || ![...history, value].every(Number.isFinite)) return undefined;
  const middle = median(history);
  const deviation = MAD_TO_DEVIATION * median(history.map((each) => Math.abs(each - middle)));
  const spread = Math.max(deviation, spreadMin);
  if (!(spread > 0)) return undefined;
  return { median: middle, spread, z: (value - middle) / spread };
}
