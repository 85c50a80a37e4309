import { byGravity, type LogAnomaly, LogAnomalyDetector } from '#core/detection/log-anomaly.ts';
import type { LogMinerLimits } from '#core/detection/log-miner.ts';

/** How a window is judged; when this changes, the window ends. */
export interface WatchState {
  /** Its container runs and has started, and its log can be read: what is unusual counts. */
  readonly isJudged: boolean;
  /** When an action ended: what was before it does not count after it. */
  readonly cutMs: number | undefined;
}

/** As fine as rates are compared: a line that comes ten times in it can be missed. */
const WINDOW_MS = 60_000;
/** The gravest of a window are in front, so of many the newest windows' are kept. */
const FOUND_MAX = 40;

/** What was unusual in a window that has ended, the gravest first, raw. */
export interface JudgedWindow {
  readonly anomalies: readonly LogAnomaly[];
  readonly durationMs: number;
  /** Controller milliseconds. */
  readonly endedAtMs: number;
}

interface Found {
  readonly atMs: number;
  readonly anomaly: LogAnomaly;
}

/** What is unusual in the log of one workload, by the minute. */
export class AnomalyWatch {
  readonly #detector: LogAnomalyDetector;
  readonly #nowMs: () => number;
  #found: readonly Found[] = [];
  #beganAtMs: number;
  #state: WatchState = { isJudged: false, cutMs: undefined };
  #isPartial = false;

  /** @param nowMs controller milliseconds */
  constructor(nowMs: () => number, limits: LogMinerLimits) {
    this.#nowMs = nowMs;
    this.#detector = new LogAnomalyDetector(limits);
    this.#beganAtMs = nowMs();
  }

  add(text: string): void {
    this.#detector.add(text);
  }

  /** Lines of the present window were left out, or come late. */
  missedLines(): void {
    this.#isPartial = true;
  }

  /**
   * Once a second: ends the window when it is time.
   *
   * @returns what was unusual in it; `undefined` while it goes on
   */
  tick(state: WatchState): JudgedWindow | undefined {
    const before = this.#state;
    const isSame = state.isJudged === before.isJudged && state.cutMs === before.cutMs;
    if (isSame && this.#nowMs() - this.#beganAtMs < WINDOW_MS) return undefined;
    this.#state = state;
    // Of a window that an action ended in, nobody can say what came after it.
    return this.#judge(before.isJudged && state.cutMs === before.cutMs);
  }

  /** What was unusual since then, in the present window too: the gravest first, raw. */
  unusual(sinceMs: number): LogAnomaly[] {
    const durationMs = this.#nowMs() - this.#beganAtMs;
    const present = this.#state.isJudged
      ? this.#detector.peek({ durationMs, isPartial: true })
      : [];
    const before = this.#found.filter(({ atMs }) => atMs > sinceMs);
    return [...present, ...before.map(({ anomaly }) => anomaly)].sort(byGravity);
  }

  #judge(counts: boolean): JudgedWindow {
    const atMs = this.#nowMs();
    const durationMs = counts ? atMs - this.#beganAtMs : 0;
    const { anomalies } = this.#detector.judge({ durationMs, isPartial: this.#isPartial });
    this.#beganAtMs = atMs;
    this.#isPartial = false;
    const found = anomalies.map((anomaly) => ({ atMs, anomaly }));
    this.#found = [...found, ...this.#found].slice(0, FOUND_MAX);
    return { anomalies, durationMs, endedAtMs: atMs };
  }
}
