import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
// Loaded here, so that no test on a clock of its own waits for the disk.
import 'ajv/dist/2020.js';
import { createMemoryModelClient } from '#adapters/memory/memory-model-client.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { JsonValue } from '#lib/json.ts';
import type { ModelClient } from '#ports/model-client.ts';
import { ANSWER, aModelRequest, NEVER, startModels } from '../support/models.ts';
import { fails, isSilent, says, startStandIn } from '../support/openai-stand-in.ts';

interface Subject extends AsyncDisposable {
  readonly client: ModelClient;
  readonly clock: VirtualClock;
  willSay(value: JsonValue): void;
  willFail(): void;
  willHang(): void;
  /** Resolves when the request is where it will hang. */
  isAsked(): Promise<void>;
}

async function openAi(): Promise<Subject> {
  const server = await startStandIn();
  const { client, clock } = startModels({ cerebras: { baseUrl: server.url } });
  return {
    client,
    clock,
    willSay: (value) => server.say(says(value)),
    willFail: () => server.say(fails(402)),
    willHang: () => server.say(isSilent()),
    isAsked: () => server.hasReceived(1),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function memory(): Promise<Subject> {
  const clock = new VirtualClock();
  const client = createMemoryModelClient(clock);
  return {
    client,
    clock,
    willSay: (value) => client.say({ value }),
    willFail: () => client.say({ unavailable: 'Refused' }),
    willHang: () => client.say('hang'),
    isAsked: async () => undefined,
    async [Symbol.asyncDispose]() {},
  };
}

for (const [name, open] of [
  ['OpenAI-compatible', openAi],
  ['memory', memory],
] as const) {
  describe(`the ${name} model client`, () => {
    it('hands on what the model says, and which route it came by', async () => {
      await using subject = await open();
      subject.willSay(ANSWER);

      const result = await subject.client.complete(aModelRequest(), NEVER);

      assert.partialDeepStrictEqual(result, {
        kind: 'Answer',
        value: ANSWER,
        route: 'cerebras/fast',
        isCached: false,
      });
      assert.match(result.promptDigest, /^sha256:/);
    });

    it('returns a failure with its reason', async () => {
      await using subject = await open();
      subject.willFail();

      const result = await subject.client.complete(aModelRequest(), NEVER);

      assert.partialDeepStrictEqual(result, { kind: 'Unavailable', reason: 'Refused' });
    });

    it('keeps to the time it is given', async () => {
      await using subject = await open();
      subject.willHang();
      const asked = subject.client.complete(aModelRequest({ timeoutMs: 3_000 }), NEVER);
      await subject.isAsked();

      await subject.clock.advance(3_000);

      assert.partialDeepStrictEqual(await asked, { kind: 'Unavailable', reason: 'TimedOut' });
    });

    it('stops when it is told to', async () => {
      await using subject = await open();
      subject.willHang();
      const stop = new AbortController();
      const asked = subject.client.complete(aModelRequest(), stop.signal);
      await subject.isAsked();

      stop.abort();

      assert.partialDeepStrictEqual(await asked, { kind: 'Unavailable', reason: 'Cancelled' });
    });

    it('does not claim to know a route that was never asked', async () => {
      await using subject = await open();

      const readiness = subject.client.readiness('cerebras/fast');

      assert.partialDeepStrictEqual(readiness, { ready: false, reason: 'NotProbed' });
    });
  });
}
