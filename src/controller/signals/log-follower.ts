import { LogsUnavailableError, RuntimeForbiddenError } from '#core/errors.ts';
import type { ContainerState, ObservedContainer } from '#core/workload/container.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine } from '#ports/container-runtime.ts';

export interface LogFollowerOptions {
  readonly runtime: Pick<ContainerRuntime, 'logs'>;
  readonly clock: Clock;
  /** The daemon's wall clock now. */
  readonly daemonNowMs: () => number;
  /** Instant on the daemon's clock: containers made later are read from their beginning. */
  readonly beganAtMs: number;
  /** @returns false when enough was read for the rest of this second */
  readonly onLine: (line: LogLine) => boolean;
  /** Lines between these two may have been left out. */
  readonly onSkipped: (lastRead: LogLine, next: LogLine) => void;
  /** The log cannot be read, as things are; tried again with the next start of the container. */
  readonly onUnavailable: (error: unknown) => void;
  /** A break that is mended by reading on. */
  readonly onBroken: (error: unknown) => void;
}

const REOPEN_MS = 250;
const REOPEN_MAX_MS = 15_000;
/** A container made longer ago is read from now on, whoever was not looking then. */
const READ_FROM_START_MS = 60_000;
/** How far the daemon's clock, as it was compared, may be off. */
const CLOCK_MARGIN_MS = 5_000;
/**
 * Of the newest lines, when a follow begins. Without a bound the engine searches the whole log, which
 * may be gigabytes, for the timestamp.
 */
const TAIL_LINES = 10_000;
/** Of what was written while reading was paused, the end: a flood's last words say why it ended. */
const PAUSED_TAIL_LINES = 200;
/** While it writes, its stream is worth opening anew. */
const LIVE: ReadonlySet<ContainerState> = new Set(['running', 'paused', 'restarting']);

/** How a stream came to its end. `Quiet`: by itself, without a line. */
type End = 'Ended' | 'Quiet' | 'Paused' | 'Failed' | 'Unavailable';

/**
 * Follows the log of one workload: through restarts, recreations and broken streams, each line once.
 * The first follow starts at "now", or at the creation of a container that came later than Sentinel.
 */
export class LogFollower {
  readonly #options: LogFollowerOptions;
  #container: ObservedContainer | undefined;
  /** Of the newest line that was read, or where reading begins: RFC 3339. */
  #position = '';
  #lastRead: LogLine | undefined;
  /** Reading was paused; lines will be left out. */
  #isSkipping = false;
  /** Streams in a row that failed, or ended without a line. */
  #failures = 0;
  /** Nothing was asked for yet of a container that was there before: it begins without a history. */
  #isBeginning = false;
  /** A stream should be opened: a run began that was not read yet. */
  #isDue = false;
  #wake: () => void = () => undefined;
  #stream = new AbortController();

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  /** The container as it is now; `undefined` while the workload has none. */
  update(container: ObservedContainer | undefined): void {
    const before = this.#container;
    this.#container = container;
    if (container === undefined) return;
    const isOther = before?.id !== container.id;
    if (isOther) {
      this.#stream.abort();
      this.#lastRead = undefined;
      this.#position = this.#beginningFor(container);
      this.#isBeginning = !this.#isNew(container);
    }
    const isFirst = isOther && before === undefined;
    const ran = container.startedAtMs !== undefined;
    const runChanged = isOther || before?.startedAtMs !== container.startedAtMs;
    // What ended before anybody looked is history.
    if (ran && runChanged && (!isFirst || LIVE.has(container.state) || this.#isNew(container))) {
      this.#isDue = true;
    }
    this.#wake();
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const container = this.#container;
      if (!this.#isDue || container === undefined) {
        await this.#idle(signal);
        continue;
      }
      this.#isDue = false;
      const openedAtMs = this.#options.clock.bootMs();
      const end = await this.#read(container, signal);
      // A stream that lasted was cut, mostly by a proxy's time limit: nothing to back off from.
      const lasted = this.#options.clock.bootMs() - openedAtMs > REOPEN_MAX_MS;
      const failed = !lasted && (end === 'Quiet' || end === 'Failed');
      this.#failures = failed ? this.#failures + 1 : 0;
      if (!signal.aborted) await this.#restAfter(end, container, signal);
    }
  }

  /** Opens the stream again after a rest, where there may be more to read. */
  async #restAfter(end: End, container: ObservedContainer, signal: AbortSignal): Promise<void> {
    if (end === 'Unavailable') return;
    if (end !== 'Failed' && end !== 'Paused' && !this.#isLive(container)) return;
    await this.#rest(end === 'Paused' ? this.#toNextSecondMs() : this.#backoffMs(), signal);
    // Whoever writes faster than can be read is read in samples: reading on would lag ever more.
    this.#isSkipping = end === 'Paused';
    this.#isDue = true;
  }

  #isNew({ createdAtMs }: ObservedContainer): boolean {
    const { beganAtMs, daemonNowMs } = this.#options;
    const ageMs = daemonNowMs() - createdAtMs;
    // Made in the future: a clock was set back since, and it is older than it says.
    const isPlausible = ageMs > -CLOCK_MARGIN_MS && ageMs < READ_FROM_START_MS;
    return createdAtMs >= beganAtMs && isPlausible;
  }

  #beginningFor(container: ObservedContainer): string {
    const { daemonNowMs } = this.#options;
    return toRfc3339(this.#isNew(container) ? container.createdAtMs : daemonNowMs());
  }

  #isLive({ id }: ObservedContainer): boolean {
    return this.#container?.id === id && LIVE.has(this.#container.state);
  }

  async #read({ id, tty }: ObservedContainer, signal: AbortSignal): Promise<End> {
    const { runtime, onLine, onBroken, onUnavailable } = this.#options;
    this.#stream = new AbortController();
    const stop = AbortSignal.any([signal, this.#stream.signal]);
    let sawLines = false;
    try {
      const tail = this.#tailLines();
      this.#isBeginning = false;
      const query = { tty, follow: true, after: this.#position, tail };
      for await (const line of runtime.logs(id, query, stop)) {
        if (stop.aborted) return 'Ended';
        sawLines = true;
        this.#noteSkipped(line);
        this.#lastRead = line;
        // Two streams of one container may be a little out of order.
        if (line.timestamp > this.#position) this.#position = line.timestamp;
        if (!onLine(line)) return 'Paused';
      }
      return sawLines ? 'Ended' : 'Quiet';
    } catch (error) {
      if (stop.aborted) return 'Ended';
      const refused =
        error instanceof LogsUnavailableError || error instanceof RuntimeForbiddenError;
      (refused ? onUnavailable : onBroken)(error);
      return refused ? 'Unavailable' : 'Failed';
    }
  }

  /** By number and not by date alone: where a clock was set back, history is dated in the future. */
  #tailLines(): number {
    if (this.#isBeginning) return 0;
    return this.#isSkipping ? PAUSED_TAIL_LINES : TAIL_LINES;
  }

  #noteSkipped(next: LogLine): void {
    if (!this.#isSkipping) return;
    this.#isSkipping = false;
    if (this.#lastRead !== undefined) this.#options.onSkipped(this.#lastRead, next);
  }

  #backoffMs(): number {
    return Math.min(REOPEN_MS * 2 ** Math.max(0, this.#failures - 1), REOPEN_MAX_MS);
  }

  #toNextSecondMs(): number {
    return 1_000 - (this.#options.clock.bootMs() % 1_000);
  }

  /** Waits for `update`. */
  async #idle(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#wake = done;
      signal.addEventListener('abort', done);
    });
  }

  async #rest(restMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => {
      if (this.#isDue) woken.abort();
    };
    await this.#options.clock.sleep(restMs, AbortSignal.any([signal, woken.signal]));
    this.#wake = () => undefined;
  }
}

function toRfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, -1)}000000Z`;
}
