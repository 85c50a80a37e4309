import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { loadConfig, withSettings } from '#config.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import type { EngineInfo } from '#ports/container-runtime.ts';
import { createTelemetry } from '#telemetry/telemetry.ts';
import { engineName, journalOptions, lockPath, toolServers, untilConnected } from './wiring.ts';

let root = '';
const makeRoot = async () => {
  root = await mkdtemp(join(tmpdir(), 'sentinel-wiring-'));
};
const removeRoot = async () => rm(root, { recursive: true, force: true });

function settingsOf(spec: object) {
  const kind = 'SentinelConfig';
  return SentinelConfig.parse({ apiVersion: 'sre-sentinel.io/v1alpha1', kind, spec }).spec;
}

function configOf(env: Readonly<Record<string, string>> = {}) {
  return loadConfig(env, {}, () => assert.fail('no file is read'));
}

describe('the name of the engine', () => {
  beforeEach(makeRoot);
  afterEach(removeRoot);
  const telemetry = createTelemetry('silent');
  const engine = { info: async () => ({ hostname: 'web-1' }) as EngineInfo };
  const away = { info: async () => Promise.reject(new Error('away')) };

  it('is kept for a start that finds the engine away', async () => {
    await engineName(engine, { path: root }, telemetry);

    assert.equal(await engineName(away, { path: root }, telemetry), 'web-1');
  });

  it('is written only when it is another', async () => {
    await engineName(engine, { path: root }, telemetry);
    const { ino } = await stat(join(root, 'host'));

    await engineName(engine, { path: root }, telemetry);

    assert.equal((await stat(join(root, 'host'))).ino, ino);
    assert.deepEqual(await readdir(root), ['host']);
  });

  it('is known where it cannot be kept', { timeout: 5_000 }, async () => {
    await mkdir(join(root, 'host'));

    assert.equal(await engineName(engine, { path: root }, telemetry), 'web-1');
  });
});

describe('the lock of tools', () => {
  beforeEach(makeRoot);
  afterEach(removeRoot);
  it('stands in the folder of the policies, also where they are one file', async () => {
    const file = join(root, 'web.yaml');
    await writeFile(file, '');

    assert.equal(await lockPath({ policies: root }), join(root, 'sentinel.tools.lock'));
    assert.equal(await lockPath({ policies: file }), join(root, 'sentinel.tools.lock'));
  });

  it('is no reason for a start on one file of policies to fail', async () => {
    const file = join(root, 'web.yaml');
    await writeFile(file, '');
    const config = configOf({ SENTINEL_POLICIES: file, MCP_GATEWAY_URL: 'http://127.0.0.1:1/mcp' });

    const { lock } = await toolServers(config, settingsOf({}));

    assert.deepEqual(lock.servers, {});
  });
});

describe('other MCP servers', () => {
  beforeEach(makeRoot);
  afterEach(removeRoot);
  it('may take as long for a call as the SentinelConfig says', async () => {
    const servers = { a: { url: 'http://a/mcp', timeout: '90s' }, b: { command: ['b'] } };
    const config = configOf({ SENTINEL_POLICIES: root, MCP_GATEWAY_URL: 'http://c/mcp' });

    const tools = await toolServers(config, settingsOf({ mcp: { servers } }));

    assert.deepEqual(
      tools.servers.map(({ timeoutMs }) => timeoutMs),
      [90_000, 60_000, 60_000],
    );
  });
});

describe('a start', () => {
  it('goes on without an MCP server that does not answer', async () => {
    const clock = new VirtualClock();

    await clock.run(untilConnected({ connected: () => new Promise(() => undefined) }, clock));

    assert.equal(clock.bootMs(), new VirtualClock().bootMs() + 2_000);
  });

  it('waits for nothing when all have been tried', async () => {
    const clock = new VirtualClock();

    await untilConnected({ connected: async () => undefined }, clock);

    assert.equal(clock.bootMs(), new VirtualClock().bootMs());
  });
});

it('the journal is kept as long as the SentinelConfig says, by default what is documented', () => {
  const ageOf = (data: object) => journalOptions({}, settingsOf({ data })).retention.ageMaxMs;

  assert.deepEqual([ageOf({}), ageOf({ retention: '3d' })], [31 * 86_400_000, 3 * 86_400_000]);
});

describe('the SentinelConfig', () => {
  const env = { REDIS_URL: 'redis://env', SENTINEL_DATA: 'env', OTHER_REDIS: 'redis://secret' };

  for (const [what, spec, overrides, redisUrl, data] of [
    ['says nothing: the environment does', {}, {}, 'redis://env', 'env'],
    ['says where Redis is', { redis: { url: 'redis://a' } }, {}, 'redis://a', 'env'],
    ['names the secret', { redis: { urlFrom: 'OTHER_REDIS' } }, {}, 'redis://secret', 'env'],
    ['names the data directory', { data: { directory: 'd' } }, {}, 'redis://env', 'd'],
    ['gives way', { data: { directory: 'd' } }, { data: 'flag' }, 'redis://env', 'flag'],
  ] as const) {
    it(`goes between the command line and the environment: it ${what}`, () => {
      const given = loadConfig(env, overrides, () => assert.fail('no file is read'));

      const config = withSettings(given, overrides, settingsOf(spec));

      assert.deepEqual([config.redisUrl, config.data], [redisUrl, data]);
    });
  }

  it('names a secret that must be set', () => {
    const settings = settingsOf({ redis: { urlFrom: 'NOWHERE' } });

    assert.throws(() => withSettings(configOf(), {}, settings), {
      code: 'SENTINEL_CONFIG_INVALID',
      message: 'redis.urlFrom: the secret NOWHERE is not set',
    });
  });
});

it('keys of models, which nothing reads, are no reason for a start to fail', () => {
  const env = { CEREBRAS_API_KEY_FILE: '/nowhere', OPENAI_API_KEY_FILE: '/nowhere' };

  assert.doesNotThrow(() => configOf(env));
});

it('the API answers to the names that the environment lists', () => {
  const { api } = configOf({ API_ALLOWED_HOSTS: 'sentinel.example, sentinel:8000' });

  assert.deepEqual(api.allowedHosts, ['sentinel.example', 'sentinel:8000']);
});
