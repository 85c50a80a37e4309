import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ClosedSegment, decideRetention, type RetentionFacts } from './retention.ts';

const NOW_MS = 1_000_000;
const options = {
  ageMaxMs: 100_000,
  bytesMax: 1_000,
  unacknowledgedAgeMaxMs: 200_000,
  unacknowledgedBytesMax: 2_000,
};

function segment(lastSeq: number, { bytes = 100, ageMs = 0 } = {}): ClosedSegment {
  return { name: `${lastSeq}`, bytes, lastSeq, lastHash: '', lastAtMs: NOW_MS - ageMs };
}

const published: Omit<RetentionFacts, 'closed'> = {
  activeBytes: 100,
  acknowledgedSeq: Number.POSITIVE_INFINITY,
  nowMs: NOW_MS,
};

describe('retention', () => {
  for (const [name, expected, facts, more] of [
    ['keeps what is within all bounds', 0, { closed: [segment(10), segment(20)] }, {}],
    ['removes what is too old', 1, { closed: [segment(10, { ageMs: 100_001 }), segment(20)] }, {}],
    [
      'removes from the old end until the rest is small enough',
      2,
      { closed: [segment(10), segment(20, { bytes: 900 }), segment(30, { bytes: 900 })] },
      {},
    ],
    [
      'never leaves a hole: a young segment protects older ones after it',
      0,
      { closed: [segment(10), segment(20, { ageMs: 100_001 })] },
      {},
    ],
    [
      'counts the active segment',
      2,
      { closed: [segment(10), segment(20), segment(30)] },
      { segmentsMax: 2 },
    ],
    [
      'keeps what is not published',
      0,
      { closed: [segment(10, { ageMs: 150_000, bytes: 1_500 })], acknowledgedSeq: 9 },
      {},
    ],
    [
      'gives up on what stays unpublished for too long',
      1,
      { closed: [segment(10, { ageMs: 200_001 })], acknowledgedSeq: 9 },
      {},
    ],
    [
      'gives up on what stays unpublished and is too much',
      1,
      { closed: [segment(10, { bytes: 1_500 }), segment(20, { bytes: 500 })], acknowledgedSeq: 9 },
      {},
    ],
  ] as const) {
    it(name, () => {
      const count = decideRetention({ ...options, ...more }, { ...published, ...facts });

      assert.equal(count, expected);
    });
  }
});
