import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#core/errors.ts';
import { assertUnpolluted, nearText, runs } from '../test/support/fuzz.ts';
import { loadConfig } from './config.ts';

function load(env: Readonly<Record<string, string | undefined>>) {
  return loadConfig(env, {}, (path) => {
    if (path !== '/run/secret') throw new Error('no such file');
    return 'from-a-file\n';
  });
}

describe('the environment', () => {
  for (const API_PORT of [' ', '0x50', '1e3', '-1', '65536', '80.0', '+80']) {
    it(`does not take ${JSON.stringify(API_PORT)} for a port`, () => {
      assert.throws(() => load({ API_PORT }), /API_PORT/);
    });
  }

  it('has a port where nobody says one', () => {
    assert.deepEqual(
      [load({}).api.port, load({ API_PORT: '' }).api.port, load({ API_PORT: '0' }).api.port],
      [8000, 8000, 0],
    );
  });

  it('holds no secret that nobody has set, whatever its name', () => {
    const { secret } = load({ TOKEN: 'mine', KEY_FILE: '/run/secret' });

    const names = ['TOKEN', 'KEY', 'OTHER', 'constructor', '__proto__', 'toString'];

    assert.deepEqual(names.map(secret), [
      'mine',
      'from-a-file',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('makes a configuration or a ConfigError that repeats no secret, and heals only when told to', () => {
    const valid: Readonly<Record<string, string>> = {
      API_HOST: '127.0.0.1',
      API_PORT: '8000',
      API_ALLOWED_HOSTS: 'sentinel.example, other:80',
      AUTO_HEAL_ENABLED: 'true',
      LOG_LEVEL: 'info',
      REDIS_URL: 'redis://:s3cr3t@cache',
      MCP_GATEWAY_URL: 'http://gateway',
      MCP_GATEWAY_AUTH_TOKEN_FILE: '/run/secret',
      SENTINEL_DATA: '/data',
    };
    const changes = fc.uniqueArray(
      fc
        .constantFrom(...Object.keys(valid))
        .chain((name) => nearText(valid[name] ?? '').map((text) => [name, text] as const)),
      { selector: ([name]) => name, minLength: 1, maxLength: 3 },
    );
    const isEither = fc.property(changes, (changed) => {
      const env = Object.fromEntries([...Object.entries(valid), ...changed]);
      try {
        const config = load(env);
        assert.ok(Number.isInteger(config.api.port) && config.api.port <= 65_535);
        const healing = (env['AUTO_HEAL_ENABLED'] ?? '').trim().toLowerCase();
        assert.equal(config.shadowAll, healing !== 'true' && healing !== '');
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        assert.ok(!error.message.includes('s3cr3t'), error.message);
      }
      assertUnpolluted();
    });

    fc.assert(isEither, runs(60));
  });
});
