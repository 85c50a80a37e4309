import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { openModels } from '#entry/models.ts';
import { createApp } from '#http/server.ts';
import { createTelemetry } from '#telemetry/telemetry.ts';
import { apiOptions, ask } from '../support/api.ts';
import { sentinel } from '../support/cli.ts';
import { eventually } from '../support/engine.ts';
import { ANSWER, API_KEY, aModelRequest, NEVER } from '../support/models.ts';
import { fails, isSilent, says, startStandIn } from '../support/openai-stand-in.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';

const ROUTING = { rootCause: ['cerebras/fast'] };
const MODEL = 'gpt-oss-120b';
const OTHER_KEY = 'another-key-in-plain-words';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sentinel-models-'));
});
after(async () => rm(root, { recursive: true, force: true }));

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

function routeCondition(policy: { readonly status: { readonly conditions: Condition[] } }) {
  const found = policy.status.conditions.find(({ type }) => type === 'ModelRouteReady');
  return found ?? assert.fail('there is no such condition');
}

/** An operator in memory whose policies name a model, and the models as `sentinel run` makes them. */
async function operatorAsking(address: string) {
  const operator = await MemoryOperator.open([aPolicy({ modelRouting: ROUTING })]);
  const { spec } = SentinelConfig.parse({
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelConfig',
    spec: { providers: { cerebras: { baseUrl: address } } },
  });
  const telemetry = createTelemetry('silent');
  const models = openModels({
    config: { secret: (name) => (name === 'CEREBRAS_API_KEY' ? API_KEY : undefined) },
    settings: spec,
    policies: operator.policies,
    clock: operator.clock,
    telemetry,
  });
  const { sources, ...rest } = apiOptions(operator);
  const app = createApp({ ...rest, sources: { ...sources, models } });
  const condition = async () =>
    routeCondition((await ask(operator, '/api/v1/policies/web', app)).body);
  return {
    operator,
    models,
    condition,
    metrics: () => telemetry.registry.metrics(),
    async [Symbol.asyncDispose]() {
      models[Symbol.dispose]();
      await operator.stop();
    },
  };
}

describe('the models of a policy', () => {
  it('are not known, then away, then ready once the provider has come up', async () => {
    const first = await startStandIn({ models: [MODEL] });
    const port = Number(new URL(first.url).port);
    await first[Symbol.asyncDispose]();
    await using asking = await operatorAsking(first.url);
    const { condition, operator } = asking;

    const before = await condition();
    const away = await eventually(async () => {
      const found = await condition();
      return found.status === 'False' && found;
    });
    await using _second = await startStandIn({ models: [MODEL] }, port);
    await operator.pass(60_000);
    const ready = await eventually(async () => {
      const found = await condition();
      return found.status === 'True' && found;
    });

    assert.deepEqual([before.status, before.reason], ['Unknown', 'NotProbed']);
    assert.equal(away.reason, 'Unreachable');
    assert.match(away.message, /^no model for rootCause \(cerebras\/fast at 127\.0\.0\.1:\d+: /);
    assert.equal(ready.reason, 'Ready');
  });

  it('answer, and are counted', async () => {
    await using server = await startStandIn({ models: [MODEL], apiKey: API_KEY });
    await using asking = await operatorAsking(server.url);
    const usage = { prompt_tokens: 200, completion_tokens: 40 };
    server.say(says(ANSWER, { usage }), fails(401, { message: `bad key ${API_KEY}` }));

    const answer = await asking.models.complete(aModelRequest(), NEVER);
    const refused = await asking.models.complete(aModelRequest({ user: 'And now?' }), NEVER);

    const metrics = await asking.metrics();
    const value = (series: string) =>
      metrics
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1);
    assert.partialDeepStrictEqual(answer, { kind: 'Answer', value: ANSWER });
    assert.equal(refused.kind, 'Unavailable');
    const counted = ['Answered', 'Refused', 'TimedOut'].map((outcome) =>
      value(
        `sentinel_llm_requests_total{route="cerebras/fast",stage="rootCause",outcome="${outcome}"}`,
      ),
    );
    assert.deepEqual(counted, ['1', '1', '0']);
    assert.equal(value('sentinel_llm_tokens_total{route="cerebras/fast",direction="in"}'), '200');
    assert.equal(value('sentinel_llm_tokens_total{route="cerebras/fast",direction="out"}'), '40');
    assert.ok(Number(value('sentinel_llm_cost_usd_total{route="cerebras/fast"}')) > 0);
    const duration =
      'sentinel_llm_request_duration_seconds_count{route="cerebras/fast",stage="rootCause"}';
    assert.equal(value(duration), '2');
    assert.ok(!metrics.includes(API_KEY));
    assert.equal((await asking.condition()).status, 'False');
  });
});

describe('sentinel run with a policy that names a model', () => {
  /** One that acts on nothing: what it says of the model is what a test is about. */
  const policy = aPolicy({ selector: { names: ['nobody'] }, modelRouting: ROUTING });
  const isTold = (operator: SentinelProcess, message: string) => () =>
    operator.logs.find(({ msg }) => msg === message);

  it('finds it ready with the key of a file, and says so everywhere', async () => {
    const keyFile = join(root, 'key');
    await writeFile(keyFile, `${API_KEY}\n`);
    await using server = await startStandIn({ models: [MODEL], apiKey: API_KEY });
    await using operator = await SentinelProcess.start({
      policies: [policy],
      config: { providers: { cerebras: { baseUrl: server.url } } },
      env: { CEREBRAS_API_KEY_FILE: keyFile },
      until: 'serving',
    });

    const line = await eventually(isTold(operator, 'a language model can be asked'));
    const { body } = await operator.get('/api/v1/policies/web');
    const metrics = await operator.get('/metrics');

    assert.equal(line['route'], 'cerebras/fast');
    assert.deepEqual([routeCondition(body).status, routeCondition(body).reason], ['True', 'Ready']);
    assert.match(
      String(metrics.body),
      /^sentinel_llm_cost_usd_total\{route="cerebras\/fast"\} 0$/m,
    );
    for (const text of [operator.stderr, JSON.stringify(body), String(metrics.body)]) {
      assert.ok(!text.includes(API_KEY));
    }
  });

  it('says what a wrong key comes to, and not the key, though the provider quotes it', async () => {
    await using server = await startStandIn({ models: [MODEL], apiKey: API_KEY });
    await using operator = await SentinelProcess.start({
      policies: [policy],
      config: { providers: { cerebras: { baseUrl: server.url } } },
      env: { CEREBRAS_API_KEY: OTHER_KEY },
      until: 'serving',
    });

    const line = await eventually(isTold(operator, 'a language model cannot be asked'));
    const where = ['--server', operator.url, '--data', operator.data];
    const table = await sentinel(['get', 'policies', ...where]);
    const whole = await sentinel(['describe', 'policy', 'web', ...where]);

    assert.equal(line['reason'], 'Refused');
    assert.match(String(line['detail']), /answered 401: Incorrect API key provided/);
    assert.match(table.stdout, /^web .* ModelRouteReady=False /m);
    assert.match(whole.stdout, /ModelRouteReady +False +Refused/);
    assert.equal(server.probes[0]?.headers.authorization, `Bearer ${OTHER_KEY}`);
    for (const text of [operator.stderr, table.stdout, whole.stdout]) {
      assert.ok(!text.includes(OTHER_KEY));
    }
  });

  it('ends when it is told to, though a provider is silent', async () => {
    await using server = await startStandIn();
    server.sayAlways(isSilent());
    await using operator = await SentinelProcess.start({
      policies: [policy],
      config: { providers: { cerebras: { baseUrl: server.url } } },
      env: { CEREBRAS_API_KEY: API_KEY },
      until: 'serving',
    });
    await server.hasReceived(1);

    const end = await operator.stop();

    assert.equal(end, 0);
    assert.ok(!operator.stderr.includes('language model'), operator.stderr);
  });

  it('asks the model of a policy that is added, and no provider before that', async () => {
    await using server = await startStandIn({ models: [MODEL] });
    await using operator = await SentinelProcess.start({
      policies: [aPolicy({ selector: { names: ['nobody'] } })],
      config: { providers: { cerebras: { baseUrl: server.url } } },
      env: { CEREBRAS_API_KEY: API_KEY },
      until: 'serving',
    });
    const before = server.probes.length;
    const { body } = await operator.get('/api/v1/policies/web');

    await operator.writePolicy(policy);
    await eventually(isTold(operator, 'a language model can be asked'));

    assert.equal(before, 0);
    assert.deepEqual(
      [routeCondition(body).status, routeCondition(body).reason],
      ['True', 'NotUsed'],
    );
    assert.equal(server.probes.length, 1);
  });
});

describe('sentinel doctor with a policy that names a model', () => {
  /** What it says of models, in an environment whose only provider is at this address. */
  async function examine(
    address: string,
    env: Readonly<Record<string, string>>,
    modelRouting: object = ROUTING,
  ) {
    const folder = await mkdtemp(join(root, 'doctor-'));
    const policies = join(folder, 'web.yaml');
    const config = join(folder, 'sentinel.yaml');
    await writeFile(policies, JSON.stringify(aPolicy({ modelRouting })));
    const kind = 'SentinelConfig';
    const spec = { providers: { cerebras: { baseUrl: address } } };
    await writeFile(config, JSON.stringify({ apiVersion: 'sre-sentinel.io/v1alpha1', kind, spec }));
    const { stdout } = await sentinel(['doctor', '-o', 'json'], {
      env: {
        SENTINEL_POLICIES: policies,
        SENTINEL_CONFIG: config,
        SENTINEL_DATA: join(folder, 'data'),
        ...env,
      },
    });
    const findings = JSON.parse(stdout) as Record<
      'check' | 'level' | 'message' | 'remedy',
      string
    >[];
    const found = findings.filter(({ check }) => check === 'models');
    assert.ok(!stdout.includes(API_KEY) && !stdout.includes(OTHER_KEY), stdout);
    return found.map(({ level, message }) => `${level} ${message}`);
  }

  it('finds it ready, without the model, or with a key that is not taken', async () => {
    await using server = await startStandIn({ models: [MODEL], apiKey: API_KEY });

    const ready = await examine(server.url, { CEREBRAS_API_KEY: API_KEY });
    const wrongKey = await examine(server.url, { CEREBRAS_API_KEY: OTHER_KEY });
    server.setOptions({ models: ['newer'], apiKey: API_KEY });
    const gone = await examine(server.url, { CEREBRAS_API_KEY: API_KEY });

    assert.deepEqual(ready, ['ok cerebras/fast can be asked (rootCause)']);
    assert.match(wrongKey.join(), /^fail cerebras\/fast at .* answered 401: Incorrect API key/);
    assert.match(gone.join(), /^fail cerebras\/fast at .* has no model gpt-oss-120b/);
  });

  it('asks nobody where a key is missing or no policy names a model', async () => {
    await using server = await startStandIn({ models: [MODEL] });

    const keyless = await examine(server.url, {});
    const unasked = await examine(server.url, { CEREBRAS_API_KEY: API_KEY }, {});

    assert.match(
      keyless.join(),
      /^fail cerebras\/fast: .* CEREBRAS_API_KEY is not set \(rootCause\)$/,
    );
    assert.deepEqual(unasked, ['ok no policy asks a model: rules alone find causes']);
    assert.equal(server.probes.length, 0);
  });

  it('warns of a provider that is away', async () => {
    const server = await startStandIn();
    await server[Symbol.asyncDispose]();

    const away = await examine(server.url, { CEREBRAS_API_KEY: API_KEY });

    assert.match(away.join(), /^warn cerebras\/fast at .*: cannot be reached: ECONNREFUSED/);
  });
});
