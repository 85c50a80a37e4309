import type { LogLine } from '#ports/container-runtime.ts';

const LINES_MAX = 500;
/** A workload that writes long lines keeps fewer of them. */
const CHARACTERS_MAX = 256 * 2 ** 10;

/** The last lines of one workload, raw: evidence for an incident, redacted before it goes anywhere. */
export class RecentLines {
  readonly #places: (LogLine | undefined)[] = [];
  #oldest = 0;
  #count = 0;
  #characters = 0;

  add(line: LogLine): void {
    if (this.#count === LINES_MAX) this.#dropOldest();
    this.#places[(this.#oldest + this.#count) % LINES_MAX] = line;
    this.#count += 1;
    this.#characters += line.text.length;
    while (this.#characters > CHARACTERS_MAX && this.#count > 1) this.#dropOldest();
  }

  /** Oldest first. */
  toArray(): LogLine[] {
    return Array.from({ length: this.#count }, (_, index) => index).flatMap(
      (index) => this.#places[(this.#oldest + index) % LINES_MAX] ?? [],
    );
  }

  #dropOldest(): void {
    this.#characters -= this.#places[this.#oldest]?.text.length ?? 0;
    this.#places[this.#oldest] = undefined;
    this.#oldest = (this.#oldest + 1) % LINES_MAX;
    this.#count -= 1;
  }
}
