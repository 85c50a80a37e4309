import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REST_MS_MAX, restAfterAnswer, restAfterRefusal } from './rate-limit.ts';

const WALL_MS = Date.UTC(2026, 10, 24, 12);

describe('the rest that a refusal asks for', () => {
  for (const [name, headers, expected] of [
    ['nothing said', {}, undefined],
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['fractions of a second', { 'retry-after': '0.25' }, 250],
    ['a date', { 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' }, 30_000],
    ['a date that has passed', { 'retry-after': 'Tue, 24 Nov 2026 11:00:30 GMT' }, 0],
    ['milliseconds', { 'retry-after-ms': '1200', 'retry-after': '9' }, 1_200],
    ['words', { 'retry-after': 'soon' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    [
      'Cerebras: the kind that is used up',
      {
        'x-ratelimit-remaining-requests-day': '100',
        'x-ratelimit-reset-requests-day': '33011.38',
        'x-ratelimit-remaining-tokens-minute': '0',
        'x-ratelimit-reset-tokens-minute': '11.382',
      },
      11_382,
    ],
    [
      'OpenAI: durations',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1m30s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '350ms',
      },
      90_000,
    ],
    [
      'OpenRouter: an instant',
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(WALL_MS + 4_000) },
      4_000,
    ],
    ['an instant in seconds', { 'x-ratelimit-reset': String(WALL_MS / 1_000 + 5) }, 5_000],
    [
      'a reset though something seems left',
      { 'x-ratelimit-remaining-tokens': '12', 'x-ratelimit-reset-tokens': '2' },
      2_000,
    ],
    ['years', { 'retry-after': '999999999' }, REST_MS_MAX],
  ] as const) {
    it(`is read from ${name}`, () => {
      assert.equal(restAfterRefusal(headers, WALL_MS), expected);
    });
  }
});

describe('the rest after an answer', () => {
  it('is asked for only where that answer was the last for now', () => {
    const left = { 'x-ratelimit-remaining-tokens': '5', 'x-ratelimit-reset-tokens': '8' };
    const none = { ...left, 'x-ratelimit-remaining-tokens': '0' };

    assert.equal(restAfterAnswer(left, WALL_MS), undefined);
    assert.equal(restAfterAnswer(none, WALL_MS), 8_000);
    assert.equal(restAfterAnswer({ 'x-ratelimit-reset-tokens': '8' }, WALL_MS), undefined);
  });
});
