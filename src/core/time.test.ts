import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advance, firstControllerTime } from './time.ts';

const BEFORE = firstControllerTime({ wallMs: 1_000_000, boot: { id: 'a', ms: 5_000 } });

describe('controller time', () => {
  it('begins at the wall clock', () => {
    assert.equal(BEFORE.atMs, 1_000_000);
  });

  for (const [name, wallMs, boot, passedMs] of [
    ['grows by the boot clock, whatever the wall clock does', 0, { id: 'a', ms: 5_700 }, 700],
    ['grows by the wall clock from one boot to the next', 1_060_000, { id: 'b', ms: 9 }, 60_000],
    ['stands when the wall clock was set back between two boots', 0, { id: 'b', ms: 9_000 }, 0],
    ['stands when the boot clock goes back', 1_060_000, { id: 'a', ms: 4_000 }, 0],
  ] as const) {
    it(name, () => {
      const after = advance(BEFORE, { wallMs, boot });

      assert.deepEqual(after, { wallMs, boot, atMs: BEFORE.atMs + passedMs });
    });
  }
});
