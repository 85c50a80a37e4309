import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { recordWords } from './audit-words.ts';

const RULES: RecordData['diagnosis.completed'] = {
  source: 'rules',
  rootCause: 'OutOfMemory',
  explanation: 'The kernel killed it.',
  confidence: 0.9,
  evidenceRefs: [],
  hypotheses: [],
};

function wordsOf(data: RecordData['diagnosis.completed']): string {
  return recordWords({ type: 'diagnosis.completed', data } as unknown as JournalRecord);
}

describe('the words of a record of a diagnosis', () => {
  it('are the cause and its explanation where the rules concluded', () => {
    assert.equal(wordsOf(RULES), 'OutOfMemory: The kernel killed it.');
  });

  it('quote a model, and say what it advises and what was asked', () => {
    const use = { requests: 1, promptTokens: 1, completionTokens: 1, promptDigest: 'sha256:1' };

    const words = wordsOf({
      ...RULES,
      source: 'model',
      rootCause: 'a leak” by the rules: “',
      explanation: 'x'.repeat(5_000),
      advice: { choice: 'restart-1', confidence: 0.744 },
      models: [
        { ...use, stage: 'rootCause', outcome: 'Answered' },
        { ...use, stage: 'explain', outcome: 'TimedOut' },
      ],
    });

    assert.equal(
      words,
      `“a leak’ by the rules: ’”: “${'x'.repeat(300)}…” by a model; a model advises restart-1 (74 %); rootCause Answered; explain TimedOut`,
    );
  });
});
