import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANSWER, aModelRequest, NEVER, startModels } from '../support/models.ts';
import { fails, says, sends, stalls, startStandIn } from '../support/openai-stand-in.ts';

const HOUR_MS = 3_600_000;
const SMALL = { account: 'shop', tokensPerHour: 1_000, usdPerDay: 100 };
/** More than a short request of 500 tokens takes, and less than two of them. */
const used = (prompt: number, completion: number) =>
  says(ANSWER, { usage: { prompt_tokens: prompt, completion_tokens: completion } });

describe('the budget of a policy', () => {
  it('denies a request before it is sent, and lets it through an hour later', async () => {
    await using server = await startStandIn();
    server.sayAlways(used(300, 200));
    const { client, clock, events } = startModels({ cerebras: { baseUrl: server.url } });
    const ask = (user: string) => client.complete(aModelRequest({ user, allowance: SMALL }), NEVER);

    const first = await ask('one');
    const second = await ask('two');
    const sent = server.received.length;
    await clock.advance(HOUR_MS + 60_000);
    const third = await ask('two');

    assert.partialDeepStrictEqual(first, {
      kind: 'Answer',
      usage: { promptTokens: 300, completionTokens: 200 },
    });
    assert.partialDeepStrictEqual(second, { kind: 'Unavailable', reason: 'BudgetExhausted' });
    assert.match(second.kind === 'Unavailable' ? second.message : '', /^shop has used 500 of 1000/);
    assert.equal(sent, 1);
    assert.equal(third.kind, 'Answer');
    assert.equal(events.length, 2);
  });

  it('is not that of another', async () => {
    await using server = await startStandIn();
    server.sayAlways(used(300, 600));
    const { client } = startModels({ cerebras: { baseUrl: server.url } });
    await client.complete(aModelRequest({ allowance: SMALL }), NEVER);

    const allowance = { ...SMALL, account: 'blog' };
    const other = await client.complete(aModelRequest({ user: 'b', allowance }), NEVER);

    assert.equal(other.kind, 'Answer');
  });

  it('is not charged for what was refused, and is for what never came', async () => {
    await using server = await startStandIn();
    const { client, clock } = startModels({ cerebras: { baseUrl: server.url } });
    const allowance = { ...SMALL, tokensPerHour: 800 };
    server.say(fails(429, 'no', { 'retry-after': '1' }), stalls());
    // The refusal leaves enough for a second try, which stalls.
    const stalled = client.complete(aModelRequest({ allowance, timeoutMs: 10_000 }), NEVER);
    await server.hasReceived(2);
    await clock.advance(10_000);
    await stalled;

    const next = await client.complete(aModelRequest({ allowance, user: 'Other.' }), NEVER);

    assert.partialDeepStrictEqual(next, { kind: 'Unavailable', reason: 'BudgetExhausted' });
    assert.equal(server.received.length, 2);
  });

  it('is charged for what makes no sense: it may have been an answer', async () => {
    await using server = await startStandIn();
    server.sayAlways(sends('<html>'));
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const { usage } = await client.complete(aModelRequest(), NEVER);

    assert.equal(usage.completionTokens, 3 * 500);
  });

  it('holds requests apart that are sent at once', async () => {
    await using server = await startStandIn();
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const results = await Promise.all(
      ['one', 'two', 'three'].map((user) =>
        client.complete(aModelRequest({ user, allowance: SMALL }), NEVER),
      ),
    );

    assert.equal(results.filter(({ kind }) => kind === 'Answer').length, 1);
    assert.equal(server.received.length, 1);
  });

  it('is spent by the configured price', async () => {
    await using server = await startStandIn();
    server.sayAlways(used(200_000, 100_000));
    const { client } = startModels({ cerebras: { baseUrl: server.url } });
    const allowance = { account: 'shop', tokensPerHour: 1_000_000, usdPerDay: 0.145 };

    const first = await client.complete(aModelRequest({ allowance }), NEVER);
    const second = await client.complete(aModelRequest({ allowance, user: 'b' }), NEVER);

    // 0.2 M in at $0.35, 0.1 M out at $0.75.
    assert.equal(first.usage.costUsd?.toFixed(6), '0.145000');
    assert.partialDeepStrictEqual(second, { kind: 'Unavailable', reason: 'BudgetExhausted' });
  });

  it('is spent by what OpenRouter says it cost', async () => {
    await using server = await startStandIn();
    const usage = { prompt_tokens: 100, completion_tokens: 10, cost: 0.5 };
    server.sayAlways(says(ANSWER, { usage }));
    const { client } = startModels({ openrouter: { baseUrl: server.url } });
    const routes = ['openrouter/deep'];
    const allowance = { account: 'shop', tokensPerHour: 1_000_000, usdPerDay: 0.5 };

    const first = await client.complete(aModelRequest({ routes, allowance }), NEVER);
    const second = await client.complete(aModelRequest({ routes, allowance, user: 'b' }), NEVER);

    assert.equal(first.usage.costUsd, 0.5);
    assert.partialDeepStrictEqual(second, { kind: 'Unavailable', reason: 'BudgetExhausted' });
  });

  it('is spent by a high price where none is known, and none is told', async () => {
    await using server = await startStandIn();
    server.sayAlways(used(100_000, 10_000));
    const { client } = startModels({ openai: { baseUrl: server.url } });
    const routes = ['openai/unheard-of'];
    const allowance = { account: 'shop', tokensPerHour: 1_000_000, usdPerDay: 0.45 };

    const first = await client.complete(aModelRequest({ routes, allowance }), NEVER);
    const second = await client.complete(aModelRequest({ routes, allowance, user: 'b' }), NEVER);

    assert.equal(first.kind, 'Answer');
    assert.equal(first.usage.costUsd, undefined);
    assert.partialDeepStrictEqual(second, { kind: 'Unavailable', reason: 'BudgetExhausted' });
  });

  it('of money leaves a model of one’s own to be asked', async () => {
    await using server = await startStandIn();
    const { client } = startModels({ local: { baseUrl: server.url } });
    const allowance = { account: 'shop', tokensPerHour: 1_000_000, usdPerDay: 0 };
    const routes = ['cerebras/fast', 'local/small'];

    const result = await client.complete(aModelRequest({ routes, allowance }), NEVER);

    assert.partialDeepStrictEqual(result, { kind: 'Answer', route: 'local/small' });
  });
});

describe('the cache', () => {
  it('gives the answer to the same question without asking, for ten minutes', async () => {
    await using server = await startStandIn();
    server.sayAlways(says(ANSWER));
    const { client, clock } = startModels({ cerebras: { baseUrl: server.url } });

    const first = await client.complete(aModelRequest(), NEVER);
    await clock.advance(599_999);
    const second = await client.complete(aModelRequest(), NEVER);
    const sent = server.received.length;
    await clock.advance(1);
    const third = await client.complete(aModelRequest(), NEVER);

    assert.deepEqual(second, {
      ...first,
      isCached: true,
      usage: { promptTokens: 0, completionTokens: 0, costUsd: 0 },
    });
    assert.equal(sent, 1);
    assert.partialDeepStrictEqual(third, { isCached: false });
  });

  for (const [name, change] of [
    ['text', { user: 'Something else.' }],
    ['instructions', { system: 'Something else.' }],
    ['schema', { schema: { type: 'object' } }],
    ['routes', { routes: ['cerebras/small'] }],
  ] as const) {
    it(`has no answer to a question with other ${name}`, async () => {
      await using server = await startStandIn();
      const { client } = startModels({ cerebras: { baseUrl: server.url } });
      await client.complete(aModelRequest(), NEVER);

      await client.complete(aModelRequest(change), NEVER);

      assert.equal(server.received.length, 2);
    });
  }

  it('keeps no failure', async () => {
    await using server = await startStandIn();
    server.say(fails(500));
    const { client } = startModels({ cerebras: { baseUrl: server.url } });
    const failed = await client.complete(aModelRequest({ timeoutMs: 100 }), NEVER);

    const result = await client.complete(aModelRequest(), NEVER);

    assert.deepEqual([failed.kind, result.kind], ['Unavailable', 'Answer']);
  });
});
