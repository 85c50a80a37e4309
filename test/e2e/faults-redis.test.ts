import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { eventually, TestStack } from '../support/engine.ts';
import { assertComplete, streamOf, untilPublished } from '../support/published.ts';
import { startRedis } from '../support/redis.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, crash, recordEvents, stateOf } from '../support/workloads.ts';

/** No network: the containers here need none, and are made in half the time. */
const PLAIN = { unchecked: true, HostConfig: { NetworkMode: 'none' } } as const;

const VERIFIED_SOON = { remediation: { verify: { within: '20s', healthyFor: '1s' } } };

/** Orders of a person, in threes: each is two records, fsynced before it is answered. */
async function giveOrders(operator: SentinelProcess, times: number): Promise<void> {
  for (let order = 0; order < times; order += 1) {
    const scopes = ['one', 'two', 'three'].map((name) => ({ scope: 'policy', name }));
    for (const path of ['pause', 'resume']) {
      const answers = await Promise.all(
        scopes.map((scope) => operator.post(`/api/v1/${path}`, { ...scope, reason: 'load' })),
      );
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200],
      );
    }
  }
}

const redisUp = async (operator: SentinelProcess): Promise<string | undefined> => {
  const { body } = await operator.get('/metrics');
  return /^sentinel_redis_up(?:\{\})? (\d)$/m.exec(String(body))?.[1];
};

interface Trouble {
  /** What the log must say of it. */
  readonly told: RegExp;
  readonly begin: (admin: Redis) => Promise<unknown>;
  readonly end: (admin: Redis) => Promise<unknown>;
}

/** Makes every client come in anew, as after a restart with another configuration. */
const throwOut = (admin: Redis) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'is out of memory': {
    told: /OOM/,
    begin: (admin) => admin.config('SET', 'maxmemory', '1'),
    end: (admin) => admin.config('SET', 'maxmemory', '0'),
  },
  'has become a replica': {
    told: /READONLY/,
    begin: (admin) => admin.replicaof('127.0.0.1', 1),
    end: (admin) => admin.replicaof('NO', 'ONE'),
  },
  'cannot save to its disk': {
    told: /MISCONF/,
    async begin(admin) {
      await admin.config('SET', 'save', '3600 1000000');
      await admin.bgsave();
      const failed = async () => (await admin.info('persistence')).includes('bgsave_status:err');
      await eventually(failed, { what: 'a save that fails' });
    },
    end: (admin) => admin.config('SET', 'save', ''),
  },
  'wants a password': {
    told: /NOAUTH/,
    async begin(admin) {
      await admin.config('SET', 'requirepass', 's3cret');
      await throwOut(admin);
    },
    end: (admin) => admin.config('SET', 'requirepass', ''),
  },
  'is in protected mode': {
    told: /protected mode.*requirepass/,
    async begin(admin) {
      await admin.config('SET', 'protected-mode', 'yes');
      await throwOut(admin);
    },
    end: (admin) => admin.config('SET', 'protected-mode', 'no'),
  },
};

describe('a Redis in trouble', { concurrency: true }, () => {
  it('that is killed while records are published has each record once in the end, its data lost in between or not, and healing goes on', async (t) => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', PLAIN);
    await using events = await recordEvents(stack);
    await using redis = await startRedis();
    const policies = [
      aQuickPolicy(stack, VERIFIED_SOON),
      ...['one', 'two', 'three'].map((name) =>
        aQuickPolicy(stack, { name, spec: { selector: { names: ['nobody'] } } }),
      ),
    ];
    await using operator = await SentinelProcess.start({
      policies,
      env: { REDIS_URL: redis.url },
    });
    let killed = 0;

    for (const loss of [false, true, false]) {
      const published = (await streamOf(redis, 'audit')).length;
      const load = giveOrders(operator, 12);
      // In the middle of it: some of the load is published, some is to come.
      await eventually(async () => (await streamOf(redis, 'audit')).length > published + 4, {
        what: 'some of the load published',
        everyMs: 1,
      });
      await redis.kill();
      if (loss) await redis.loseData();
      killed += 1;
      await crash(job, killed);
      await load;
      const incident = await operator.untilIncident(
        stack.name('job'),
        ({ resolution, attempts }) => resolution !== undefined && attempts.length === killed,
      );
      assert.equal(incident.attempts.at(-1)?.outcome, 'Succeeded');
      assert.equal((await stateOf(job)).Running, true);
      assert.equal(await redisUp(operator), '0');
      await redis.start();
      const records = await untilPublished(operator, redis);
      await assertComplete(records, redis);
      t.diagnostic(
        `after a kill${loss ? ' and the loss of all data' : ''}: ${records.length} records`,
      );
    }

    assert.equal(events.count(job, 'start'), killed);
    assert.equal(await redisUp(operator), '1');
    assert.equal(await operator.stop(), 0);
    await assertComplete(await operator.records(), redis);
    assert.equal((await operator.verifyJournal()).code, 0);
  });

  it('that answers with errors is told by the error it has, changes no decision, and misses nothing once it is well', async (t) => {
    await using stack = await TestStack.open();
    const job = await aService(stack, 'job', PLAIN);
    await using events = await recordEvents(stack);
    const dir = await mkdtemp(join(tmpdir(), 'sentinel-redis-'));
    t.after(() => rm(dir, { recursive: true, force: true }));
    const options = { dir, bind: '0.0.0.0', 'protected-mode': 'no', appendonly: 'no' };
    await using redis = await startRedis(options);
    // A directory of the name that a dump would have: so every save fails.
    await mkdir(join(dir, 'dump.rdb'));
    // On the loopback protected mode lets everybody in.
    const address = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const admin = new Redis(redis.url);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, VERIFIED_SOON)],
      env: { REDIS_URL: `redis://${address ?? '127.0.0.1'}:${redis.port}` },
    });
    const told = () =>
      operator.logs.filter(({ msg }) => msg.startsWith('nothing is published to Redis'));
    await untilPublished(operator, redis);
    let healed = 0;

    for (const [name, trouble] of Object.entries(TROUBLES)) {
      if (name === 'is in protected mode' && address === undefined) continue;
      const before = told().length;
      await trouble.begin(admin);
      healed += 1;
      await crash(job, healed);
      await operator.untilIncident(
        stack.name('job'),
        ({ resolution, attempts }) => resolution !== undefined && attempts.length === healed,
      );
      await eventually(() => told().length > before, { what: `a word about a Redis that ${name}` });
      assert.match(String(told()[before]?.['reason']), trouble.told);
      assert.equal(await redisUp(operator), '0');
      await trouble.end(admin);
      await assertComplete(await untilPublished(operator, redis), redis);
      await eventually(async () => (await redisUp(operator)) === '1', { what: 'Redis up' });
      assert.equal(told().length, before + 1);
    }

    admin.disconnect();
    assert.equal(events.count(job, 'start'), healed);
    // Beside the log's lines nothing is printed: a library's own words would break the format.
    assert.deepEqual(
      operator.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{')),
      [],
    );
    assert.equal(await operator.stop(), 0);
    assert.equal((await operator.verifyJournal()).code, 0);
  });
});
