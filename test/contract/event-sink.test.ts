import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { inspect, promisify } from 'node:util';
import { Redis } from 'ioredis';
import { createMemoryEventSink } from '#adapters/memory/memory-event-sink.ts';
import {
  createRedisEventSink,
  type RedisEventSinkOptions,
} from '#adapters/redis/redis-event-sink.ts';
import { ConfigError, SinkUnavailableError } from '#core/errors.ts';
import type { EventSink, PublishBatch, StreamEntry } from '#ports/event-sink.ts';
import { eventually } from '../support/engine.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const run = promisify(execFile);

interface SinkUnderTest extends AsyncDisposable {
  readonly sink: EventSink;
  stream(name: StreamEntry['stream']): Promise<readonly Readonly<Record<string, string>>[]>;
}

async function inMemory(): Promise<SinkUnderTest> {
  const sink = createMemoryEventSink();
  return {
    sink,
    stream: async (name) => sink.stream(name),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

interface RedisUnderTest extends SinkUnderTest {
  readonly server: TestRedis;
  readonly client: Redis;
  readonly sink: ReturnType<typeof createRedisEventSink>;
}

async function inRedis(options: Partial<RedisEventSinkOptions> = {}): Promise<RedisUnderTest> {
  const server = await startRedis();
  const client = new Redis(server.url, { retryStrategy: () => 20 });
  client.on('error', () => undefined); // Servers are stopped on purpose here.
  const sink = createRedisEventSink({ url: server.url, ...options });
  return {
    server,
    client,
    sink,
    async stream(name) {
      const entries = await client.xrange(`sentinel:${name}`, '-', '+');
      return entries.map(([, fields]) => fromPairs(fields));
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await sink.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function fromPairs(fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) {
    object[fields[index] ?? ''] = fields[index + 1] ?? '';
  }
  return object;
}

function aBatch(from: number, to: number, more: Partial<PublishBatch> = {}): PublishBatch {
  const entries = Array.from({ length: to - from }, (_, index): StreamEntry => {
    return { stream: 'audit', fields: { seq: String(from + index + 1), text: 'é 🚑 "x"\n' } };
  });
  return {
    journalId: 'journal-a',
    from,
    to,
    toHash: `hash-${to}`,
    entries,
    incidents: [],
    messages: [],
    ...more,
  };
}

function anIncident(name: string, open: boolean, openedAtMs = 1_000) {
  return { name, json: JSON.stringify({ name, open }), openedAtMs, open };
}

for (const [kind, open] of [
  ['in memory', inMemory],
  ['in Redis', inRedis],
] as const) {
  describe(`event sink ${kind}`, () => {
    it('starts each journal at 0', async () => {
      await using test = await open();

      assert.deepEqual(await test.sink.cursor('journal-a'), { seq: 0, hash: '' });
      assert.equal(test.sink.isUp(), true);
    });

    it('takes a batch and moves the cursor', async () => {
      await using test = await open();
      const batch = aBatch(0, 3);

      const cursor = await test.sink.publish(batch);

      assert.equal(cursor, 3);
      assert.deepEqual(await test.sink.cursor('journal-a'), { seq: 3, hash: 'hash-3' });
      assert.deepEqual(
        await test.stream('audit'),
        batch.entries.map(({ fields }) => fields),
      );
    });

    it('takes nothing of a batch that another cursor stands before', async () => {
      await using test = await open();
      await test.sink.publish(aBatch(0, 3));

      const again = await test.sink.publish(aBatch(0, 2));
      const skipping = await test.sink.publish(aBatch(5, 6));

      assert.deepEqual([again, skipping], [3, 3]);
      assert.equal((await test.stream('audit')).length, 3);
    });

    it('keeps journals apart', async () => {
      await using test = await open();
      await test.sink.publish(aBatch(0, 3));

      await test.sink.publish(aBatch(0, 1, { journalId: 'journal-b' }));

      assert.equal((await test.sink.cursor('journal-a')).seq, 3);
      assert.equal((await test.sink.cursor('journal-b')).seq, 1);
    });

    it('lets exactly one of two rivals publish a range', async () => {
      await using test = await open();

      const cursors = await Promise.all([
        test.sink.publish(aBatch(0, 2)),
        test.sink.publish(aBatch(0, 5)),
        test.sink.publish(aBatch(0, 2)),
      ]);

      const total = (await test.stream('audit')).length;
      assert.equal(total, (await test.sink.cursor('journal-a')).seq);
      assert.ok(cursors.every((cursor) => cursor === total));
    });
  });
}

describe('Redis as the event sink', () => {
  it('keeps an open incident and its name, and lets a resolved one go after its time', async () => {
    await using test = await inRedis({ resolvedTtlMs: 100_000 });
    const { client, sink } = test;

    await sink.publish(aBatch(0, 1, { incidents: [anIncident('a', true), anIncident('b', true)] }));
    await sink.publish(aBatch(1, 2, { incidents: [anIncident('a', false)] }));

    assert.deepEqual(await client.zrange('sentinel:incidents:open', '0', '-1', 'WITHSCORES'), [
      'b',
      '1000',
    ]);
    assert.equal(await client.get('sentinel:incident:a'), '{"name":"a","open":false}');
    assert.equal(await client.ttl('sentinel:incident:b'), -1);
    const ttl = await client.ttl('sentinel:incident:a');
    assert.ok(ttl > 90 && ttl <= 100, `${ttl} s`);
  });

  it('keeps a reopened incident for as long as it is open', async () => {
    await using test = await inRedis();

    await test.sink.publish(aBatch(0, 1, { incidents: [anIncident('a', false)] }));
    await test.sink.publish(aBatch(1, 2, { incidents: [anIncident('a', true)] }));

    assert.equal(await test.client.ttl('sentinel:incident:a'), -1);
  });

  it('keeps the head as audit verify takes it, and reads the form of earlier versions', async () => {
    await using test = await inRedis();
    const { client, sink } = test;

    await sink.publish(aBatch(0, 3));
    const head = await client.get('sentinel:outbox:journal-a:head');
    await client.set('sentinel:outbox:journal-a:head', '3 hash-3');
    const cursor = await sink.cursor('journal-a');

    assert.equal(head, '3:hash-3');
    assert.deepEqual(cursor, { seq: 3, hash: 'hash-3' });
  });

  it('speaks to those who listen', async () => {
    await using test = await inRedis();
    const heard: string[] = [];
    const listener = test.client.duplicate();
    listener.on('message', (_channel, message) => heard.push(message));
    await listener.subscribe('sentinel:events');

    await test.sink.publish(aBatch(0, 1, { messages: ['{"n":1}', '{"n":2}'] }));
    await listener.ping();

    listener.disconnect();
    assert.deepEqual(heard, ['{"n":1}', '{"n":2}']);
  });

  it('bounds the streams and the set of open incidents', async () => {
    await using test = await inRedis({
      streamLengthMax: 300,
      openIncidentsMax: 3,
    });
    const { client, sink } = test;
    const entries = Array.from({ length: 2_000 }, (_, index): StreamEntry => {
      const fields = { seq: String(index) };
      return { stream: index % 2 === 0 ? 'audit' : 'incidents', fields };
    });
    const incidents = ['a', 'b', 'c', 'd', 'e'].map((name, at) => anIncident(name, true, at));

    await sink.publish(aBatch(0, 2_000, { entries, incidents }));

    // MAXLEN ~ removes whole nodes of up to 100 entries.
    const lengths = [await client.xlen('sentinel:incidents'), await client.xlen('sentinel:audit')];
    assert.deepEqual(
      lengths.map((length) => length <= 400),
      [true, true],
    );
    assert.deepEqual(await client.zrange('sentinel:incidents:open', '0', '-1'), ['c', 'd', 'e']);
    assert.ok((await client.ttl('sentinel:incident:a')) > 0);
  });

  it('is not wedged by keys of another type: they are moved away and told', async () => {
    const displaced: string[] = [];
    await using test = await inRedis({
      onDisplaced: (...names) => displaced.push(names.join(' ')),
    });
    const { client, sink } = test;
    await client.set('sentinel:audit', 'a string');
    await client.lpush('sentinel:incidents', 'a list');
    await client.hset('sentinel:incidents:open', 'a', 'hash');
    await client.lpush('sentinel:incident:a', 'a list');
    await client.sadd('sentinel:outbox:journal-a', 'a set');

    const before = await sink.cursor('journal-a');
    const cursor = await sink.publish(aBatch(0, 2, { incidents: [anIncident('a', true)] }));

    assert.deepEqual([before.seq, cursor], [0, 2]);
    assert.equal((await test.stream('audit')).length, 2);
    assert.deepEqual(displaced.sort(), [
      'sentinel:audit sentinel:audit:displaced',
      'sentinel:incidents sentinel:incidents:displaced',
      'sentinel:incidents:open sentinel:incidents:open:displaced',
      'sentinel:outbox:journal-a sentinel:outbox:journal-a:displaced',
    ]);
    assert.equal(await client.get('sentinel:audit:displaced'), 'a string');
  });

  it('keeps every key that it ever moved away', async () => {
    const names: string[] = [];
    await using test = await inRedis({ onDisplaced: (_key, renamedTo) => names.push(renamedTo) });
    const { client, sink } = test;

    for (const [at, text] of ['first', 'second', 'third'].entries()) {
      await client.del('sentinel:audit');
      await client.set('sentinel:audit', text);
      await sink.publish(aBatch(at, at + 1));
    }

    assert.deepEqual(await client.mget(names), ['first', 'second', 'third']);
  });

  it('keeps by default what the SentinelConfig says', async () => {
    await using test = await inRedis();

    await test.sink.publish(aBatch(0, 1, { incidents: [anIncident('a', false)] }));

    const ttlSeconds = await test.client.ttl('sentinel:incident:a');
    assert.ok(ttlSeconds > 6.9 * 86_400 && ttlSeconds <= 7 * 86_400, `${ttlSeconds} s`);
  });

  for (const nonsense of ['nonsense', '-3', '1.5', '']) {
    it(`takes a cursor of '${nonsense}' for none`, async () => {
      await using test = await inRedis();
      await test.client.set('sentinel:outbox:journal-a', nonsense);

      const before = await test.sink.cursor('journal-a');
      const cursor = await test.sink.publish(aBatch(0, 1));

      assert.deepEqual([before, cursor], [{ seq: 0, hash: '' }, 1]);
    });
  }

  it('takes all of a batch or nothing when its memory is full', async () => {
    await using test = await inRedis();
    const { client, sink } = test;
    await sink.publish(aBatch(0, 1));
    await client.config('SET', 'maxmemory', '1');

    await assert.rejects(sink.publish(aBatch(1, 3)), /Redis: .*OOM/);
    await client.config('SET', 'maxmemory', '0');

    assert.equal((await test.stream('audit')).length, 1);
    assert.equal((await sink.cursor('journal-a')).seq, 1);
  });

  it('fails at once while the server is away, and works again when it is back', async () => {
    await using test = await inRedis();
    const { server, sink } = test;
    await sink.publish(aBatch(0, 1));

    await server.stop();
    await assert.rejects(sink.publish(aBatch(1, 2)), SinkUnavailableError);
    await assert.rejects(sink.cursor('journal-a'), SinkUnavailableError);
    const up = sink.isUp();
    await server.start();

    assert.equal(up, false);
    assert.equal(await sink.publish(aBatch(1, 2)), 2);
    assert.equal(sink.isUp(), true);
  });

  it('does not wait for ever for a server that hangs', async () => {
    await using test = await inRedis({ commandTimeoutMs: 200, connectTimeoutMs: 200 });
    const { server, sink } = test;
    await sink.publish(aBatch(0, 1));

    server.freeze();
    await assert.rejects(sink.publish(aBatch(1, 2)), SinkUnavailableError);
    await assert.rejects(sink.cursor('journal-a'), SinkUnavailableError);
    server.thaw();

    // The frozen command may have been carried out after all: only the cursor can tell.
    const { seq } = await sink.cursor('journal-a');
    assert.equal((await test.stream('audit')).length, seq);
  });

  it('leaves a connection that does not answer for a new one', async () => {
    await using server = await startRedis();
    const sockets = new Set<Socket>();
    const dead = new Set<Socket>();
    const relay = createServer((client) => {
      const upstream = connect(server.port, '127.0.0.1');
      sockets.add(client);
      client.on('data', (bytes) => dead.has(client) || upstream.write(bytes));
      upstream.on('data', (bytes) => client.write(bytes));
      client.on('close', () => upstream.destroy());
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const { port } = relay.address() as AddressInfo;
    const sink = createRedisEventSink({ url: `redis://127.0.0.1:${port}`, commandTimeoutMs: 100 });
    await sink.publish(aBatch(0, 1));

    for (const socket of sockets) dead.add(socket);
    await assert.rejects(sink.publish(aBatch(1, 2)), /timed out/);
    const cursor = await sink.publish(aBatch(1, 2));

    await sink.close();
    relay.close();
    assert.equal(cursor, 2);
  });

  it('uses the password of the URL and never tells it', async () => {
    await using server = await startRedis({ requirepass: 'p@ss/word' });
    const right = createRedisEventSink({
      url: `redis://:p%40ss%2Fword@127.0.0.1:${server.port}/2`,
    });
    const wrong = createRedisEventSink({ url: `redis://:s3cret-x@127.0.0.1:${server.port}` });

    const cursor = await right.cursor('journal-a');
    const error: unknown = await wrong.cursor('journal-a').catch((failure: unknown) => failure);

    await right.close();
    await wrong.close();
    assert.equal(cursor.seq, 0);
    assert.ok(error instanceof SinkUnavailableError);
    assert.match(error.message, /WRONGPASS/);
    assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /s3cret/);
  });

  const address = ownAddress();
  const unless =
    address === undefined ? ' (not tried: no address beside the loopback, which is let in)' : '';
  it(`tells protected mode by its name, with the remedy, and prints nothing${unless}`, {
    skip: address === undefined,
  }, async (context) => {
    await using server = await startRedis({ bind: '0.0.0.0', 'protected-mode': 'yes' });
    const printed = captureConsole(context);

    const urls = [`redis://${address}:${server.port}`, `redis://:s3cret@${address}:${server.port}`];
    for (const url of urls) {
      // Several times, since the refusal races with what the client says.
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const sink = createRedisEventSink({ url });
        await assert.rejects(
          sink.cursor('journal-a'),
          /is in protected mode:.*requirepass.*REDIS_URL/,
        );
        await sink.close();
      }
    }

    assert.deepEqual(printed(), []);
  });

  it('says that Redis has too many clients, and comes in once there is room', async () => {
    await using server = await startRedis({ maxclients: '1' });
    const first = new Redis(server.url, { retryStrategy: () => 20 });
    first.on('error', () => undefined); // The look whether the server answers may hold the place.
    await eventually(() => first.ping().catch(() => undefined), { what: 'a place' });
    const sink = createRedisEventSink({ url: server.url });

    await assert.rejects(sink.cursor('journal-a'), /max number of clients reached/);
    first.disconnect();

    const cursor = await eventually(() => sink.cursor('journal-a').catch(() => undefined));
    await sink.close();
    assert.equal(cursor.seq, 0);
  });

  it('is let in by a server that asks for no password, and prints nothing', async (context) => {
    await using server = await startRedis();
    const printed = captureConsole(context);
    const sink = createRedisEventSink({ url: `redis://:s3cret@127.0.0.1:${server.port}` });

    const { seq } = await sink.cursor('journal-a');

    await sink.close();
    assert.equal(seq, 0);
    assert.deepEqual(printed(), []);
  });

  it('needs no right beyond its keys, and says who it is where it may', async (context) => {
    await using server = await startRedis();
    const admin = new Redis(server.url);
    const rights = [
      '~sentinel:*',
      '&sentinel:*',
      '+eval',
      '+mget',
      '+@read',
      '+@write',
      '+publish',
    ];
    await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>pw', ...rights, '-client');
    const printed = captureConsole(context);
    const narrow = createRedisEventSink({ url: `redis://narrow:pw@127.0.0.1:${server.port}` });
    const named = createRedisEventSink({ url: server.url });

    const published = await narrow.publish(aBatch(0, 1));
    await named.cursor('journal-a');

    assert.equal(published, 1);
    const clients = String(await admin.client('LIST'));
    assert.match(clients, /name=sre-sentinel /);
    assert.deepEqual(printed(), []);
    admin.disconnect();
    await narrow.close();
    await named.close();
  });

  it('refuses a URL that is none for Redis without repeating it', () => {
    for (const url of ['http://h:1', 'not a url s3cret', 'redis://', 'redis://:s3cret@h/x']) {
      assert.throws(
        () => createRedisEventSink({ url }),
        (error: Error) => error instanceof ConfigError && !error.message.includes('s3cret'),
        url,
      );
    }
  });

  it('speaks TLS where the URL says rediss', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sentinel-tls-'));
    const { key, cert } = await makeCertificate(folder);
    const tlsPort = await freePort();
    await using server = await startRedis({
      'tls-port': String(tlsPort),
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-ca-cert-file': cert,
      'tls-auth-clients': 'no',
    });
    const url = `rediss://localhost:${tlsPort}`;
    const trusting = createRedisEventSink({ url, tlsCa: await readFile(cert, 'utf8') });
    const strict = createRedisEventSink({ url });

    const cursor = await trusting.publish(aBatch(0, 1));
    const refusal = strict.cursor('journal-a');

    assert.equal(cursor, 1);
    await assert.rejects(refusal, /self-signed certificate/);
    await trusting.close();
    await strict.close();
    await rm(folder, { recursive: true });
    assert.ok(server.port !== tlsPort);
  });
});

/** An address of this machine that a server does not take for the machine itself. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** A library's own words on the console would stand between the lines of the log. */
function captureConsole(context: TestContext): () => unknown[] {
  const spies = (['log', 'warn', 'error'] as const).map((method) =>
    context.mock.method(console, method, () => undefined),
  );
  return () => spies.flatMap(({ mock }) => mock.calls.map((call) => call.arguments));
}

async function makeCertificate(folder: string): Promise<{ key: string; cert: string }> {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const output = ['-keyout', key, '-out', cert, '-days', '2'];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...output]);
  return { key, cert };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
