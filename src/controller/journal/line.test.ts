import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GENESIS_HASH, hashRecord } from '#core/journal/record.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { decodeLine, encodeRecord } from './line.ts';

const body = {
  seq: 1,
  time: '2026-01-01T00:00:00.000Z',
  boot: { id: 'b', ms: 5 },
  type: 'incident.updated' as const,
  actor: 'sentinel',
  incident: 'inc-1',
  workload: 'h/p/s/1',
  policy: null,
  data: { text: 'out of memory: é 漢 🚑', list: [1, 2.5, null] },
  prev: GENESIS_HASH,
};

const SURROGATES = 0x800;

describe('a journal line', () => {
  it('reads back as the record it was made from', () => {
    const { record, bytes } = encodeRecord(body);

    const decoded = decodeLine(bytes.subarray(0, -1));

    assert.deepEqual(decoded, { kind: 'record', record });
    assert.deepEqual(record, { ...body, hash: record.hash });
  });

  it('carries the hash that anybody can compute from the record', () => {
    const { record } = encodeRecord(body);

    const { hash, ...rest } = record;

    assert.equal(hash, hashRecord(rest));
  });

  it('is found out whichever of its bytes changes, and however', () => {
    const { bytes } = encodeRecord(body);
    const line = bytes.subarray(0, -1);
    const anyChange = fc.property(
      fc.nat({ max: line.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (index, bits) => {
        const changed = Buffer.from(line);
        changed.writeUInt8(changed.readUInt8(index) ^ bits, index);

        return decodeLine(changed).kind === 'damaged';
      },
    );

    fc.assert(anyChange, runs(1_500));
    for (let index = 0; index < line.length; index += 1) {
      const changed = Buffer.from(line);
      changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
      assert.equal(decodeLine(changed).kind, 'damaged', `byte ${index}`);
    }
  });

  it('writes half a surrogate pair as the replacement character and keeps whole pairs', () => {
    const data = { cut: 'x\ud83d', '\udc00key': 'a\\ud800', whole: '🚑', slashes: '\\\\\ud800' };

    const { record, bytes } = encodeRecord({ ...body, data });

    assert.deepEqual(record.data, {
      cut: 'x\ufffd',
      '\ufffdkey': 'a\\ud800',
      whole: '🚑',
      slashes: '\\\\\ufffd',
    });
    assert.equal(decodeLine(bytes.subarray(0, -1)).kind, 'record');
  });

  it('refuses what JSON cannot hold', () => {
    const data = { ratio: Number.NaN };

    assert.throws(() => encodeRecord({ ...body, data }), /NaN/);
  });

  it('takes any JSON', () => {
    // As the unit `binary`, which takes half a second to be made.
    const unit = fc
      .integer({ min: 0, max: 0x10_ffff - SURROGATES })
      .map((code) => String.fromCodePoint(code < 0xd800 ? code : code + SURROGATES));
    const anyData = fc.property(fc.dictionary(fc.string({ unit }), fc.jsonValue()), (data) => {
      const { record, bytes } = encodeRecord({ ...body, data });
      const decoded = decodeLine(bytes.subarray(0, -1));

      assert.deepEqual(decoded, { kind: 'record', record });
      const { hash, ...rest } = record;
      assert.equal(hash, hashRecord(rest));
    });

    fc.assert(anyData, runs(500));
  });
});
