import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scoreTemplates } from './score.ts';

describe('the score of a template parser', () => {
  it('is full where groups and texts are those of the labels', () => {
    const score = scoreTemplates(['a <*>', 'a <*>', ' b  c'], ['a <*>', 'a <*>', 'b c']);

    assert.deepEqual(score, {
      groupingAccuracy: 1,
      groupF1: 1,
      templateF1: 1,
      found: 2,
      labelled: 2,
    });
  });

  it('counts a group with another text for grouping, not for templates', () => {
    const score = scoreTemplates(['a 5', 'a 5', 'b'], ['a <*>', 'a <*>', 'b']);

    assert.deepEqual([score.groupingAccuracy, score.groupF1, score.templateF1], [1, 1, 0.5]);
  });

  it('takes a group that was split or joined as wrong, with all its lines', () => {
    const split = scoreTemplates(['a 1', 'a 2', 'b'], ['a <*>', 'a <*>', 'b']);
    const joined = scoreTemplates(['<*>', '<*>', 'c'], ['a', 'b', 'c']);

    assert.deepEqual([split.groupingAccuracy, split.groupF1], [1 / 3, 2 / 5]);
    assert.deepEqual([joined.groupingAccuracy, joined.groupF1], [1 / 3, 2 / 5]);
  });

  it('takes a part of a label’s lines with the right text as a right template', () => {
    const score = scoreTemplates(['a <*>', 'a 2'], ['a <*>', 'a <*>']);

    assert.deepEqual([score.groupF1, score.templateF1], [0, 2 / 3]);
  });
});
