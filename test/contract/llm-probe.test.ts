import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { API_KEY, NEVER, startModels } from '../support/models.ts';
import { fails, isSilent, startStandIn } from '../support/openai-stand-in.ts';

describe('the probe of a route', () => {
  it('finds it ready when the provider lists its model', async () => {
    await using server = await startStandIn({ models: ['other', 'gpt-oss-120b'] });
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const before = client.readiness('cerebras/fast');
    const readiness = await client.probe('cerebras/fast', NEVER);

    assert.partialDeepStrictEqual(before, { ready: false, reason: 'NotProbed' });
    assert.deepEqual(readiness, { ready: true });
    assert.deepEqual(client.readiness('cerebras/fast'), { ready: true });
    assert.equal(server.received.length, 0);
  });

  it('finds that a model has gone', async () => {
    await using server = await startStandIn({ models: ['qwen-3.8-27b'] });
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const readiness = await client.probe('cerebras/fast', NEVER);

    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'ModelUnknown' });
    assert.match(readiness.ready ? '' : readiness.message, /has no model gpt-oss-120b/);
    assert.deepEqual(client.readiness('cerebras/fast'), readiness);
  });

  it('asks OpenRouter about the key, since anyone may read its list', async () => {
    await using server = await startStandIn({ models: ['meta-llama/llama-4-scout'] });
    const { client } = startModels({ openrouter: { baseUrl: server.url } });

    const readiness = await client.probe('openrouter/deep', NEVER);

    assert.deepEqual(readiness, { ready: true });
    assert.deepEqual(
      server.probes.map(({ path }) => path),
      ['/v1/key', '/v1/models'],
    );
    assert.ok(server.probes.every(({ headers }) => headers.authorization === `Bearer ${API_KEY}`));
  });

  it('asks for a single token where there is no list', async () => {
    await using server = await startStandIn();
    const { client } = startModels({ local: { baseUrl: server.url } });

    const readiness = await client.probe('local/llama3.2:3b', NEVER);

    const [request] = server.received;
    assert.deepEqual(readiness, { ready: true });
    assert.equal(request?.body.model, 'llama3.2:3b');
    assert.equal(request.body['max_tokens'], 1);
  });

  it('says what a server without a list says of the model', async () => {
    await using server = await startStandIn();
    server.say(fails(404, { message: 'model "llama9" not found, try pulling it first' }));
    const { client } = startModels({ local: { baseUrl: server.url } });

    const readiness = await client.probe('local/llama9', NEVER);

    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'Refused' });
    assert.match(readiness.ready ? '' : readiness.message, /try pulling it first$/);
  });

  it('finds that nobody listens', async () => {
    const server = await startStandIn();
    await server[Symbol.asyncDispose]();
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const readiness = await client.probe('cerebras/fast', NEVER);

    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'Unreachable' });
  });

  it('gives up after ten seconds', async () => {
    await using server = await startStandIn();
    server.say(isSilent());
    const { client, clock } = startModels({ local: { baseUrl: server.url } });
    const probed = client.probe('local/any', NEVER);
    await server.hasReceived(1);

    await clock.advance(10_000);

    assert.partialDeepStrictEqual(await probed, { ready: false, reason: 'Unreachable' });
  });

  it('finds nothing out when it is cancelled', async () => {
    await using server = await startStandIn();
    server.say(isSilent());
    const { client } = startModels({ local: { baseUrl: server.url } });
    const stop = new AbortController();
    const probed = client.probe('local/any', stop.signal);
    await server.hasReceived(1);

    stop.abort();

    assert.equal((await probed).ready, false);
    assert.partialDeepStrictEqual(client.readiness('local/any'), { reason: 'NotProbed' });
  });

  for (const [route, reason, message] of [
    ['nobody/any', 'ProviderUnknown', /names no provider for nobody\/any/],
    ['fast', 'ProviderUnknown', /names no provider for fast/],
    ['local/any', 'AddressMissing', /provider local has no address: set its baseUrl$/],
    ['llama/any', 'AddressMissing', /set its baseUrl or LLAMA_API_BASE$/],
    ['cerebras/fast', 'KeyMissing', /CEREBRAS_API_KEY is not set$/],
  ] as const) {
    it(`knows without asking that ${route} is not configured`, async () => {
      const { client } = startModels({}, { secret: () => undefined });

      const readiness = await client.probe(route, NEVER);

      assert.partialDeepStrictEqual(readiness, { ready: false, reason });
      assert.match(readiness.ready ? '' : readiness.message, message);
      assert.deepEqual(client.readiness(route), readiness);
    });
  }
});
