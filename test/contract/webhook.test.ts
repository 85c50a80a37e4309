import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWebhookNotifier, type WebhookOptions } from '#adapters/webhook/webhook-notifier.ts';
import { testNotification } from '#core/projection/notification.ts';
import type { Delivery } from '#ports/notifier.ts';

const NOTIFICATION = testNotification('ops', { host: 'box', time: '2026-11-24T12:00:00.000Z' });
const NEVER = new AbortController().signal;

interface Received {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A receiver on the loopback, which answers as the test says. */
async function aReceiver(answer: (response: ServerResponse, request: Received) => unknown) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const one = { method: request.method, headers: request.headers, body };
      received.push(one);
      answer(response, one);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    received,
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function send(
  host: string,
  options: Partial<WebhookOptions> = {},
  signal: AbortSignal = NEVER,
): Promise<Delivery> {
  const url = `http://${host}/hook`;
  const notifier = createWebhookNotifier({ url, timeoutMs: 5_000, version: '1.2.3', ...options });
  return notifier.send(NOTIFICATION, signal);
}

describe('the webhook notifier', () => {
  it('posts the notification as JSON, with the token', async () => {
    await using receiver = await aReceiver((response) => response.writeHead(204).end());

    const delivery = await send(receiver.host, { token: 'the-token' });

    const [request] = receiver.received;
    assert.deepEqual(delivery, { delivered: true });
    assert.equal(request?.method, 'POST');
    assert.equal(request.headers['content-type'], 'application/json');
    assert.equal(request.headers.authorization, 'Bearer the-token');
    assert.equal(request.headers['user-agent'], 'sre-sentinel/1.2.3');
    assert.deepEqual(JSON.parse(request.body), NOTIFICATION);
  });

  it('sends a user and password of the URL as basic authentication', async () => {
    await using receiver = await aReceiver((response) => response.end());

    const delivery = await send(receiver.host, { url: `http://me:p%40ss@${receiver.host}/hook` });

    const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    assert.deepEqual(delivery, { delivered: true });
    assert.equal(receiver.received[0]?.headers.authorization, expected);
  });

  for (const [status, retryable] of [
    [400, false],
    [401, false],
    [404, false],
    [410, false],
    [408, true],
    [429, true],
    [500, true],
    [503, true],
  ] as const) {
    it(`says that ${status} is ${retryable ? 'worth another try' : 'for a person to mend'}`, async () => {
      await using receiver = await aReceiver((response) => response.writeHead(status).end('why'));

      const delivery = await send(receiver.host);

      const reason = `${receiver.host} answered ${status}: why`;
      assert.deepEqual(delivery, { delivered: false, retryable, reason });
    });
  }

  it('tells how long the receiver wants to be left alone', async () => {
    await using receiver = await aReceiver((response) =>
      response.writeHead(429, { 'retry-after': '30' }).end(),
    );

    const delivery = await send(receiver.host);

    assert.partialDeepStrictEqual(delivery, { retryable: true, retryAfterMs: 30_000 });
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`does not follow a redirect (${status}), and keeps its token from the other host`, async () => {
      await using other = await aReceiver((response) => response.end());
      await using receiver = await aReceiver((response) =>
        response.writeHead(status, { location: `http://${other.host}/` }).end(),
      );

      const delivery = await send(receiver.host, { token: 'the-token' });

      assert.partialDeepStrictEqual(delivery, { delivered: false, retryable: false });
      assert.deepEqual(other.received, []);
    });
  }

  it('gives up on a receiver that never answers', async () => {
    await using receiver = await aReceiver(() => undefined);

    const delivery = await send(receiver.host, { timeoutMs: 50 });

    const reason = `${receiver.host} gave no answer within 50 ms`;
    assert.deepEqual(delivery, { delivered: false, retryable: true, reason });
  });

  it('gives up on a refusal whose text never ends', async () => {
    await using receiver = await aReceiver((response) => {
      response.writeHead(400).write('a');
    });

    const delivery = await send(receiver.host, { timeoutMs: 50 });

    const reason = `${receiver.host} answered 400`;
    assert.deepEqual(delivery, { delivered: false, retryable: false, reason });
  });

  it('takes an answer that comes late, within its time', async () => {
    await using receiver = await aReceiver(async (response) => {
      await sleep(50);
      response.end();
    });

    assert.deepEqual(await send(receiver.host), { delivered: true });
  });

  for (const status of [200, 500]) {
    it(`does not read an endless answer to its end (${status})`, async () => {
      let isCut: Promise<unknown> = Promise.resolve();
      await using receiver = await aReceiver((response) => {
        isCut = once(response, 'close');
        response.writeHead(status);
        const chunk = Buffer.alloc(64 * 1024, 'x');
        const pour = () => {
          while (!response.destroyed && response.write(chunk)) {
            // As fast as the other side takes it.
          }
        };
        response.on('drain', pour);
        pour();
      });

      const delivery = await send(receiver.host);

      await isCut;
      assert.equal(delivery.delivered, status === 200);
      if (!delivery.delivered) assert.match(delivery.reason, /answered 500: x{200}$/);
    });
  }

  it('says so when nobody listens, without the URL, which may be a secret', async () => {
    const receiver = await aReceiver(() => undefined);
    await receiver[Symbol.asyncDispose]();

    const delivery = await send(receiver.host, { url: `http://${receiver.host}/T000/secret-path` });

    const reason = `${receiver.host} cannot be reached: ECONNREFUSED`;
    assert.deepEqual(delivery, { delivered: false, retryable: true, reason });
  });

  it('says so when the connection breaks', async () => {
    await using receiver = await aReceiver((response) => response.destroy());

    const delivery = await send(receiver.host);

    assert.partialDeepStrictEqual(delivery, { delivered: false, retryable: true });
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    await using receiver = await aReceiver(() => stop.abort());

    const delivery = await send(receiver.host, {}, stop.signal);

    assert.equal(delivery.delivered, false);
  });

  it('shows nothing hostile or secret of a refusal', async () => {
    await using receiver = await aReceiver((response) =>
      response.writeHead(400).end('bad\u001b[2J token=Zk3Qp9Zk3Qp9\nline'),
    );

    const delivery = await send(receiver.host);

    assert.ok(!delivery.delivered);
    assert.match(delivery.reason, /token=\[redacted:token#1\] line$/);
    assert.ok(!delivery.reason.includes('\u001b'));
  });
});
