/** Buckets of a window: how finely its beginning is cut. */
const BUCKETS = 600;
const BUCKET_MS_MIN = 100;

/**
 * Counts what happens, for windows whose lengths are known beforehand, in a fixed amount of memory:
 * each length has buckets of its own, so a long window makes a short one no coarser.
 */
export class WindowCount {
  readonly #rings: readonly Ring[];

  constructor(windowsMs: readonly number[]) {
    const ascending = [...new Set(windowsMs)].sort((a, b) => a - b);
    this.#rings = ascending.map((windowMs) => new Ring(windowMs));
  }

  /** @param atMs may lie in the past: lines are read late after a broken stream */
  add(atMs: number): void {
    for (const ring of this.#rings) ring.add(atMs);
  }

  /** How many happened after `sinceMs`, as far back as the longest window reaches. */
  since(sinceMs: number, nowMs: number): number {
    const fitting = this.#rings.find(({ windowMs }) => windowMs >= nowMs - sinceMs);
    return (fitting ?? this.#rings.at(-1))?.since(sinceMs, nowMs) ?? 0;
  }
}

class Ring {
  readonly windowMs: number;
  readonly #bucketMs: number;
  readonly #size: number;
  /** Which bucket of all time a place holds now; -1: none yet. */
  readonly #numbers: Float64Array;
  readonly #counts: Uint32Array;
  /** Of the first and the last one in the bucket, from the bucket's beginning. */
  readonly #firstMs: Uint32Array;
  readonly #lastMs: Uint32Array;

  constructor(windowMs: number) {
    this.windowMs = windowMs;
    this.#bucketMs = Math.max(BUCKET_MS_MIN, Math.ceil(windowMs / BUCKETS));
    // The window's beginning and its end both lie somewhere inside a bucket.
    this.#size = Math.ceil(windowMs / this.#bucketMs) + 2;
    this.#numbers = new Float64Array(this.#size).fill(-1);
    this.#counts = new Uint32Array(this.#size);
    this.#firstMs = new Uint32Array(this.#size);
    this.#lastMs = new Uint32Array(this.#size);
  }

  add(atMs: number): void {
    const number = Math.floor(atMs / this.#bucketMs);
    const place = number % this.#size;
    const offsetMs = atMs - number * this.#bucketMs;
    const held = this.#numbers[place] ?? -1;
    if (held > number) return;
    if (held < number) {
      this.#numbers[place] = number;
      this.#counts[place] = 0;
      this.#firstMs[place] = offsetMs;
      this.#lastMs[place] = offsetMs;
    }
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#firstMs[place] = Math.min(this.#firstMs[place] ?? 0, offsetMs);
    this.#lastMs[place] = Math.max(this.#lastMs[place] ?? 0, offsetMs);
  }

  since(sinceMs: number, nowMs: number): number {
    const last = Math.floor(nowMs / this.#bucketMs);
    const first = Math.max(Math.floor(sinceMs / this.#bucketMs), last - this.#size + 1);
    let count = 0;
    for (let number = first; number <= last; number += 1) count += this.#countIn(number, sinceMs);
    return count;
  }

  /** Of a bucket that the window's beginning cuts, the share that lies behind the cut. */
  #countIn(number: number, sinceMs: number): number {
    const place = number % this.#size;
    if (this.#numbers[place] !== number) return 0;
    const count = this.#counts[place] ?? 0;
    const beginMs = number * this.#bucketMs;
    const firstMs = beginMs + (this.#firstMs[place] ?? 0);
    const lastMs = beginMs + (this.#lastMs[place] ?? 0);
    if (firstMs > sinceMs) return count;
    if (lastMs <= sinceMs) return 0;
    const share = (lastMs - sinceMs) / (lastMs - firstMs);
    // The first lies before the cut and the last behind it, whatever lies between.
    return Math.min(count - 1, Math.max(1, Math.round(count * share)));
  }
}
