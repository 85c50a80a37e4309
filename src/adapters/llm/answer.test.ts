import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createJudge } from './answer.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    choice: { enum: ['restart', 'none'] },
    confidence: { type: 'number', minimum: 0, maximum: 1 },
    extra: {},
  },
  required: ['choice', 'confidence'],
  additionalProperties: false,
} as const;
const GOOD = { choice: 'restart', confidence: 0.9 };
const TEXT = JSON.stringify(GOOD);
const judge = await createJudge(SCHEMA);

describe('an answer', () => {
  for (const [name, text] of [
    ['as it should be', TEXT],
    ['in a Markdown fence', `\`\`\`json\n${TEXT}\n\`\`\``],
    ['behind a sentence', `Here is the answer:\n${TEXT}\nI hope this helps.`],
    ['with a comma too many', '{"choice": "restart", "confidence": 0.9,\n}'],
    ['with a number as text', '{"choice": "restart", "confidence": "0.9"}'],
    ['in percent', '{"choice": "restart", "confidence": 90}'],
    ['in percent as text', '{"choice": "restart", "confidence": "90 %"}'],
    ['with a choice in capitals', '{"choice": " Restart ", "confidence": 0.9}'],
    ['with a remark behind a choice', '{"choice": "restart: the first", "confidence": 0.9}'],
    ['behind a thought, which may hold braces', `<think>{"choice": …}</think>\n${TEXT}`],
  ] as const) {
    it(`is read ${name}`, () => {
      assert.deepEqual(judge(text), { ok: true, value: GOOD });
    });
  }

  it('is read with a list as text, and with line breaks in its strings', async () => {
    const judgeRefs = await createJudge({
      type: 'object',
      properties: { refs: { type: 'array', items: { type: 'string' } }, why: { type: 'string' } },
    });

    assert.deepEqual(judgeRefs('{"refs": "e1, e3", "why": "one,\n] two"}'), {
      ok: true,
      value: { refs: ['e1', 'e3'], why: 'one,\n] two' },
    });
  });

  it('is read with braces and quotes in its strings', async () => {
    const judgeAny = await createJudge({ type: 'object' });
    const value = { text: 'a "quoted" } brace \\ and { more' };

    assert.deepEqual(judgeAny(JSON.stringify(value)), { ok: true, value });
  });

  for (const [name, text, problem] of [
    ['empty', '', 'it holds no JSON object'],
    ['prose', 'I would restart it.', 'it holds no JSON object'],
    ['a list', '["restart"]', 'it holds no JSON object'],
    ['cut off', '{"choice": "rest', 'it holds no JSON object'],
    ['broken', "{'choice': 'restart'}", 'its JSON cannot be parsed'],
    ['huge', `{"choice": "${'x'.repeat(70_000)}"}`, 'it is longer than 65536 characters'],
    ['a riddle of quotes', `{${'\\"'.repeat(30_000)}\\`, 'it holds no JSON object'],
    ['deep', `{"extra": ${'['.repeat(40_000)}`, 'it is nested deeper than 16'],
    [
      'without a bound',
      '{"choice": "none", "confidence": 1, "extra": [1e999]}',
      'it holds a number without bound',
    ],
    ['incomplete', '{"choice": "none"}', "it must have required property 'confidence'"],
    [
      'of another kind',
      '{"choice": "delete everything", "confidence": 700}',
      'choice must be equal to one of the allowed values ["restart","none"]; confidence must be <= 1',
    ],
    ['a thought without an end', `<think>perhaps ${TEXT}`, 'it holds no JSON object'],
    [
      'with more than was asked for',
      '{"choice": "none", "confidence": 1, "arguments": {"command": "rm"}}',
      'it must NOT have additional properties',
    ],
    [
      'against a choice that it names',
      '{"choice": "not restart", "confidence": 1}',
      'choice must be equal to one of the allowed values ["restart","none"]',
    ],
  ] as const) {
    it(`is refused when it is ${name}`, () => {
      assert.deepEqual(judge(text), { ok: false, problem });
    });
  }
});
