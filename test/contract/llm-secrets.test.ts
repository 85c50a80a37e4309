import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordExchanges } from '#adapters/llm/recording.ts';
import { createTransport } from '#adapters/llm/transport.ts';
import { loadConfig } from '#config.ts';
import { ANSWER, API_KEY, aModelRequest, NEVER, startModels } from '../support/models.ts';
import {
  fails,
  type StandInReply,
  says,
  saysText,
  sends,
  startStandIn,
} from '../support/openai-stand-in.ts';

const ENCODED = Buffer.from(API_KEY).toString('base64').replace(/=+$/, '');

/** Replies of a server that gives away what it was sent, in every place it can. */
const TELLTALES: readonly (readonly [string, StandInReply])[] = [
  ['the answer', says({ ...ANSWER, explanation: `The key is ${API_KEY}.` })],
  ['an encoded answer', says({ ...ANSWER, explanation: `The key is ${ENCODED}.` })],
  [
    'an answer with escapes',
    saysText(JSON.stringify({ ...ANSWER, explanation: API_KEY }).replaceAll('-', '\\u002d')),
  ],
  ['an answer that cannot be used', saysText(`My key is ${API_KEY}`)],
  ['the name of the model', says(ANSWER, { model: API_KEY, provider: API_KEY })],
  ['a refusal', saysText(null, { refusal: `Not with ${API_KEY}.` })],
  ['an error', fails(500, { message: `failed for ${API_KEY}`, code: API_KEY })],
  ['an error in a 200', sends(`{"error": {"message": "failed for ${API_KEY}", "code": 402}}`)],
  ['a page for people', sends(`<html>${API_KEY}</html>`, { status: 502, type: 'text/html' })],
  ['a header', says(ANSWER, { headers: { 'x-ratelimit-note': API_KEY, 'x-key': API_KEY } })],
];

describe('the key of a provider', () => {
  it('is sent in the header Authorization and nowhere else', async () => {
    await using server = await startStandIn({ models: ['gpt-oss-120b'] });
    server.say(saysText('not JSON'));
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    await client.probe('cerebras/fast', NEVER);
    await client.complete(aModelRequest(), NEVER);

    const all = [...server.received, ...server.probes];
    assert.equal(all.length, 3);
    for (const { text, path, headers } of all) {
      const { authorization, ...others } = headers;
      assert.equal(authorization, `Bearer ${API_KEY}`);
      assert.ok(!JSON.stringify([text, path, others]).includes(API_KEY));
    }
  });

  for (const [where, reply] of TELLTALES) {
    it(`is in no result, event or record when the server puts it into ${where}`, async () => {
      await using server = await startStandIn();
      server.sayAlways(reply);
      const lines: string[] = [];
      const transport = recordExchanges(createTransport('1.2.3'), (line) => lines.push(line));
      const { client, events } = startModels({ cerebras: { baseUrl: server.url } }, { transport });

      const result = await client.complete(aModelRequest(), NEVER);

      const told = JSON.stringify([result, events, lines, client.readiness('cerebras/fast')]);
      assert.ok(lines.length > 0);
      assert.ok(!told.includes(API_KEY), told);
      assert.ok(!told.includes(ENCODED), told);
    });
  }

  it('is not in what a provider’s refusal of it is told as', async () => {
    await using server = await startStandIn({ apiKey: 'another' });
    const { client } = startModels({ cerebras: { baseUrl: server.url } });

    const result = await client.complete(aModelRequest(), NEVER);
    const readiness = await client.probe('cerebras/fast', NEVER);

    const message = /Incorrect API key provided: Bearer \[redacted:api-key\]$/;
    assert.match(result.kind === 'Unavailable' ? result.message : '', message);
    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'Refused' });
    assert.match(readiness.ready ? '' : readiness.message, message);
  });

  it('does not change an answer when it is a word of every day, as local servers take', async () => {
    await using server = await startStandIn();
    server.say(says({ ...ANSWER, choice: 'none' }));
    const { client } = startModels(
      { local: { baseUrl: server.url, apiKey: 'LOCAL_KEY' } },
      { secret: (name) => (name === 'LOCAL_KEY' ? 'none' : undefined) },
    );

    const result = await client.complete(aModelRequest({ routes: ['local/any'] }), NEVER);

    assert.partialDeepStrictEqual(result, { kind: 'Answer', value: { choice: 'none' } });
    assert.equal(server.received[0]?.headers.authorization, 'Bearer none');
  });

  it('comes from a file, where one is named', async () => {
    await using server = await startStandIn();
    const { secret } = loadConfig(
      { CEREBRAS_API_KEY_FILE: '/run/secrets/cerebras' },
      {},
      () => 'the-key-of-the-file\n',
    );
    const { client } = startModels({ cerebras: { baseUrl: server.url } }, { secret });

    await client.complete(aModelRequest(), NEVER);

    assert.equal(server.received[0]?.headers.authorization, 'Bearer the-key-of-the-file');
  });

  it('is refused, and not shown, when it cannot stand in a header', () => {
    const secret = (name: string) => (name === 'OPENAI_API_KEY' ? 'half a\nsecret' : undefined);

    const { client } = startModels({}, { secret });

    const readiness = client.readiness('openai/any');
    assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'ProviderInvalid' });
    assert.match(JSON.stringify(readiness), /OPENAI_API_KEY/);
    assert.doesNotMatch(JSON.stringify(readiness), /secret/);
  });

  for (const url of [
    'https://me:hunter2@models.example/v1',
    'https://models.example/v1?key=hunter2',
  ]) {
    it(`is not taken from an address (${new URL(url).search === '' ? 'user' : 'query'})`, async () => {
      const { client } = startModels({ own: { baseUrl: url } });

      const readiness = client.readiness('own/any');
      const result = await client.complete(aModelRequest({ routes: ['own/any'] }), NEVER);

      assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'ProviderInvalid' });
      assert.partialDeepStrictEqual(result, { kind: 'Unavailable', reason: 'NoRoute' });
      assert.doesNotMatch(JSON.stringify([readiness, result]), /hunter2/);
    });
  }

  it('goes to no other provider', async () => {
    await using server = await startStandIn();
    const secret = (name: string) => (name === 'OPENAI_API_KEY' ? API_KEY : undefined);
    const { client } = startModels(
      { cerebras: { baseUrl: server.url }, own: { baseUrl: server.url } },
      { secret },
    );

    const without = await client.complete(aModelRequest(), NEVER);
    await client.complete(aModelRequest({ routes: ['own/any'] }), NEVER);

    assert.partialDeepStrictEqual(without, {
      kind: 'Unavailable',
      reason: 'NoRoute',
      message: 'provider cerebras needs a key: CEREBRAS_API_KEY is not set',
    });
    assert.equal(server.received.length, 1);
    assert.equal(server.received[0]?.headers.authorization, undefined);
  });
});
