import type { Clock } from '#ports/clock.ts';
import type { ModelAllowance } from '#ports/model-client.ts';

export interface Spending {
  readonly tokens: number;
  readonly usd: number;
}

export type Reserved =
  | {
      readonly ok: true;
      /** Puts what was really spent in the place of the reservation; once. */
      readonly settle: (spent: Spending) => void;
    }
  | { readonly ok: false; readonly message: string };

export interface Budget {
  /** Sets aside what a request may cost at most, before it is sent. */
  reserve(allowance: ModelAllowance, most: Spending): Reserved;
}

const HOUR_MS = 3_600_000;

/**
 * What each account may spend, over rolling windows. It is kept in memory: a start begins with
 * nothing spent.
 */
export function createBudget(clock: Pick<Clock, 'bootMs'>): Budget {
  const accounts = new Map<string, { readonly tokens: RollingSum; readonly usd: RollingSum }>();

  function accountOf(name: string) {
    let account = accounts.get(name);
    if (account === undefined) {
      account = {
        tokens: new RollingSum(HOUR_MS / 60, 60),
        usd: new RollingSum(HOUR_MS / 4, 24 * 4),
      };
      accounts.set(name, account);
    }
    return account;
  }

  /** Policies come and go; who has spent nothing lately needs no account. */
  function forgetIdle(nowMs: number): void {
    for (const [name, { tokens, usd }] of accounts) {
      if (tokens.isEmpty(nowMs) && usd.isEmpty(nowMs)) accounts.delete(name);
    }
  }

  return {
    reserve({ account: name, tokensPerHour, usdPerDay }, most) {
      const nowMs = clock.bootMs();
      forgetIdle(nowMs);
      const account = accountOf(name);
      const tokens = account.tokens.total(nowMs);
      if (tokens + most.tokens > tokensPerHour) {
        const message = `${name} has used ${tokens} of ${tokensPerHour} tokens an hour, and this may take ${most.tokens}`;
        return { ok: false, message };
      }
      const usd = account.usd.total(nowMs);
      if (usd + most.usd > usdPerDay) {
        const message = `${name} has spent ${shown(usd)} of ${shown(usdPerDay)} a day, and this may cost ${shown(most.usd)}`;
        return { ok: false, message };
      }
      const correctTokens = account.tokens.add(nowMs, most.tokens);
      const correctUsd = account.usd.add(nowMs, most.usd);
      return {
        ok: true,
        settle(spent) {
          correctTokens(spent.tokens);
          correctUsd(spent.usd);
        },
      };
    },
  };
}

function shown(usd: number): string {
  return `$${usd.toFixed(4)}`;
}

/** A sum over the last so many buckets of time. */
class RollingSum {
  readonly #bucketMs: number;
  readonly #count: number;
  /** By number of the bucket, oldest first. */
  readonly #buckets = new Map<number, { amount: number }>();

  constructor(bucketMs: number, count: number) {
    this.#bucketMs = bucketMs;
    this.#count = count;
  }

  total(nowMs: number): number {
    this.#forget(nowMs);
    return [...this.#buckets.values()].reduce((sum, { amount }) => sum + amount, 0);
  }

  isEmpty(nowMs: number): boolean {
    this.#forget(nowMs);
    return this.#buckets.size === 0;
  }

  /** @returns puts another amount in the place of this one */
  add(nowMs: number, amount: number): (corrected: number) => void {
    const number = Math.floor(nowMs / this.#bucketMs);
    const bucket = this.#buckets.get(number) ?? { amount: 0 };
    this.#buckets.set(number, bucket);
    bucket.amount += amount;
    return (corrected) => {
      bucket.amount += corrected - amount;
    };
  }

  /** A bucket counts until all of it lies outside the window. */
  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / this.#bucketMs) - this.#count;
    for (const number of this.#buckets.keys()) {
      if (number < oldest) this.#buckets.delete(number);
    }
  }
}
