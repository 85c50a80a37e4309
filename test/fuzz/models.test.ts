import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
// Loaded here, so that no property on a clock of its own waits for the disk.
import 'ajv/dist/2020.js';
import fc from 'fast-check';
import { createJudge } from '#adapters/llm/answer.ts';
import { recordExchanges } from '#adapters/llm/recording.ts';
import type { WireAnswer } from '#adapters/llm/transport.ts';
import { assertUnpolluted, awkwardValue, nearJson, runs } from '../support/fuzz.ts';
import { ANSWER, API_KEY, aModelRequest, NEVER, SCHEMA, startModels } from '../support/models.ts';

const COMPLETION = {
  id: 'chatcmpl-1',
  model: 'gpt-oss-120b',
  provider: 'Cerebras',
  choices: [
    {
      index: 0,
      finish_reason: 'stop',
      message: { role: 'assistant', content: '{}', refusal: null },
    },
  ],
  usage: { prompt_tokens: 100, completion_tokens: 20, cost: 0.01 },
};
const ERROR = {
  error: { message: 'no', code: 'bad', type: 'x', param: 'temperature', metadata: { reasons: [] } },
};
const MODELS = { object: 'list', data: [{ id: 'gpt-oss-120b' }] };

const answerText = fc.oneof(
  nearJson(ANSWER).map((value) => JSON.stringify(value)),
  fc.constant(JSON.stringify(ANSWER)),
  fc.string({ maxLength: 200 }),
  fc.constant('{"a":'.repeat(20_000)),
  fc.constant(`{"explanation":"${'\\"'.repeat(20_000)}`),
);
const completionText = answerText.map((content) =>
  JSON.stringify({ ...COMPLETION, choices: [{ finish_reason: 'stop', message: { content } }] }),
);
const bodyText = fc.oneof(
  nearJson(COMPLETION).map((value) => JSON.stringify(value)),
  completionText,
  nearJson(ERROR).map((value) => JSON.stringify(value)),
  nearJson(MODELS).map((value) => JSON.stringify(value)),
  awkwardValue.map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 200 }),
  fc.constant(`{"x":${'['.repeat(300_000)}${']'.repeat(300_000)}}`),
  fc.constant(`${API_KEY} {"error":"${API_KEY}"}`),
);
const headerValue = fc.oneof(
  fc.constantFrom('0', '5', '-1', '1e9', '99999999999999', 'NaN', '6m0s', '', ' ', API_KEY),
  fc.string({ maxLength: 30 }),
);
const headers = fc.dictionary(
  fc.constantFrom(
    'retry-after',
    'retry-after-ms',
    'x-ratelimit-reset',
    'x-ratelimit-remaining',
    'x-ratelimit-reset-tokens-minute',
    'x-ratelimit-remaining-tokens-minute',
  ),
  headerValue,
);
const wireAnswer: fc.Arbitrary<WireAnswer> = fc.oneof(
  // Without these, what comes behind a refusal would seldom be reached.
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('Answered' as const),
      status: fc.constant(200),
      headers: fc.constant({}),
      text: completionText,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('Answered' as const),
      status: fc.oneof(
        fc.constantFrom(200, 200, 200, 201, 301, 400, 401, 403, 404, 413, 429, 500, 503),
        fc.integer({ min: 100, max: 999 }),
      ),
      headers,
      text: bodyText,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('Failed' as const),
      reason: fc.constantFrom('Unreachable', 'Broken', 'TooLarge', 'Aborted'),
      message: fc.constant('cannot be reached: ECONNRESET'),
    }),
  },
);

describe('whatever a provider answers', () => {
  it('a result comes in time, without the key, and an answer fits the schema', async () => {
    const judge = await createJudge(SCHEMA);

    await fc.assert(
      fc.asyncProperty(fc.array(wireAnswer, { minLength: 1, maxLength: 12 }), async (answers) => {
        const left = [...answers];
        const lines: string[] = [];
        const transport = recordExchanges(
          async () => left.shift() ?? { kind: 'Failed', reason: 'Broken', message: 'the end' },
          (line) => lines.push(line),
        );
        const { client, clock, events } = startModels(
          { cerebras: {}, openrouter: {} },
          { transport },
        );
        const routes = ['cerebras/fast', 'openrouter/deep'];

        const result = await client.complete(aModelRequest({ routes }), NEVER);
        const readiness = await client.probe('openrouter/deep', NEVER);

        const told = JSON.stringify([result, readiness, events, lines]);
        assert.ok(!told.includes(API_KEY), told);
        assert.ok(clock.passedMs() <= 20_000);
        assert.ok(events.length <= 16, String(events.length));
        if (result.kind === 'Answer') assert.ok(judge(JSON.stringify(result.value)).ok);
        const { promptTokens, completionTokens, costUsd = 0 } = result.usage;
        for (const used of [promptTokens, completionTokens, costUsd]) {
          assert.ok(Number.isFinite(used) && used >= 0, String(used));
        }
        assertUnpolluted();
      }),
      runs(100),
    );
  });
});
