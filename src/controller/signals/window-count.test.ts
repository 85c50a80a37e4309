import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import { WindowCount } from './window-count.ts';

const MINUTE_MS = 60_000;
const NOW_MS = 1_767_225_600_000;

describe('window count', () => {
  it('counts what came after an instant, to the millisecond where it is sparse', () => {
    const count = new WindowCount([10 * MINUTE_MS]);

    for (const agoMs of [600_000, 599_999, 500, 499, 0]) count.add(NOW_MS - agoMs);

    assert.equal(count.since(NOW_MS - 600_000, NOW_MS), 4);
    assert.equal(count.since(NOW_MS - 500, NOW_MS), 2);
    assert.equal(count.since(NOW_MS, NOW_MS), 0);
  });

  it('serves a short window as finely beside a long one', () => {
    const count = new WindowCount([86_400_000, MINUTE_MS]);

    for (let agoMs = 120_000; agoMs >= 0; agoMs -= 1_000) count.add(NOW_MS - agoMs);

    assert.equal(count.since(NOW_MS - MINUTE_MS, NOW_MS), 60);
    assert.equal(count.since(NOW_MS - 86_400_000, NOW_MS), 121);
  });

  it('forgets what its longest window does not reach', () => {
    const count = new WindowCount([MINUTE_MS]);
    count.add(NOW_MS - MINUTE_MS * 3);

    count.add(NOW_MS);

    assert.equal(count.since(NOW_MS - MINUTE_MS * 5, NOW_MS), 1);
  });

  it('is not disturbed by a line that is read after its time', () => {
    const count = new WindowCount([MINUTE_MS]);
    count.add(NOW_MS);

    for (let agoMs = 0; agoMs < 10 * MINUTE_MS; agoMs += 100) count.add(NOW_MS - agoMs);

    assert.equal(count.since(NOW_MS - 1_000, NOW_MS), 11);
  });

  it('errs by no more than what came in the one bucket that the window cuts', () => {
    const windowMs = 10 * MINUTE_MS;
    const agos = fc.array(fc.integer({ min: 0, max: 2 * windowMs }), { maxLength: 300 });
    const holds = fc.property(agos, fc.integer({ min: 0, max: windowMs }), (ago, sinceMs) => {
      const count = new WindowCount([windowMs]);
      for (const agoMs of ago) count.add(NOW_MS - agoMs);

      const counted = count.since(NOW_MS - sinceMs, NOW_MS);

      const exact = ago.filter((agoMs) => agoMs < sinceMs).length;
      const nearCut = ago.filter((agoMs) => Math.abs(agoMs - sinceMs) <= 1_000).length;
      return Math.abs(counted - exact) <= nearCut;
    });

    fc.assert(holds, runs());
  });
});
