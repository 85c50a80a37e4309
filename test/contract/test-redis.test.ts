import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { startRedis } from '../support/redis.ts';

describe('the Redis that tests start', () => {
  for (const end of ['stop', 'kill'] as const) {
    it(`keeps its port and what was written over ${end} and start`, async () => {
      await using server = await startRedis();
      const client = new Redis(server.url);
      await client.set('key', 'kept');

      await server[end]();
      await server.start();

      const value = await client.get('key');
      client.disconnect();
      assert.equal(value, 'kept');
    });
  }

  it('gives each test a server of its own', async () => {
    await using one = await startRedis();
    await using other = await startRedis();
    const [first, second] = [new Redis(one.url), new Redis(other.url)];

    await first.set('key', 'mine');
    const seen = await second.get('key');

    first.disconnect();
    second.disconnect();
    assert.equal(seen, null);
  });
});
