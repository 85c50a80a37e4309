import type { Clock } from '#ports/clock.ts';

/** Why a line was not looked at; a metric label. */
export const LOG_DROP_REASONS = ['ContainerRate', 'TotalRate', 'Skipped'] as const;
export type LogDropReason = (typeof LOG_DROP_REASONS)[number];

export interface LogRates {
  /** Lines that are looked at, in each second. */
  readonly linesPerSecond: number;
  /** Characters that are looked at, in each second: patterns cost by length. */
  readonly charactersPerSecond: number;
  /** Lines that are read at all, in each second; the rest of it is skipped. */
  readonly readPerSecond: number;
}

/** Costs at most a tenth of a core with a few patterns, and as much of the engine's. */
export const CONTAINER_RATES: LogRates = {
  linesPerSecond: 2_000,
  charactersPerSecond: 512 * 2 ** 10,
  readPerSecond: 10_000,
};
export const TOTAL_RATES: LogRates = {
  linesPerSecond: 20_000,
  charactersPerSecond: 4 * 2 ** 20,
  readPerSecond: 40_000,
};

/** Spends what may be looked at in the present second. */
export class LogBudget {
  readonly #clock: Pick<Clock, 'bootMs'>;
  readonly #rates: LogRates;
  #second = -1;
  #read = 0;
  #lines = 0;
  #characters = 0;

  constructor(clock: Pick<Clock, 'bootMs'>, rates: LogRates) {
    this.#clock = clock;
    this.#rates = rates;
  }

  /** @returns whether one more line may be read in this second */
  read(): boolean {
    this.#turn();
    this.#read += 1;
    return this.#read <= this.#rates.readPerSecond;
  }

  /** @returns whether a line of this length may be looked at; then it is charged */
  look(characters: number): boolean {
    this.#turn();
    const { linesPerSecond, charactersPerSecond } = this.#rates;
    // The first line of a second is looked at whatever its length.
    const fits = this.#lines === 0 || this.#characters + characters <= charactersPerSecond;
    if (!fits || this.#lines >= linesPerSecond) return false;
    this.#lines += 1;
    this.#characters += characters;
    return true;
  }

  #turn(): void {
    const second = Math.floor(this.#clock.bootMs() / 1_000);
    if (second === this.#second) return;
    this.#second = second;
    this.#read = 0;
    this.#lines = 0;
    this.#characters = 0;
  }
}
