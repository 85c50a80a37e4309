import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { TestStack } from '../support/engine.ts';
import { assertComplete, streamOf, untilPublished } from '../support/published.ts';
import { startRedis } from '../support/redis.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, crash, recordEvents, stateOf } from '../support/workloads.ts';

describe('the operator and Redis', () => {
  it('heals while Redis is down, and tells all of it once Redis is back', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    await using events = await recordEvents(stack);
    await using redis = await startRedis();
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { REDIS_URL: redis.url },
    });
    const untilMended = (times: number) =>
      operator.untilIncident(
        stack.name('job'),
        ({ resolution, attempts }) => resolution !== undefined && attempts.length === times,
      );

    await crash(job, 3);
    await operator.untilRecord('incident.opened');
    await redis.stop();
    await untilMended(1);
    await crash(job, 4);
    const incident = await untilMended(2);
    assert.equal(incident.resolution, 'Remediated');
    assert.equal((await stateOf(job)).Running, true);
    await redis.start();
    const records = await untilPublished(operator, redis);

    await assertComplete(records, redis);
    assert.equal(events.count(job, 'start'), 2);
    const client = new Redis(redis.url);
    const object = JSON.parse((await client.get(`sentinel:incident:${incident.name}`)) ?? '{}');
    const open = await client.zrange('sentinel:incidents:open', '0', '-1');
    client.disconnect();
    assert.equal(object.metadata.name, incident.name);
    assert.equal(object.status.phase, 'Resolved');
    assert.equal(object.status.resolution, 'Remediated');
    assert.deepEqual(open, []);
    const last = (await streamOf(redis, 'incidents')).at(-1);
    assert.equal(last?.['type'], 'incident.resolved');
    assert.equal(last['workload'], `${HOST}/${stack.name('job')}`);
    assert.equal(JSON.parse(last['incident'] ?? '{}').metadata.name, incident.name);
  });

  it('starts and heals where Redis is not there yet', async () => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', { unchecked: true });
    await using redis = await startRedis();
    await redis.stop();
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack)],
      env: { REDIS_URL: redis.url },
    });

    await crash(job, 3);
    const incident = await operator.untilIncident(
      stack.name('job'),
      ({ resolution }) => resolution !== undefined,
    );
    assert.equal(incident.resolution, 'Remediated');
    const { body } = await operator.get('/metrics');
    assert.match(String(body), /^sentinel_redis_up(\{\})? 0$/m);
    await redis.start();

    await assertComplete(await untilPublished(operator, redis), redis);
    assert.match(String((await operator.get('/metrics')).body), /^sentinel_redis_up(\{\})? 1$/m);
  });

  it('loses and doubles nothing when it is killed while it publishes', async () => {
    await using redis = await startRedis();
    await using operator = await SentinelProcess.start({
      policies: [],
      env: { REDIS_URL: redis.url },
    });

    for (let round = 0; round < 4; round += 1) {
      // A server that hangs lets records pile up, so that many are on their way when it goes on.
      redis.freeze();
      for (let order = 0; order < 30; order += 1) {
        await operator.post('/api/v1/pause', { scope: 'all', reason: `round ${round}` });
        await operator.post('/api/v1/resume', { scope: 'all', reason: `order ${order}` });
      }
      redis.thaw();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      await operator.kill9();
      await operator.start();
    }
    const records = await untilPublished(operator, redis);

    assert.ok(records.length > 240);
    await assertComplete(records, redis);
    assert.equal((await operator.verifyJournal()).code, 0);
  });
});
