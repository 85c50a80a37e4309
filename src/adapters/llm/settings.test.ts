import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '#core/errors.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { type Route, resolveProviders, resolveRoute } from './settings.ts';

/** Resolves a route by a SentinelConfig with these providers, and these variables. */
function resolve(
  route: string,
  { providers = {}, env = {} }: { providers?: object; env?: Record<string, string> },
): Route {
  const { spec } = SentinelConfig.parse({
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelConfig',
    spec: { providers },
  });
  const resolved = resolveRoute(
    route,
    resolveProviders(spec.providers, (name) => env[name]),
  );
  assert.ok(!('ready' in resolved), JSON.stringify(resolved));
  return resolved;
}

const KEYS = { CEREBRAS_API_KEY: 'a', OPENROUTER_API_KEY: 'b', OPENAI_API_KEY: 'c' };

describe('a route', () => {
  for (const [route, baseUrl, model] of [
    ['cerebras/fast', 'https://api.cerebras.ai/v1', 'gpt-oss-120b'],
    ['cerebras/small', 'https://api.cerebras.ai/v1', 'qwen-3.8-27b'],
    ['openrouter/deep', 'https://openrouter.ai/api/v1', 'meta-llama/llama-4-scout'],
    ['openrouter/fast', 'https://openrouter.ai/api/v1', 'meta-llama/llama-3.3-70b-instruct'],
    // No alias: the model by its own name, which may hold slashes.
    ['openrouter/acme/big-1', 'https://openrouter.ai/api/v1', 'acme/big-1'],
    ['openai/constructor', 'https://api.openai.com/v1', 'constructor'],
  ] as const) {
    it(`is there with a key alone: ${route}`, () => {
      const { provider, model: found } = resolve(route, { env: KEYS });

      assert.deepEqual([provider.baseUrl, found.name], [baseUrl, model]);
    });
  }

  it('asks a server at an address of one’s own as most servers want to be asked', () => {
    const env = { ...KEYS, OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1' };

    const theirs = resolve('openai/m', { env: KEYS }).provider.profile;
    const ours = resolve('openai/m', { env }).provider.profile;

    assert.deepEqual(
      [theirs, ours].map(({ tokensField, takesTemperature }) => [tokensField, takesTemperature]),
      [
        ['max_completion_tokens', false],
        ['max_tokens', true],
      ],
    );
  });

  it('gives a server of one’s own more time', () => {
    const providers = { local: { baseUrl: 'http://127.0.0.1:11434/v1' } };

    const local = resolve('local/m', { providers, env: KEYS }).provider;
    const cerebras = resolve('cerebras/fast', { providers, env: KEYS }).provider;

    assert.deepEqual([local.timeoutMs, cerebras.timeoutMs], [120_000, 60_000]);
  });

  it('means what the SentinelConfig says rather than what is built in', () => {
    const models = { fast: { name: 'newer', usdPerMillionInput: 1 } };
    const providers = {
      cerebras: { baseUrl: 'http://proxy:8080/v1/', apiKey: 'MY_KEY', models, timeout: '5s' },
    };
    const env = { ...KEYS, MY_KEY: 'mine' };

    const { provider, model } = resolve('cerebras/fast', { providers, env });
    const other = resolve('cerebras/deep', { providers, env });

    assert.partialDeepStrictEqual(provider, {
      baseUrl: 'http://proxy:8080/v1',
      apiKey: 'mine',
      timeoutMs: 5_000,
      maxConcurrent: 2,
      dataCollection: 'deny',
    });
    assert.deepEqual(model, { name: 'newer', fallbacks: [], usdPerMillionInput: 1 });
    assert.equal(other.model.name, 'gpt-oss-120b');
  });

  for (const [route, env, baseUrl] of [
    ['openai/x', { OPENAI_BASE_URL: 'http://vllm:8000/v1' }, 'http://vllm:8000/v1'],
    ['llama/x', { LLAMA_API_KEY: 'k', LLAMA_API_BASE: 'https://llama/v1' }, 'https://llama/v1'],
  ] as const) {
    it(`has its address from the environment: ${route}`, () => {
      assert.equal(resolve(route, { env: { ...KEYS, ...env } }).provider.baseUrl, baseUrl);
    });
  }

  it('has the address of the SentinelConfig rather than that of the environment', () => {
    const providers = { openai: { baseUrl: 'http://configured/v1' } };
    const env = { ...KEYS, OPENAI_BASE_URL: 'http://environment/v1' };

    const { provider } = resolve('openai/x', { providers, env });

    assert.equal(provider.baseUrl, 'http://configured/v1');
  });

  it('knows a provider under another name by where it lives', () => {
    const providers = {
      team: { baseUrl: 'https://openrouter.ai/api/v1', apiKey: 'TEAM_KEY' },
    };

    const { provider } = resolve('team/acme/big-1', { providers, env: { TEAM_KEY: 't' } });

    assert.equal(provider.profile.isRouter, true);
    assert.equal(provider.apiKey, 't');
  });

  it('does not take the key of the provider that lives there', () => {
    const { spec } = SentinelConfig.parse({
      apiVersion: 'sre-sentinel.io/v1alpha1',
      kind: 'SentinelConfig',
      spec: { providers: { team: { baseUrl: 'https://openrouter.ai/api/v1' } } },
    });
    const providers = resolveProviders(spec.providers, (name) => KEYS[name as keyof typeof KEYS]);

    assert.equal(providers.get('team')?.apiKey, undefined);
  });

  for (const [name, providers, env, message] of [
    [
      'a key that cannot stand in a header',
      {},
      { CEREBRAS_API_KEY: 'two\nlines' },
      /^provider cerebras: CEREBRAS_API_KEY holds characters/,
    ],
    [
      'an address that holds a password',
      { cerebras: { baseUrl: 'https://me:hush@models/v1' } },
      KEYS,
      /^provider cerebras: its address holds a user, a password or a query/,
    ],
  ] as const) {
    it(`of a provider with ${name} is not ready, and the others are`, () => {
      const { spec } = SentinelConfig.parse({
        apiVersion: 'sre-sentinel.io/v1alpha1',
        kind: 'SentinelConfig',
        spec: { providers },
      });
      const all: Record<string, string> = { ...KEYS, ...env };
      const resolved = resolveProviders(spec.providers, (variable) => all[variable]);

      const bad = resolveRoute('cerebras/fast', resolved);
      const good = resolveRoute('openai/x', resolved);

      assert.partialDeepStrictEqual(bad, { ready: false, reason: 'ProviderInvalid' });
      assert.match('message' in bad ? bad.message : '', message);
      assert.doesNotMatch(JSON.stringify(bad), /hush|lines/);
      assert.ok(!('ready' in good));
    });
  }

  it('of a provider whose key cannot be read says so', () => {
    const resolved = resolveProviders({}, (variable) => {
      if (variable !== 'OPENAI_API_KEY') return undefined;
      throw new ConfigError('OPENAI_API_KEY_FILE: /run/key cannot be read');
    });

    const bad = resolveRoute('openai/x', resolved);

    assert.partialDeepStrictEqual(bad, {
      reason: 'ProviderInvalid',
      message: 'OPENAI_API_KEY_FILE: /run/key cannot be read',
    });
  });
});
