import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TemplateShare } from './template-share.ts';

describe('the share of log templates', () => {
  it('is bounded for one workload, and less where there are many', () => {
    const share = new TemplateShare();
    const alone = share.patternsMax;

    const leave = Array.from({ length: 256 }, () => share.join());
    const crowded = [share.patternsMax, share.tokensMax];
    for (const one of leave) one();

    assert.deepEqual([alone, crowded, share.patternsMax], [2_048, [128, 1_024], 2_048]);
  });
});
