import { createHash, type Hash } from 'node:crypto';

/** As much as a person reads of a failure: what led to it is near its end. */
const LINES_KEPT = 400;

/** Everything that happened in one run, in order: its end to read, and all of it in one hash. */
export class Timeline {
  readonly #passedMs: () => number;
  readonly #hash: Hash = createHash('sha256');
  readonly #lines: string[] = [];
  #left = 0;

  /** @param passedMs since the beginning of the run */
  constructor(passedMs: () => number) {
    this.#passedMs = passedMs;
  }

  /** @param who `world`, `person`, `engine`, `sentinel`, `journal` or `check` */
  add(who: string, what: string): void {
    const line = `${clockText(this.#passedMs())}  ${who.padEnd(8)}  ${what}`;
    this.#hash.update(`${line}\n`);
    this.#lines.push(line);
    if (this.#lines.length <= LINES_KEPT) return;
    this.#lines.shift();
    this.#left += 1;
  }

  /** Text of the end, oldest first. */
  lines(): string[] {
    return this.#left === 0
      ? [...this.#lines]
      : [`(${this.#left} earlier lines are left out)`, ...this.#lines];
  }

  /** Hex sha256 of all lines so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

function clockText(passedMs: number): string {
  const hours = Math.floor(passedMs / 3_600_000);
  const rest = new Date(passedMs % 3_600_000).toISOString().slice(14, 23);
  return `${String(hours).padStart(2, '0')}:${rest}`;
}
