import { LOG_MINER_LIMITS, LogMiner, type LogMinerLimits } from './log-miner.ts';
import { currentTemplate, type LogTemplate, templateText } from './log-template.ts';

/** The time in which the lines were written that were added since the last window. */
export interface LogWindow {
  readonly durationMs: number;
  /** Lines were left out, or came late: fewer than usual says nothing then. */
  readonly isPartial?: boolean;
}

export interface LogAnomaly {
  /** `new`: never seen before. `surge`, `silence`: far more or far fewer lines than usual. */
  readonly kind: 'new' | 'surge' | 'silence';
  readonly template: string;
  /** Lines in the window, and how many are usual in as long a time. */
  readonly count: number;
  readonly expected: number;
  /** Whether its words speak of an error. */
  readonly isGrave: boolean;
  /** The first such line of the window, cut, not redacted; absent where none came. */
  readonly example?: string;
}

/**
 * Whether it is worth a person's time by itself. Most lines that are merely new are harmless: whatever
 * is rare comes for the first time at some time.
 */
export function isTelling({ kind, isGrave }: LogAnomaly): boolean {
  return isGrave || kind !== 'new';
}

/** The most telling first. */
export function byGravity(a: LogAnomaly, b: LogAnomaly): number {
  return (
    Number(b.isGrave) - Number(a.isGrave) ||
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    Math.abs(b.count - b.expected) - Math.abs(a.count - a.expected)
  );
}

export interface LogVerdict {
  /** Nothing is unusual while what is usual is not known yet. */
  readonly isLearning: boolean;
  /** The most telling first. */
  readonly anomalies: readonly LogAnomaly[];
}

/** What is usual for a template. */
interface Baseline {
  perMinute: number;
  /** Mean square of what the rates of the windows differed from `perMinute`. */
  variance: number;
  windows: number;
  seenInWindow: number;
}

interface Seen {
  count: number;
  readonly example: string;
}

const MINUTE_MS = 60_000;
/** Before that much was seen, nothing is unusual. */
const LEARNED_MS = 10 * MINUTE_MS;
const LEARNED_WINDOWS = 5;
/** In that time what was usual before loses two thirds of its weight. */
const MEMORY_MS = 60 * MINUTE_MS;
const BASELINES_MAX = 2_048;
const ANOMALIES_MAX = 20;
const EXAMPLE_CHARS_MAX = 500;

/** In standard deviations, with the factor and the lines that a change must have besides. */
const SURGE = { deviations: 5, factor: 3, linesMin: 10 };
const SILENCE = { deviations: 3, factor: 5, linesMin: 10 };
/** What lies further off is learned as if it lay here, so that one burst does not become usual. */
const LEARNED_DEVIATIONS = 3;

const GRAVE =
  /error|exception|fatal|panic|traceback|critical|emerg|segfault|killed|oom\b|out of memory|abort|fail|denied|refused|timed? ?out|unreachable|corrupt|no space|deadlock/i;
const KINDS = ['new', 'surge', 'silence'] as const;

/**
 * Tells which templates of a window of log lines are new or come at another rate than usual. It learns
 * from each window after judging it, keeps of a line no more than an example until its window is
 * judged, and its memory is bounded: a template that was forgotten is new again.
 */
export class LogAnomalyDetector {
  readonly #limits: LogMinerLimits;
  readonly #miner: LogMiner;
  readonly #baselines = new Map<LogTemplate, Baseline>();
  #seen = new Map<LogTemplate, Seen>();
  #seenTokens = 0;
  #windows = 0;
  #learnedMs = 0;

  /** @param limits what its templates may take; they may change, and count from the next new one on */
  constructor(limits: LogMinerLimits = LOG_MINER_LIMITS) {
    this.#limits = limits;
    this.#miner = new LogMiner(limits);
  }

  /**
   * Takes in a line of the present window. Never throws, whatever the text. Once a window has brought as
   * many templates as may be remembered, the rest of it is not looked at: that would only cost.
   */
  add(line: string): void {
    if (this.#isOverfull) return;
    const template = this.#miner.add(line);
    const seen = this.#seen.get(template);
    if (seen === undefined) {
      this.#seen.set(template, { count: 1, example: cut(line) });
      this.#seenTokens += template.tokens.length;
    } else {
      seen.count += 1;
    }
  }

  /** Ends the present window. One without duration is only learned from. */
  judge({ durationMs, isPartial = false }: LogWindow): LogVerdict {
    const isWhole = !isPartial && !this.#isOverfull;
    const anomalies = this.peek({ durationMs, isPartial: !isWhole });
    const isLearning = this.#isLearning(durationMs);
    this.#windows += 1;
    this.#learnedMs += Math.max(0, durationMs);
    // Rates of lines of which some are missing would teach that fewer are usual.
    this.#learn(isWhole ? durationMs / MINUTE_MS : 0);
    this.#seen = new Map();
    this.#seenTokens = 0;
    return { isLearning, anomalies };
  }

  /** What is unusual in the present window so far. */
  peek({ durationMs, isPartial = false }: LogWindow): readonly LogAnomaly[] {
    this.#foldMerged();
    if (this.#isLearning(durationMs)) return [];
    return this.#compare(durationMs / MINUTE_MS, isPartial);
  }

  /** Templates of which it knows what is usual; bounded. */
  get size(): number {
    return this.#baselines.size;
  }

  get #isOverfull(): boolean {
    const { patternsMax, tokensMax } = this.#limits;
    return this.#seen.size >= patternsMax || this.#seenTokens >= tokensMax;
  }

  #isLearning(durationMs: number): boolean {
    return !(durationMs > 0) || this.#windows < LEARNED_WINDOWS || this.#learnedMs < LEARNED_MS;
  }

  /** What was usual for the parts is together usual for the template they became. */
  #foldMerged(): void {
    for (const [template, part] of this.#seen) {
      const current = currentTemplate(template);
      if (current === template) continue;
      this.#seen.delete(template);
      const whole = this.#seen.get(current);
      if (whole === undefined) this.#seen.set(current, part);
      else whole.count += part.count;
    }
    for (const [template, part] of this.#baselines) {
      const current = currentTemplate(template);
      if (current.isForgotten) this.#baselines.delete(template);
      if (current === template || current.isForgotten) continue;
      this.#baselines.delete(template);
      const whole = this.#baselines.get(current);
      if (whole === undefined) {
        this.#baselines.set(current, part);
        continue;
      }
      whole.perMinute += part.perMinute;
      whole.variance += part.variance;
      whole.windows = Math.max(whole.windows, part.windows);
    }
  }

  #compare(minutes: number, isPartial: boolean): LogAnomaly[] {
    const anomalies: LogAnomaly[] = [];
    for (const [template, { count, example }] of this.#seen) {
      const baseline = this.#baselines.get(template);
      const kind = baseline === undefined ? 'new' : changeOf(baseline, count, minutes);
      if (kind === undefined || (kind === 'silence' && isPartial)) continue;
      anomalies.push({ ...anomalyOf(kind, template, baseline, minutes), count, example });
    }
    for (const [template, baseline] of isPartial ? [] : this.#baselines) {
      if (this.#seen.has(template) || changeOf(baseline, 0, minutes) === undefined) continue;
      anomalies.push({ ...anomalyOf('silence', template, baseline, minutes), count: 0 });
    }
    return anomalies.sort(byGravity).slice(0, ANOMALIES_MAX);
  }

  #learn(minutes: number): void {
    const share = 1 - Math.exp((-minutes * MINUTE_MS) / MEMORY_MS);
    for (const template of this.#seen.keys()) {
      if (!this.#baselines.has(template) && !template.isForgotten) {
        this.#baselines.set(template, { perMinute: 0, variance: 0, windows: 0, seenInWindow: 0 });
      }
    }
    for (const [template, baseline] of this.#baselines) {
      const count = this.#seen.get(template)?.count ?? 0;
      if (count > 0) baseline.seenInWindow = this.#windows;
      if (minutes > 0) learnRate(baseline, count / minutes, Math.max(share, 0));
    }
    this.#forget();
  }

  #forget(): void {
    if (this.#baselines.size <= BASELINES_MAX) return;
    const oldestFirst = [...this.#baselines].sort((a, b) => a[1].seenInWindow - b[1].seenInWindow);
    const kept = Math.floor(BASELINES_MAX * 0.75);
    for (const [template] of oldestFirst.slice(0, -kept)) this.#baselines.delete(template);
  }
}

/** The standard deviation of a count, at least that of events that come independently. */
function deviationOf({ perMinute, variance }: Baseline, minutes: number): number {
  return Math.sqrt(Math.max(perMinute * minutes, variance * minutes * minutes, 1));
}

function changeOf(
  baseline: Baseline,
  count: number,
  minutes: number,
): 'surge' | 'silence' | undefined {
  if (baseline.windows < LEARNED_WINDOWS) return undefined;
  const expected = baseline.perMinute * minutes;
  const deviations = (count - expected) / deviationOf(baseline, minutes);
  const isSurge =
    deviations >= SURGE.deviations && count >= SURGE.linesMin && count >= SURGE.factor * expected;
  if (isSurge) return 'surge';
  const isSilence =
    deviations <= -SILENCE.deviations &&
    expected >= SILENCE.linesMin &&
    count <= expected / SILENCE.factor;
  return isSilence ? 'silence' : undefined;
}

function learnRate(baseline: Baseline, perMinute: number, share: number): void {
  baseline.windows += 1;
  // The plain mean of the first windows, of which each is as good as the other.
  const weight = Math.max(share, 1 / baseline.windows);
  const spread = LEARNED_DEVIATIONS * deviationOf(baseline, 1);
  const isNew = baseline.windows <= LEARNED_WINDOWS;
  const learned = isNew ? perMinute : Math.min(perMinute, baseline.perMinute + spread);
  const difference = learned - baseline.perMinute;
  baseline.perMinute += weight * difference;
  // The first rate differs from nothing.
  const square = baseline.windows === 1 ? 0 : difference * (learned - baseline.perMinute);
  baseline.variance += weight * (square - baseline.variance);
}

function anomalyOf(
  kind: LogAnomaly['kind'],
  template: LogTemplate,
  baseline: Baseline | undefined,
  minutes: number,
): Omit<LogAnomaly, 'count'> {
  const text = templateText(template);
  const expected = (baseline?.perMinute ?? 0) * minutes;
  return { kind, template: text, expected, isGrave: GRAVE.test(text) };
}

/**
 * Between words: of half a secret nobody can tell that it is one. A part of a line is copied, since a
 * slice would keep the whole line in memory.
 */
function cut(line: string): string {
  if (line.length <= EXAMPLE_CHARS_MAX) return line;
  return [line.slice(0, EXAMPLE_CHARS_MAX).replace(/\S+$/, ''), '…'].join('');
}
