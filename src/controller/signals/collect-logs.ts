import { isTelling } from '#core/detection/log-anomaly.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import { AnomalyWatch, type JudgedWindow } from './anomaly-watch.ts';
import type { SignalContext } from './context.ts';
import { CONTAINER_RATES, LogBudget, type LogDropReason } from './log-budget.ts';
import { LogFollower } from './log-follower.ts';
import { LogTally } from './log-tally.ts';
import { RecentLines } from './recent-lines.ts';
import type { LogWants } from './wants.ts';

export interface LogCollectionOptions {
  readonly context: SignalContext;
  readonly wants: LogWants;
  /** True also while nothing runs. */
  readonly isStarting: () => boolean;
  /** When an action ended: what was before it does not count after it. */
  readonly cutMs: () => number | undefined;
  readonly onLine: (line: LogLine) => void;
  /** The log can be read, or cannot (any longer). */
  readonly onReadable: (readable: boolean) => void;
  readonly onFailure: (error: unknown) => void;
  /** A window had something unusual in it, telling or not. */
  readonly onSuspicious: (window: JudgedWindow) => void;
}

/** More lines than a container can write; an estimate beyond comes of coarse timestamps. */
const SKIPPED_PER_MS_MAX = 1_000;
/** In each second these many lines of a container are looked at, however much others write. */
const FAIR_LINES = 100;

/** The log of one workload: what is counted in it, and its last lines. */
export class LogCollection {
  readonly #options: LogCollectionOptions;
  readonly #follower: LogFollower;
  readonly #budget: LogBudget;
  readonly recent = new RecentLines();
  tally: LogTally;
  #watch: AnomalyWatch | undefined;
  #leaveShare: () => void = () => undefined;
  #wants: LogWants;
  #readable = true;
  #lines = 0;
  readonly #dropped = new Map<LogDropReason, number>();
  #atMs: number;
  /** First line of the present second, and how many there were: the rate at which it is written. */
  #second = { number: -1, firstStamp: '', lines: 0 };

  constructor(options: LogCollectionOptions) {
    const { context, wants, onFailure } = options;
    const { runtime, clock, daemonNowMs, beganAtMs, nowMs } = context;
    this.#options = options;
    this.#wants = wants;
    this.#budget = new LogBudget(clock, CONTAINER_RATES);
    this.#atMs = nowMs();
    this.tally = this.#newTally(wants);
    this.#follower = new LogFollower({
      runtime,
      clock,
      daemonNowMs,
      beganAtMs,
      onLine: (line) => this.#take(line),
      onSkipped: (lastRead, next) => this.#skipped(lastRead, next),
      onUnavailable: (error) => {
        this.#setReadable(false);
        onFailure(error);
      },
      onBroken: (error) => {
        // What is written until it is read on comes late, all at once.
        this.#watch?.missedLines();
        onFailure(error);
      },
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#follower.run(signal);
    this.#leaveShare();
  }

  /** Once a second. */
  tick(): void {
    const isJudged = this.#readable && !this.#options.isStarting();
    const window = this.#watch?.tick({ isJudged, cutMs: this.#options.cutMs() });
    if (window === undefined || window.anomalies.length === 0) return;
    this.tally.addAnomalies(window.anomalies.filter(isTelling).length);
    this.#options.onSuspicious(window);
  }

  /** Another policy may count other things; what it counts alike is kept. */
  update(container: ObservedContainer | undefined, wants: LogWants): void {
    if (wants.fingerprint !== this.#wants.fingerprint) this.tally = this.#newTally(wants);
    this.#wants = wants;
    this.#follower.update(container);
  }

  /** What was read and dropped since this was last asked. */
  takeCounts(): { readonly lines: number; readonly dropped: ReadonlyMap<LogDropReason, number> } {
    const counts = { lines: this.#lines, dropped: new Map(this.#dropped) };
    this.#lines = 0;
    this.#dropped.clear();
    return counts;
  }

  #newTally(wants: LogWants): LogTally {
    const { nowMs } = this.#options.context;
    this.#updateWatch(wants);
    return new LogTally({ wants, coveredSinceMs: nowMs(), nowMs, watch: this.#watch });
  }

  /** What was learned outlives a change of policy, unless nobody wants it any more. */
  #updateWatch({ anomalyWindowsMs }: LogWants): void {
    const isWanted = anomalyWindowsMs.length > 0;
    if (isWanted === (this.#watch !== undefined)) return;
    this.#leaveShare();
    this.#leaveShare = () => undefined;
    this.#watch = undefined;
    if (!isWanted) return;
    const { nowMs, templateShare } = this.#options.context;
    this.#leaveShare = templateShare.join();
    this.#watch = new AnomalyWatch(nowMs, templateShare);
  }

  /** The path of every line: beyond the budgets it only counts. */
  #take(line: LogLine): boolean {
    const { logBudget } = this.#options.context;
    this.#lines += 1;
    this.#measure(line);
    if (!this.#readable) this.#setReadable(true);
    const size = line.text.length;
    const isModest = this.#second.lines <= FAIR_LINES;
    if (!this.#budget.look(size)) this.#drop('ContainerRate');
    else if (!logBudget.look(size) && !isModest) this.#drop('TotalRate');
    else this.#look(line);
    const mayReadOn = this.#budget.read();
    return (logBudget.read() || isModest) && mayReadOn;
  }

  #look(line: LogLine): void {
    this.#atMs = this.#toControllerMs(line.timestamp);
    this.tally.look(line.text, this.#atMs);
    this.recent.add(line);
    this.#options.onLine(line);
  }

  #drop(reason: LogDropReason): void {
    // As of the last line that was looked at, less than a second ago: a timestamp takes time to read.
    this.tally.count(this.#atMs);
    this.#watch?.missedLines();
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  #measure({ timestamp }: LogLine): void {
    const number = Math.floor(this.#options.context.clock.bootMs() / 1_000);
    if (number !== this.#second.number) this.#second = { number, firstStamp: timestamp, lines: 0 };
    this.#second.lines += 1;
  }

  /** As many as were written at the rate of the second in which reading was paused. */
  #skipped(lastRead: LogLine, next: LogLine): void {
    const lastMs = Date.parse(lastRead.timestamp);
    const readMs = Math.max(1, lastMs - Date.parse(this.#second.firstStamp));
    const perMs = Math.min(this.#second.lines / readMs, SKIPPED_PER_MS_MAX);
    const count = Math.round(perMs * Math.max(0, Date.parse(next.timestamp) - lastMs));
    this.#dropped.set('Skipped', (this.#dropped.get('Skipped') ?? 0) + count);
    this.#missedLines();
  }

  #toControllerMs(timestamp: string): number {
    const { nowMs, daemonNowMs } = this.#options.context;
    const writtenAtMs = Date.parse(timestamp);
    if (Number.isNaN(writtenAtMs)) return nowMs();
    return nowMs() - Math.max(0, daemonNowMs() - writtenAtMs);
  }

  #setReadable(readable: boolean): void {
    if (this.#readable === readable) return;
    this.#readable = readable;
    if (readable) this.#missedLines();
    this.#options.onReadable(readable);
  }

  #missedLines(): void {
    this.tally.missedLines(this.#options.context.nowMs());
    this.#watch?.missedLines();
  }
}
