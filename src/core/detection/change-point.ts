import { median, varianceInflation } from './robust.ts';
import type { Sample } from './sample-ring.ts';

/** Where a metric moved to another level. */
export interface ChangePoint {
  /** When the first sample of the new level was taken. */
  readonly atMs: number;
  /** Medians of the levels. */
  readonly before: number;
  readonly after: number;
  /** Chance of so clear a change where there was none, from 0 to 1. */
  readonly pValue: number;
}

const SAMPLES_MIN = 12;
/** The work grows with the square. */
const SAMPLES_MAX = 240;
const P_VALUE_MAX = 0.01;

/**
 * The clearest change of level in samples in the order of time, by Pettitt's test: it compares ranks,
 * so that neither outliers nor the form of the spread matter. What follows each other is alike, which
 * is taken into account; a metric that drifts at random will still seem to change. A steady trend is a change too; see
 * `forecastExhaustion` for that.
 *
 * @param history the newest 240 count
 * @returns undefined with fewer than 12 samples or without a change beyond chance (p 0.01)
 */
export function changePoint(history: readonly Sample[]): ChangePoint | undefined {
  const samples = history.slice(-SAMPLES_MAX);
  const count = samples.length;
  if (count < SAMPLES_MIN) return undefined;
  const values = samples.map(({ value }) => value);
  // How often a value before the split is below one after it, less how often above.
  let lead = 0;
  let clearest = 0;
  let at = 0;
  for (let split = 1; split < count; split += 1) {
    const moved = values[split - 1] ?? 0;
    for (const other of values) lead += Math.sign(other - moved);
    if (Math.abs(lead) <= Math.abs(clearest)) continue;
    clearest = lead;
    at = split;
  }
  const before = median(values.slice(0, at));
  const after = median(values.slice(at));
  const residuals = values.map((value, place) => value - (place < at ? before : after));
  const independent = clearest ** 2 / varianceInflation(residuals);
  const pValue = Math.min(1, 2 * Math.exp((-6 * independent) / (count ** 3 + count ** 2)));
  if (pValue > P_VALUE_MAX) return undefined;
  return { atMs: samples[at]?.atMs ?? Number.NaN, before, after, pValue };
}
