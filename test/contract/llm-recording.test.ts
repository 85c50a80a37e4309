import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExchanges, recordExchanges, replayExchanges } from '#adapters/llm/recording.ts';
import { createTransport } from '#adapters/llm/transport.ts';
import { ANSWER, aModelRequest, NEVER, startModels } from '../support/models.ts';
import { fails, says, saysText, startStandIn } from '../support/openai-stand-in.ts';

const PASSWORD = 'Zk3Qp9vT7xLm2Wd8';

/** Asks everything that `users` are, and writes the exchanges down. */
async function aRecording(users: readonly string[]) {
  await using server = await startStandIn({ models: ['gpt-oss-120b'] });
  server.say(
    fails(503, 'not now'),
    saysText('{"choice":'),
    says({ ...ANSWER, explanation: `It logs in with password=${PASSWORD}` }),
    says(ANSWER),
  );
  const lines: string[] = [];
  const transport = recordExchanges(createTransport('1.2.3'), (line) => lines.push(line));
  const { client } = startModels({ cerebras: { baseUrl: server.url } }, { transport });
  await client.probe('cerebras/fast', NEVER);
  const results = [];
  for (const user of users) results.push(await client.complete(aModelRequest({ user }), NEVER));
  return { text: lines.join(''), results };
}

const USERS = [`The log says: password=${PASSWORD} was refused.`, 'Another log.'];

describe('exchanges with a model', () => {
  it('are replayed without a network, as they were but for secrets', async () => {
    const { text, results } = await aRecording(USERS);
    const replay = replayExchanges(parseExchanges(text));
    const { client } = startModels({ cerebras: {} }, { transport: replay.transport });

    const probed = await client.probe('cerebras/fast', NEVER);
    const replayed = [];
    for (const user of USERS) replayed.push(await client.complete(aModelRequest({ user }), NEVER));

    const [first, second] = replayed;
    assert.deepEqual(probed, { ready: true });
    assert.partialDeepStrictEqual(first, {
      kind: 'Answer',
      value: { ...ANSWER, explanation: 'It logs in with password=[redacted:password#1]' },
      usage: results[0]?.usage,
    });
    assert.deepEqual(second, results[1]);
    assert.deepEqual(replay.unused(), []);
  });

  it('are written down without secrets', async () => {
    const { text } = await aRecording(USERS);

    assert.equal(text.trimEnd().split('\n').length, 5);
    assert.ok(text.includes('was refused'));
    assert.ok(!text.includes(PASSWORD), text);
  });

  it('are each replayed once, and what was not recorded is unreachable', async () => {
    const { text } = await aRecording(USERS.slice(1));
    const replay = replayExchanges(parseExchanges(text));
    const { client } = startModels({ cerebras: {} }, { transport: replay.transport });
    await client.complete(aModelRequest({ user: 'Another log.' }), NEVER);

    const unknown = await client.complete(aModelRequest({ user: 'A third log.' }), NEVER);

    assert.partialDeepStrictEqual(unknown, { kind: 'Unavailable', reason: 'Unreachable' });
    assert.equal(replay.unused().length, 1);
  });

  it('are refused when the file is damaged, with the line', async () => {
    const { text } = await aRecording(USERS);

    assert.throws(() => parseExchanges(`${text}{"version": 1}\n`), /^Error: line 6 is no recorded/);
    assert.throws(() => parseExchanges('nonsense'), /^Error: line 1 is no recorded/);
  });
});
