import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that comes from a seed alone: the same seed gives the same numbers on any machine. */
export class Random {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** Uniform; both ends inclusive. */
  int(min: number, max: number): number {
    return uniformInt(this.#generator, min, max);
  }

  chance(probability: number): boolean {
    return uniformFloat64(this.#generator) < probability;
  }

  /** Milliseconds until what happens once in `meanMs` on average happens next; at least 1. */
  wait(meanMs: number): number {
    return Math.ceil(-Math.log(1 - uniformFloat64(this.#generator)) * meanMs) || 1;
  }

  /** @throws {RangeError} there is nothing to pick from */
  pick<Item>(items: readonly Item[]): Item {
    if (items.length === 0) throw new RangeError('there is nothing to pick from');
    return items[this.int(0, items.length - 1)] as Item;
  }

  /** Picks by weight. */
  weighted<Item extends { readonly weight: number }>(items: readonly Item[]): Item {
    const total = items.reduce((sum, { weight }) => sum + weight, 0);
    let left = uniformFloat64(this.#generator) * total;
    const found = items.find(({ weight }) => (left -= weight) < 0);
    return found ?? this.pick(items);
  }
}
