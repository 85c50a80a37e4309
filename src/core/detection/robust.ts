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
  const spread = Math.max(robustDeviation(history, middle), spreadMin);
  if (!(spread > 0)) return undefined;
  return { median: middle, spread, z: (value - middle) / spread };
}

const LIKENESS_MAX = 0.95;

/**
 * By what factor samples that follow each other, and so are alike, know less than as many independent
 * ones: the factor of the variance of their mean, at least 1.
 *
 * @param residuals what is left of the values when level and trend are taken away, in order of time
 */
export function varianceInflation(residuals: readonly number[]): number {
  let products = 0;
  let squares = 0;
  for (const [at, residual] of residuals.entries()) {
    squares += residual ** 2;
    products += residual * (residuals[at + 1] ?? 0);
  }
  if (squares === 0) return 1;
  const measured = products / squares;
  // In few samples the measure comes out too small: Kendall's correction of its bias.
  const likeness = measured + (1 + 4 * measured) / residuals.length;
  const bounded = Math.min(LIKENESS_MAX, Math.max(0, likeness));
  return (1 + bounded) / (1 - bounded);
}

/** The standard deviation of normally spread values, by their median absolute deviation. */
export function robustDeviation(values: readonly number[], middle: number): number {
  return MAD_TO_DEVIATION * median(values.map((value) => Math.abs(value - middle)));
}
