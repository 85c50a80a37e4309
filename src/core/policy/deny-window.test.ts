import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import { compileDenyWindow, type DenyWindow, isDenied } from './deny-window.ts';

const HOUR_MS = 3_600_000;

function window(source: string): DenyWindow {
  const result = compileDenyWindow(source);
  if (!result.ok) assert.fail(result.message);
  return result.window;
}

function at(instant: string): number {
  return Date.parse(instant);
}

describe('deny windows', () => {
  for (const [source, instant, until] of [
    // Berlin is one hour ahead of UTC in winter, two in summer.
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-11-24T07:59:59.999Z', undefined],
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-11-24T08:00:00Z', '2026-11-24T16:00:00Z'],
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-11-24T15:59:59.999Z', '2026-11-24T16:00:00Z'],
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-11-24T16:00:00Z', undefined],
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-07-01T07:00:00Z', '2026-07-01T15:00:00Z'],
    ['0 9 * * 1-5 / 8h Europe/Berlin', '2026-11-22T10:00:00Z', undefined],
    // UTC unless given.
    ['0 9 * * * / 30m', '2026-11-24T09:29:00Z', '2026-11-24T09:30:00Z'],
    // On 29 March the hour from 2 to 3 does not exist: the window begins when it is over.
    ['30 2 * * * / 1h Europe/Berlin', '2026-03-29T00:59:00Z', undefined],
    ['30 2 * * * / 1h Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
    ['30 2,14 * * * / 1h Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-29T02:00:00Z'],
    // On 25 October it exists twice: the window begins at the first, once.
    ['30 2 * * * / 1h Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'],
    ['30 2 * * * / 1h Europe/Berlin', '2026-10-25T01:45:00Z', undefined],
    // The length is elapsed time: a window over the change still lasts eight hours.
    ['0 22 * * 6 / 8h Europe/Berlin', '2026-03-29T04:59:00Z', '2026-03-29T05:00:00Z'],
    ['0 22 * * 6 / 8h Europe/Berlin', '2026-10-25T03:59:00Z', '2026-10-25T04:00:00Z'],
    // Longer than its period while it lasts: one window from 8 to 18.
    ['0 8-16 * * * / 2h', '2026-11-24T09:30:00Z', '2026-11-24T18:00:00Z'],
    ['0 8-16 * * * / 2h', '2026-11-24T18:00:00Z', undefined],
    ['0 8-16 * * * / 1h', '2026-11-24T08:30:00Z', '2026-11-24T17:00:00Z'],
  ] as const) {
    it(`${source} at ${instant}: ${until ?? 'not denied'}`, () => {
      const denial = isDenied(window(source), at(instant));

      const expected =
        until === undefined ? { denied: false } : { denied: true, untilMs: at(until) };
      assert.deepEqual(denial, expected);
    });
  }

  it('denies without end, and says when to look again, where windows overlap for ever', () => {
    const endless = compileDenyWindow('0 * * * * / 2h');
    const nowMs = at('2026-11-24T09:30:00Z');
    if (!endless.ok) assert.fail(endless.message);

    const denial = isDenied(endless.window, nowMs);

    assert.equal(endless.endless, true);
    assert.equal(denial.denied, true);
    assert.ok((denial.untilMs ?? 0) > nowMs + 12 * HOUR_MS);
  });

  it('ends what only seems endless', () => {
    const result = compileDenyWindow('*/5 9-17 * * 1-5 / 10m');

    assert.equal(result.ok && result.endless, false);
  });

  it('does not read the clock', () => {
    const { denied } = isDenied(window('0 9 * * * / 1h'), at('2026-11-24T09:30:00Z'));
    mock.timers.enable({
      apis: ['Date', 'setTimeout', 'setInterval'],
      now: at('1999-01-01T00:00:00Z'),
    });
    try {
      const later = window('0 9 * * * / 1h');

      assert.equal(denied, true);
      assert.equal(isDenied(later, at('2026-11-24T09:30:00Z')).denied, true);
      assert.equal(isDenied(later, at('2026-11-24T10:30:00Z')).denied, false);
    } finally {
      mock.timers.reset();
    }
  });

  it('is the union of its windows, whatever their length', () => {
    const dayMs = 24 * HOUR_MS;
    const cases = fc.record({
      hour: fc.integer({ min: 0, max: 23 }),
      minute: fc.integer({ min: 0, max: 59 }),
      lengthMinutes: fc.integer({ min: 1, max: 3 * 24 * 60 }),
      // Several for each window: to compile one looks for its end through a year.
      instants: fc.array(
        fc.integer({ min: at('2026-01-10T00:00:00Z'), max: at('2026-12-01T00:00:00Z') }),
        { minLength: 4, maxLength: 4 },
      ),
    });
    const agrees = fc.property(cases, ({ hour, minute, lengthMinutes, instants }) => {
      const daily = window(`${minute} ${hour} * * * / ${lengthMinutes}m`);
      return instants.every((wallMs) => {
        const startMs = Math.floor(wallMs / dayMs) * dayMs + (hour * 60 + minute) * 60_000;
        const lastStartMs = startMs <= wallMs ? startMs : startMs - dayMs;
        return isDenied(daily, wallMs).denied === wallMs < lastStartMs + lengthMinutes * 60_000;
      });
    });

    fc.assert(agrees, runs(30));
  });

  for (const [source, message] of [
    ['every night', 'must be: cron / length zone, as in 0 9 * * 1-5 / 8h Europe/Berlin'],
    ['0 9 * * / 8h', 'must be: cron / length zone, as in 0 9 * * 1-5 / 8h Europe/Berlin'],
    ['61 9 * * * / 8h', '61 9 * * * is no cron expression: Invalid value for minute: 61'],
    ['0 9 * * * / 8 h', 'the length 8 must be a duration of at most 31d'],
    ['0 9 * * * / 32d', 'the length 32d must be a duration of at most 31d'],
    ['0 9 * * * / 8h Mars/Olympus', 'there is no time zone Mars/Olympus'],
    ['0 0 30 2 * / 8h', '0 0 30 2 * never comes'],
  ] as const) {
    it(`refuses ${source}`, () => {
      const result = compileDenyWindow(source);

      assert.equal(result.ok ? '' : result.message, message);
    });
  }

  it('takes steps and names, with and without blanks around the slash', () => {
    for (const source of ['*/15 * * * */2/5m', '0 9 * jan MON-FRI /8h UTC', '0  9 * * * / 8h']) {
      assert.equal(compileDenyWindow(source).ok, true, source);
    }
  });
});
