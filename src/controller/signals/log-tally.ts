import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import { isErrorLine } from '#core/detection/severity.ts';
import type { LogCounters, TriagedWindow } from '#core/workload/view.ts';
import type { AnomalyWatch } from './anomaly-watch.ts';
import type { LogWants } from './wants.ts';
import { WindowCount } from './window-count.ts';

export interface LogTallyOptions {
  readonly wants: LogWants;
  readonly coveredSinceMs: number;
  /** Controller milliseconds. */
  readonly nowMs: () => number;
  /** Present where anomalies are wanted. */
  readonly watch: AnomalyWatch | undefined;
}

/** A line whose span is shorter would make any rate a great one. */
const RATE_SPAN_MS_MIN = 1_000;
/** They come some minutes apart. */
const TRIAGED_MAX = 32;

/** What was counted in the log of one workload, as far as its policy asks for it. */
export class LogTally implements LogCounters {
  readonly #nowMs: () => number;
  readonly #watch: AnomalyWatch | undefined;
  readonly #lines: WindowCount | undefined;
  readonly #errors: WindowCount | undefined;
  readonly #anomalies: WindowCount | undefined;
  readonly #matches = new Map<string, WindowCount>();
  readonly #patterns: LogWants['patterns'];
  #coveredSinceMs: number;
  #hasGrown = false;
  #triaged: readonly TriagedWindow[] = [];

  constructor({ wants, coveredSinceMs, nowMs, watch }: LogTallyOptions) {
    this.#coveredSinceMs = coveredSinceMs;
    this.#nowMs = nowMs;
    this.#watch = watch;
    this.#lines = counter(wants.lineWindowsMs);
    this.#errors = counter(wants.errorWindowsMs);
    this.#anomalies = counter(wants.anomalyWindowsMs);
    this.#patterns = wants.patterns;
    for (const { pattern, windowsMs } of wants.patterns) {
      this.#matches.set(pattern.source, new WindowCount(windowsMs));
    }
  }

  get coveredSinceMs(): number {
    return this.#coveredSinceMs;
  }

  /** Counts a line that is not looked at. */
  count(atMs: number): void {
    this.#lines?.add(atMs);
    this.#hasGrown = true;
  }

  /** Counts a line and looks at what it says. */
  look(text: string, atMs: number): void {
    this.count(atMs);
    if (this.#errors !== undefined && isErrorLine(text)) this.#errors.add(atMs);
    for (const { pattern } of this.#patterns) {
      if (pattern.matches(text)) this.#matches.get(pattern.source)?.add(atMs);
    }
    this.#watch?.add(text);
  }

  addAnomalies(count: number): void {
    if (count === 0) return;
    const nowMs = this.#nowMs();
    for (let added = 0; added < count; added += 1) this.#anomalies?.add(nowMs);
    this.#hasGrown = true;
  }

  addTriaged(window: TriagedWindow): void {
    this.#triaged = [window, ...this.#triaged].slice(0, TRIAGED_MAX);
    this.#hasGrown = true;
  }

  /** Lines were left out: what is counted is complete only from here on. */
  missedLines(nowMs: number): void {
    this.#coveredSinceMs = nowMs;
  }

  /** Whether anything was counted since this was last asked. */
  takeGrown(): boolean {
    const grown = this.#hasGrown;
    this.#hasGrown = false;
    return grown;
  }

  rate(sinceMs: number): number | undefined {
    const nowMs = this.#nowMs();
    const seconds = Math.max(RATE_SPAN_MS_MIN, nowMs - sinceMs) / 1_000;
    const count = this.#lines?.since(sinceMs, nowMs);
    return count === undefined ? undefined : count / seconds;
  }

  matches(pattern: string, sinceMs: number): number | undefined {
    return this.#matches.get(pattern)?.since(sinceMs, this.#nowMs());
  }

  errors(sinceMs: number): number | undefined {
    return this.#errors?.since(sinceMs, this.#nowMs());
  }

  anomalies(sinceMs: number): number | undefined {
    return this.#anomalies?.since(sinceMs, this.#nowMs());
  }

  unusual(sinceMs: number): readonly LogAnomaly[] {
    return this.#watch?.unusual(sinceMs) ?? [];
  }

  triaged(sinceMs: number): readonly TriagedWindow[] {
    return this.#triaged.filter(({ atMs }) => atMs > sinceMs);
  }
}

function counter(windowsMs: readonly number[]): WindowCount | undefined {
  return windowsMs.length === 0 ? undefined : new WindowCount(windowsMs);
}
