/** One measured value. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** The newest samples of one metric, as many as it has places for. */
export class SampleRing {
  readonly #capacity: number;
  readonly #samples: Sample[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Takes a sample that is later than all before; another one, or no finite number, is left out. */
  push(sample: Sample): void {
    const newest = this.#samples[(this.#next + this.#capacity - 1) % this.#capacity];
    const isLater = newest === undefined || sample.atMs > newest.atMs;
    if (!isLater || !Number.isFinite(sample.atMs) || !Number.isFinite(sample.value)) return;
    this.#samples[this.#next] = sample;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** Oldest first. */
  samples(): Sample[] {
    const isFull = this.#samples.length === this.#capacity;
    if (!isFull) return [...this.#samples];
    return [...this.#samples.slice(this.#next), ...this.#samples.slice(0, this.#next)];
  }

  /** Forgets all, as when a container started anew: its figures begin again. */
  clear(): void {
    this.#samples.length = 0;
    this.#next = 0;
  }
}
