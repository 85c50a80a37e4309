import { median, robustDeviation, varianceInflation } from './robust.ts';
import type { Sample } from './sample-ring.ts';

/**
 * When a growing metric reaches its limit, if it goes on as it did. `Exhausting`: in `inMs`, and with
 * 95 % certainty not before `earliestMs` nor, where it is known, after `latestMs`. Twenty samples of
 * which each is much like the one before give less: 85 %.
 */
export type ExhaustionForecast =
  | {
      readonly kind: 'Exhausting';
      readonly inMs: number;
      readonly earliestMs: number;
      /** Absent where so late that the samples say nothing about it. */
      readonly latestMs?: number;
      /** In units of the value per millisecond. */
      readonly slope: number;
    }
  | { readonly kind: 'Reached' }
  | {
      readonly kind: 'None';
      /** `NoTrend`: what growth there is may be chance. `TooFar`: beyond what the samples tell. */
      readonly reason: 'TooFewSamples' | 'NoTrend' | 'TooFar';
    };

const SAMPLES_MIN = 10;
/** Slopes are as many as pairs of samples: 7,140. */
const SAMPLES_MAX = 120;
/** A pace is believed for as many times the time in which it was seen. */
const HORIZON_SPANS = 4;
/** Two-sided 95 % of the normal distribution. */
const Z_95 = 1.96;
/** By how much a median is less exact than a mean. */
const MEDIAN_ERROR = 1.2533;

/**
 * Fits a line by the median of all pairwise slopes (Theil and Sen), which a third of outliers does
 * not move, with the interval by Kendall's statistic (Sen). Samples that follow each other are alike,
 * so the interval is widened by their autocorrelation.
 *
 * @param samples in the order of time; the newest 120 count
 */
export function forecastExhaustion(samples: readonly Sample[], limit: number): ExhaustionForecast {
  const used = samples.slice(-SAMPLES_MAX);
  const newest = used.at(-1);
  const oldest = used[0];
  if (used.length < SAMPLES_MIN || newest === undefined || oldest === undefined) {
    return { kind: 'None', reason: 'TooFewSamples' };
  }
  if (newest.value >= limit) return { kind: 'Reached' };

  const { low, middle, high, centreMs, level, levelError } = fit(used);
  if (!(low > 0)) return { kind: 'None', reason: 'NoTrend' };
  // The lines of all likely slopes cross in the middle of the samples, not at their end. The line
  // may have passed the limit already where the newest value has not.
  const reached = (height: number, slope: number) =>
    Math.max(0, height / slope - (newest.atMs - centreMs));
  const inMs = reached(limit - level, middle);
  const horizonMs = HORIZON_SPANS * (newest.atMs - oldest.atMs);
  if (inMs > horizonMs) return { kind: 'None', reason: 'TooFar' };
  const latestMs = reached(limit - level + levelError, low);
  return {
    kind: 'Exhausting',
    inMs,
    earliestMs: reached(limit - level - levelError, high),
    slope: middle,
    ...(latestMs <= horizonMs && { latestMs }),
  };
}

interface Fit {
  /** Slopes: 2.5 %, 50 %, 97.5 %. */
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** The middle of the times, the value of the line there, and by how much it may be wrong. */
  readonly centreMs: number;
  readonly level: number;
  readonly levelError: number;
}

function fit(samples: readonly Sample[]): Fit {
  const slopes: number[] = [];
  for (const [at, a] of samples.entries()) {
    for (const b of samples.slice(at + 1)) {
      if (b.atMs > a.atMs) slopes.push((b.value - a.value) / (b.atMs - a.atMs));
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = median(slopes);
  const centreMs = median(samples.map(({ atMs }) => atMs));
  const levels = samples.map(({ atMs, value }) => value - middle * (atMs - centreMs));
  const level = median(levels);

  const count = samples.length;
  const inflation = varianceInflation(levels.map((each) => each - level));
  const variance = (inflation * (count * (count - 1) * (2 * count + 5))) / 18;
  const rank = (slopes.length - Z_95 * Math.sqrt(variance)) / 2;
  return {
    low: slopes[Math.floor(rank)] ?? -Infinity,
    middle,
    high: slopes[Math.ceil(slopes.length - 1 - rank)] ?? Infinity,
    centreMs,
    level,
    levelError: Z_95 * MEDIAN_ERROR * robustDeviation(levels, level) * Math.sqrt(inflation / count),
  };
}

/** `memory reaches its limit in 12 min (9 min to 17 min)`; undefined where nothing is to be said. */
export function exhaustionText(metric: string, forecast: ExhaustionForecast): string | undefined {
  if (forecast.kind === 'Reached') return `${metric} has reached its limit`;
  if (forecast.kind === 'None') return undefined;
  const { inMs, earliestMs, latestMs } = forecast;
  const range =
    latestMs === undefined
      ? `not before ${roughly(earliestMs)}`
      : `${roughly(earliestMs)} to ${roughly(latestMs)}`;
  return `${metric} reaches its limit in ${roughly(inMs)} (${range})`;
}

/** To whole minutes, or seconds below five of them: a forecast is no more exact. */
export function roughly(ms: number): string {
  if (ms < 300_000) return `${Math.max(1, Math.round(ms / 1_000))} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
