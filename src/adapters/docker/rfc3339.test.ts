import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatSince, parseInstant, parseNanos } from './rfc3339.ts';

for (const [text, expected] of [
  ['2026-11-24T05:51:19.675165858Z', 1_795_499_479_675],
  ['2026-11-24T07:51:19.5+02:00', 1_795_499_479_500],
  ['0001-01-01T00:00:00Z', undefined],
  ['', undefined],
  [null, undefined],
] as const) {
  it(`reads ${JSON.stringify(text)} as an instant`, () => {
    assert.equal(parseInstant(text), expected);
  });
}

it('keeps every nanosecond on the way to the API’s `since`', () => {
  const nanos = parseNanos('2026-11-24T05:51:19.075165858Z');

  assert.equal(nanos, 1_795_499_479_075_165_858n);
  assert.equal(formatSince(nanos), '1795499479.075165858');
  assert.equal(formatSince(1_000_000_007n), '1.000000007');
});

it('reads shorter fractions, and nothing that is no timestamp', () => {
  const full = parseNanos('2026-11-24T05:51:19.500000000Z');

  assert.equal(parseNanos('2026-11-24T07:51:19.5+02:00'), full);
  assert.equal(parseNanos('2026-11-24 05:51:19Z'), undefined);
  assert.equal(parseNanos('2026-99-99T99:99:99Z'), undefined);
});
