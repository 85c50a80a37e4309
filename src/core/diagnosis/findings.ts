import { changePoint } from '#core/detection/change-point.ts';
import { exhaustionText } from '#core/detection/exhaustion.ts';
import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import { robustScore } from '#core/detection/robust.ts';
import { type GaugeName, signalFacts, TREND_GAUGES, type TrendName } from '#core/policy/signals.ts';
import { valueWords } from '#core/projection/threshold-words.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import { isKeyBody } from '#core/redaction/pem.ts';
import type { GaugeSamples, TriagedWindow, WorkloadView } from '#core/workload/view.ts';
import { counted } from '#lib/counted.ts';
import { formatDuration } from '#lib/duration.ts';

/** Something that a local detector found, in words that may be shown. */
export interface Finding {
  readonly signal: FindingSignal;
  readonly value: string;
  readonly note?: string;
}

export const FINDING_SIGNALS = [
  'log.unusual',
  'log.triage',
  'gauge.forecast',
  'gauge.level',
  'gauge.outlier',
] as const;
type FindingSignal = (typeof FINDING_SIGNALS)[number];

/** How far back what a log said belongs to what is wrong now. */
const UNUSUAL_MS = 10 * 60_000;
const UNUSUAL_MAX = 3;
const TEXT_CHARS_MAX = 300;
/** Of a key, a line so long gives something away; a word that looks like one is shorter. */
const KEY_CHARS_MIN = 24;

/** The gravest unusual lines of the last minutes: how many, of what form, and one of them. */
export function unusualLines({ logs, container }: WorkloadView, nowMs: number): Finding[] {
  const redactor = container?.secrets?.redactor;
  const clean = (text: string) => cleanLine(text, redactor).slice(0, TEXT_CHARS_MAX);
  const found = new Map<string, LogAnomaly>();
  for (const anomaly of logs?.unusual(nowMs - UNUSUAL_MS) ?? []) {
    // The gravest come first; the same form again, in an earlier minute, is no news.
    if (!found.has(anomaly.template)) found.set(anomaly.template, anomaly);
  }
  return [...found.values()].slice(0, UNUSUAL_MAX).map((anomaly): Finding => {
    const { template, example } = anomaly;
    const signal = 'log.unusual';
    const mayBeKey = [template, example ?? ''].some(looksLikeKey);
    if (mayBeKey) return { signal, value: `${amountOf(anomaly)} that may be a part of a key` };
    const value = `${amountOf(anomaly)} like: ${clean(template)}`;
    return {
      signal,
      value,
      ...(example === undefined ? {} : { note: `first: ${clean(example)}` }),
    };
  });
}

/** What a model made of them last, in words that say whose they are. */
export function triaged({ logs }: WorkloadView, nowMs: number): Finding[] {
  const triage = newestTriage(logs, nowMs)?.triage;
  if (triage === undefined) return [];
  const { isAnomaly, type, severity, confidence, summary } = triage;
  const what = isAnomaly ? `trouble (${type}, ${severity})` : 'no trouble';
  return [
    {
      signal: 'log.triage',
      value: `a model takes the unusual lines for ${what}, with confidence ${confidence}`,
      ...(summary === '' ? {} : { note: summary }),
    },
  ];
}

/** The last time within some minutes that a model was asked about the log. */
export function newestTriage(logs: WorkloadView['logs'], nowMs: number): TriagedWindow | undefined {
  return logs?.triaged?.(nowMs - UNUSUAL_MS)[0];
}

function looksLikeKey(text: string): boolean {
  return text.length >= KEY_CHARS_MIN && isKeyBody(text);
}

function amountOf({ kind, count, expected }: LogAnomaly): string {
  if (kind === 'new') return count === 1 ? '1 line of a new kind' : `${count} lines of a new kind`;
  return `${counted(count, 'line')} where ${Number(expected.toPrecision(2))} are usual`;
}

const TREND_WORDS: Readonly<Record<TrendName, string>> = {
  'memory.trend': 'memory',
  'pids.trend': 'the number of processes',
};

/** `memory reaches its limit in 12 min (9 min to 17 min)`, for each gauge that does. */
export function forecasts({ container, samples }: WorkloadView): Finding[] {
  if (container?.state !== 'running' || samples === undefined) return [];
  return (Object.keys(TREND_GAUGES) as TrendName[]).flatMap((trend) => {
    const value = exhaustionText(TREND_WORDS[trend], samples.forecast(trend));
    return value === undefined ? [] : [{ signal: 'gauge.forecast', value }];
  });
}

const GAUGES_MAX = 4;
/** In spreads; chance does not bring it. */
const OUTLIER_Z = 6;

/** Where a gauge is unlike before: since when it is at another level, or that it is now. */
export function unusualGauges({ container, samples }: WorkloadView, nowMs: number): Finding[] {
  if (container?.state !== 'running' || samples === undefined) return [];
  return samples
    .names()
    .flatMap((gauge) => levelOf(gauge, samples, nowMs) ?? outlierOf(gauge, samples) ?? [])
    .slice(0, GAUGES_MAX);
}

function levelOf(gauge: GaugeName, samples: GaugeSamples, nowMs: number): Finding | undefined {
  const change = changePoint(samples.of(gauge));
  if (change === undefined) return undefined;
  const { before, after, atMs } = change;
  if (!isMuch(gauge, before, after)) return undefined;
  const ago = formatDuration(Math.max(0, nowMs - atMs));
  const value = `${gauge} is at ${valueWords(gauge, after)} for ${ago}, at ${valueWords(gauge, before)} before`;
  return { signal: 'gauge.level', value };
}

function outlierOf(gauge: GaugeName, samples: GaugeSamples): Finding | undefined {
  const values = samples.of(gauge).map(({ value }) => value);
  const newest = values.at(-1);
  if (newest === undefined) return undefined;
  const score = robustScore(values.slice(0, -1), newest, spreadMin(gauge, values));
  if (score === undefined || Math.abs(score.z) < OUTLIER_Z) return undefined;
  if (!isMuch(gauge, score.median, newest)) return undefined;
  const usual = valueWords(gauge, score.median);
  return {
    signal: 'gauge.outlier',
    value: `${gauge} is ${valueWords(gauge, newest)}, usually ${usual}`,
  };
}

/** A change that a person would call one: a tenth of a limit, or half as much again. */
function isMuch(gauge: GaugeName, before: number, after: number): boolean {
  const difference = Math.abs(after - before);
  if (isRatio(gauge)) return difference >= 0.1;
  return difference >= 0.5 * Math.max(Math.abs(before), Math.abs(after)) && difference > 0;
}

function spreadMin(gauge: GaugeName, values: readonly number[]): number {
  return isRatio(gauge) ? 0.02 : 0.05 * Math.max(...values.map(Math.abs));
}

function isRatio(gauge: GaugeName): boolean {
  return signalFacts(gauge).unit === 'ratio';
}
