import { type GaugeName, TREND_GAUGES, type TrendName } from '#core/policy/signals.ts';
import type { GaugeSamples, WorkloadView } from '#core/workload/view.ts';
import { type ExhaustionForecast, forecastExhaustion } from './exhaustion.ts';
import { type Sample, SampleRing } from './sample-ring.ts';

/** Twenty minutes of samples that come every ten seconds; some 8 KB for a gauge. */
const SAMPLES_MAX = 120;
/** The work of a forecast grows with the square: with these some 0.3 ms. */
const FORECAST_SAMPLES_MAX = 40;
/** Utilization is a share of its limit. */
const LIMIT = 1;

/** The newest samples of the gauges of one run of a container. */
export class GaugeHistory implements GaugeSamples {
  readonly #rings = new Map<GaugeName, SampleRing>();
  readonly #forecasts = new Map<TrendName, { atMs: number; forecast: ExhaustionForecast }>();

  /** Takes in what was measured; what is not known leaves a gap. */
  push(gauges: WorkloadView['gauges']): void {
    for (const [name, reading] of Object.entries(gauges) as [
      GaugeName,
      (typeof gauges)[GaugeName],
    ][]) {
      if (reading?.kind !== 'Value') continue;
      const ring = this.#rings.get(name) ?? new SampleRing(SAMPLES_MAX);
      this.#rings.set(name, ring);
      ring.push({ atMs: reading.atMs, value: reading.value });
    }
  }

  names(): readonly GaugeName[] {
    return [...this.#rings.keys()];
  }

  of(gauge: GaugeName): readonly Sample[] {
    return this.#rings.get(gauge)?.samples() ?? [];
  }

  forecast(trend: TrendName): ExhaustionForecast {
    const samples = this.of(TREND_GAUGES[trend]);
    const atMs = samples.at(-1)?.atMs ?? Number.NaN;
    const known = this.#forecasts.get(trend);
    if (known?.atMs === atMs) return known.forecast;
    const forecast = forecastExhaustion(thinned(samples), LIMIT);
    this.#forecasts.set(trend, { atMs, forecast });
    return forecast;
  }
}

/** Every second, third, … of them, the newest included. */
function thinned(samples: readonly Sample[]): readonly Sample[] {
  const step = Math.ceil(samples.length / FORECAST_SAMPLES_MAX);
  const last = samples.length - 1;
  return samples.filter((_, at) => (last - at) % step === 0);
}
