import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import { createFrameParser } from './frames.ts';

function frame(stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const STREAM_NAMES = ['stdout', 'stdout', 'stderr', 'engine'];

it('finds the same frames however the bytes arrive', () => {
  const frames = fc.array(fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 40 })));
  const same = fc.property(frames, fc.array(fc.nat(15)), (expected, cuts) => {
    const parser = createFrameParser(1_000);
    const bytes = Buffer.concat(expected.map(([stream, payload]) => frame(stream, payload)));

    const found = [];
    let from = 0;
    for (const length of [...cuts, bytes.length]) {
      found.push(...parser.push(bytes.subarray(from, from + length)));
      from += length;
    }

    assert.deepEqual(
      found,
      expected.map(([stream, payload]) => ({
        stream: STREAM_NAMES[stream],
        payload: Buffer.from(payload),
        cut: false,
      })),
    );
    assert.ok(parser.complete());
  });

  fc.assert(same, runs());
});

it('keeps no more of a payload than it may, and finds the next frame', () => {
  const parser = createFrameParser(3);

  const bytes = [frame(1, Buffer.from('abcdefgh')), frame(2, Buffer.from('xyz'))];
  const frames = parser.push(Buffer.concat(bytes));

  assert.deepEqual(frames, [
    { stream: 'stdout', payload: Buffer.from('abc'), cut: true },
    { stream: 'stderr', payload: Buffer.from('xyz'), cut: false },
  ]);
});

it('takes thousands of tiny frames in one chunk', () => {
  const parser = createFrameParser(10);
  const chunk = Buffer.concat(Array.from({ length: 50_000 }, () => frame(1, Buffer.from('x'))));

  assert.equal(parser.push(chunk).length, 50_000);
});

for (const [name, bytes] of [
  ['an unknown stream', [4, 0, 0, 0, 0, 0, 0, 1]],
  ['plain text', [...Buffer.from('hello, world')]],
] as const) {
  it(`refuses ${name} for a header`, () => {
    assert.throws(() => createFrameParser(10).push(Buffer.from(bytes)), /multiplexed/);
  });
}
