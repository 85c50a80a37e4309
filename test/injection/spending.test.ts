import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { JsonObject } from '#lib/json.ts';
import { passAtModelPace, watched } from '../support/at-model-pace.ts';
import { HostileEngine } from '../support/hostile-engine.ts';
import { startModels } from '../support/models.ts';
import {
  type ReceivedChat,
  type StandInReply,
  says,
  saysText,
  startStandIn,
} from '../support/openai-stand-in.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const CONTAINERS = 12;
/** No tokenizer puts more characters into a token: what is told of less is not believed. */
const CHARS_PER_TOKEN_MAX = 20;

const policyWith = (budget: object, route = 'local/deep') =>
  aPolicy({
    thresholds: [
      { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
    ],
    remediation: {
      mode: 'Auto',
      allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      storm: { above: 50 },
    },
    modelRouting: { rootCause: [route], explain: [route], choose: 'Model', budget },
    diagnosis: { investigate: { tools: ['docker/get_logs', 'docker/health_check'], maxSteps: 16 } },
  });

/** Wants to look again and again, and never comes to an end by itself. */
function looksForEver(usage?: JsonObject): StandInReply {
  return (request, response) => {
    const schema = JSON.stringify(request.body.response_format);
    const look = /look-c\d+-\d+/.exec(schema)?.[0];
    const saying = usage === undefined ? {} : { usage };
    return (look === undefined ? saysText('hm', saying) : says({ look }, saying))(
      request,
      response,
    );
  };
}

/** Many sick containers, each of which would be asked about, for the better part of an hour. */
async function received(
  reply: StandInReply,
  budget: object,
  provider: { readonly name: string; readonly settings?: object } = { name: 'local' },
): Promise<readonly ReceivedChat[]> {
  await using server = await startStandIn();
  server.sayAlways(reply);
  const { name, settings = {} } = provider;
  const { client } = startModels({ [name]: { baseUrl: server.url, ...settings } });
  const models = watched(client);
  const clock = new VirtualClock();
  const engine = new HostileEngine(clock);
  const policy = policyWith(budget, `${name}/deep`);
  const operator = await MemoryOperator.open([policy], {
    clock,
    engine,
    models: () => models.client,
  });
  for (let index = 0; index < CONTAINERS; index += 1) {
    await engine.add({ name: `c${index}`, health: CHECK });
  }
  await operator.pass(60_000);
  for (let index = 0; index < CONTAINERS; index += 1) {
    for (let line = 0; line < 50; line += 1)
      engine.writeLog(`c${index}`, `ERROR ${line} ${'y'.repeat(line)}`);
    engine.setHealth(`c${index}`, 'unhealthy');
    await passAtModelPace(operator, models, 20_000);
  }
  await operator.stop();
  return server.received;
}

const charsOf = (requests: readonly ReceivedChat[]) =>
  requests.reduce((sum, { body }) => sum + JSON.stringify(body.messages).length, 0);

describe('a policy pays no more than its budget', () => {
  const tokensPerHour = 20_000;

  it('for a model that wants to look again and again', async () => {
    const free = await received(looksForEver(), { tokensPerHour: 100_000_000 });

    const requests = await received(looksForEver(), { tokensPerHour });

    assert.ok(requests.length > 0);
    assert.ok(requests.length < free.length, `${requests.length} of ${free.length}`);
    assert.ok(charsOf(requests) / 3 <= tokensPerHour, `${charsOf(requests)} characters`);
  });

  it('for answers that are always invalid', async () => {
    const requests = await received(saysText('{"choice":'), { tokensPerHour });

    assert.ok(requests.length > 0);
    assert.ok(charsOf(requests) / 3 <= tokensPerHour, `${charsOf(requests)} characters`);
  });

  for (const [what, usage] of [
    ['nothing', { prompt_tokens: 0, completion_tokens: 0, cost: 0 }],
    ['less than nothing', { prompt_tokens: -1_000_000, completion_tokens: -5, cost: -9 }],
    ['no numbers', { prompt_tokens: 'none', completion_tokens: null, cost: 'free' }],
    ['numbers beyond all bounds', { prompt_tokens: 1e300, completion_tokens: 0.5, cost: 1e300 }],
  ] as const) {
    it(`to a provider that says that a request took ${what}`, async () => {
      const requests = await received(looksForEver(usage), { tokensPerHour });

      assert.ok(requests.length > 0);
      assert.ok(charsOf(requests) / 3 <= tokensPerHour, `${charsOf(requests)} characters`);
    });
  }

  it('to a provider that tells as little as can be believed', async () => {
    const tokensOf = (text: string) => Math.ceil(text.length / CHARS_PER_TOKEN_MAX);
    const least: StandInReply = (request, response) => {
      const prompt_tokens = tokensOf(JSON.stringify(request.body.messages));
      return looksForEver({ prompt_tokens, completion_tokens: 100 })(request, response);
    };
    const free = await received(least, { tokensPerHour: 100_000_000 });

    const requests = await received(least, { tokensPerHour: 6_000 });

    assert.ok(
      requests.length > 0 && requests.length < free.length,
      `${requests.length} of ${free.length}`,
    );
    assert.ok(charsOf(requests) / CHARS_PER_TOKEN_MAX <= 6_000, `${charsOf(requests)} characters`);
  });

  it('in money, at the price that is configured, or a dear one where none is', async () => {
    const models = { deep: { name: 'deep', usdPerMillionInput: 10, usdPerMillionOutput: 10 } };
    for (const settings of [{ models }, {}]) {
      const provider = { name: settings.models === undefined ? 'cerebras' : 'own', settings };
      const usdPerDay = 0.05;

      const requests = await received(
        looksForEver(),
        { tokensPerHour: 100_000_000, usdPerDay },
        provider,
      );

      assert.ok(requests.length > 0, provider.name);
      const most = settings.models === undefined ? 0.35 : 10;
      const usd = (charsOf(requests) / 3 / 1e6) * most;
      assert.ok(usd <= usdPerDay, `$${usd} at ${provider.name}`);
    }
  });
});
