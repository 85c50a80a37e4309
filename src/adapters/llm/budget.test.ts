import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createBudget } from './budget.ts';

const SHOP = { account: 'shop', tokensPerHour: 1_000, usdPerDay: 1 };
const HOUR_MS = 3_600_000;

function aBudget() {
  const clock = { nowMs: 0, bootMs: () => clock.nowMs };
  return { clock, budget: createBudget(clock) };
}

describe('the budget', () => {
  it('counts what is set aside before it is spent', () => {
    const { budget } = aBudget();

    assert.equal(budget.reserve(SHOP, { tokens: 600, usd: 0 }).ok, true);
    const second = budget.reserve(SHOP, { tokens: 600, usd: 0 });

    assert.deepEqual(second, {
      ok: false,
      message: 'shop has used 600 of 1000 tokens an hour, and this may take 600',
    });
  });

  it('gives back what was not needed', () => {
    const { budget } = aBudget();
    const first = budget.reserve(SHOP, { tokens: 900, usd: 0.9 });
    assert.ok(first.ok);

    first.settle({ tokens: 100, usd: 0.1 });

    assert.equal(budget.reserve(SHOP, { tokens: 900, usd: 0.9 }).ok, true);
    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0 }).ok, false);
  });

  it('counts what went beyond the reservation too', () => {
    const { budget } = aBudget();
    const first = budget.reserve(SHOP, { tokens: 10, usd: 0 });
    assert.ok(first.ok);

    first.settle({ tokens: 5_000, usd: 0 });

    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0 }).ok, false);
  });

  it('refuses by money as by tokens', () => {
    const { budget } = aBudget();

    assert.deepEqual(budget.reserve(SHOP, { tokens: 1, usd: 1.5 }), {
      ok: false,
      message: 'shop has spent $0.0000 of $1.0000 a day, and this may cost $1.5000',
    });
  });

  it('lets nothing through where nothing is allowed', () => {
    const { budget } = aBudget();

    const reserved = budget.reserve({ ...SHOP, tokensPerHour: 0 }, { tokens: 1, usd: 0 });

    assert.equal(reserved.ok, false);
  });

  it('keeps accounts apart', () => {
    const { budget } = aBudget();
    budget.reserve(SHOP, { tokens: 1_000, usd: 1 });

    const other = budget.reserve({ ...SHOP, account: 'blog' }, { tokens: 1_000, usd: 1 });

    assert.equal(other.ok, true);
  });

  it('forgets tokens after an hour and money after a day', () => {
    const { clock, budget } = aBudget();
    budget.reserve(SHOP, { tokens: 1_000, usd: 1 });

    clock.nowMs = HOUR_MS - 1;
    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0 }).ok, false);
    clock.nowMs = HOUR_MS + 60_000;
    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0 }).ok, true);
    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0.1 }).ok, false);
    clock.nowMs = 24 * HOUR_MS + HOUR_MS / 4;
    assert.equal(budget.reserve(SHOP, { tokens: 1, usd: 0.1 }).ok, true);
  });

  it('never lets more be spent within any hour, whatever is asked for when', () => {
    const asked = fc.array(fc.tuple(fc.nat(20 * 60_000), fc.nat(600)), { maxLength: 60 });

    fc.assert(
      fc.property(asked, (requests) => {
        const { clock, budget } = aBudget();
        const spent: { readonly atMs: number; readonly tokens: number }[] = [];
        for (const [pauseMs, tokens] of requests) {
          clock.nowMs += pauseMs;
          if (budget.reserve(SHOP, { tokens, usd: 0 }).ok) {
            spent.push({ atMs: clock.nowMs, tokens });
          }
        }
        return spent.every(({ atMs }) => {
          const within = spent.filter((one) => one.atMs > atMs - HOUR_MS && one.atMs <= atMs);
          return within.reduce((sum, { tokens }) => sum + tokens, 0) <= SHOP.tokensPerHour;
        });
      }),
    );
  });
});
