import assert from 'node:assert/strict';
import http from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createProber } from './prober.ts';

const NEVER = new AbortController().signal;
/** A network that the standard keeps for documents: no machine is on it. */
const NOWHERE = '2001:db8::1';
const prober = createProber();
const requests: http.IncomingMessage[] = [];
const sockets = new Set<Socket>();

const server = http.createServer((request, response) => {
  requests.push(request);
  const status = Number(request.url?.slice(1, 4));
  if (request.url === '/hang') return;
  if (request.url === '/endless') {
    response.writeHead(200);
    const write = () => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', write);
    response.on('error', () => undefined);
    write();
    return;
  }
  response.writeHead(status, { location: '/200' });
  response.end('body');
});
/** Accepts, and says something that is no HTTP. */
const rude = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.end('\u001b]0;owned\u0007 SSH-2.0\r\n\r\n');
});

function listen(one: Server): Promise<void> {
  return new Promise((resolve) => one.listen(0, '127.0.0.1', resolve));
}

const portOf = (one: Server) => (one.address() as AddressInfo).port;

function target(path: string, more: object = {}) {
  const scheme = 'http' as const;
  return {
    addresses: ['127.0.0.1'],
    port: portOf(server),
    timeoutMs: 2_000,
    scheme,
    path,
    ...more,
  };
}

describe('prober', () => {
  before(async () => {
    await Promise.all([listen(server), listen(rude)]);
    server.on('connection', (socket) => sockets.add(socket));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
    rude.close();
  });

  for (const [status, accepted, expected] of [
    [200, undefined, 'Success'],
    [302, undefined, 'Success'],
    [404, undefined, 'BadStatus'],
    [503, undefined, 'BadStatus'],
    [404, [404], 'Success'],
    [200, [204], 'BadStatus'],
    [302, [200], 'BadStatus'],
  ] as const) {
    it(`takes ${status} for ${expected} when ${accepted?.[0] ?? '200 to 399'} is accepted`, async () => {
      const wanted = accepted === undefined ? {} : { status: accepted };

      const outcome = await prober.http(target(`/${status}`, wanted), NEVER);

      assert.equal(outcome.kind === 'Failure' ? outcome.reason : outcome.kind, expected);
    });
  }

  it('names the address as host and does not follow a redirect', async () => {
    requests.length = 0;

    await prober.http(target('/302?a=b'), NEVER);

    assert.deepEqual(
      requests.map(({ url, headers }) => [url, headers.host]),
      [['/302?a=b', `127.0.0.1:${portOf(server)}`]],
    );
  });

  it('gives up on a service that accepts and does not answer', async () => {
    const outcome = await prober.http(target('/hang', { timeoutMs: 40 }), NEVER);

    const message = `no answer from 127.0.0.1:${portOf(server)} within 40 ms`;
    assert.deepEqual(outcome, { kind: 'Failure', reason: 'TimedOut', message });
  });

  it('is content with the header of an endless answer, and hangs up', async () => {
    sockets.clear();

    const outcome = await prober.http(target('/endless'), NEVER);
    const [socket] = [...sockets];
    assert.ok(socket !== undefined);
    await new Promise((resolve) =>
      socket.destroyed ? resolve(undefined) : socket.once('close', resolve),
    );

    assert.deepEqual(outcome, { kind: 'Success' });
    assert.ok(socket.bytesWritten < 64 * 2 ** 20, String(socket.bytesWritten));
  });

  it('keeps what the service says out of its message', async () => {
    const outcome = await prober.http(target('/200', { port: portOf(rude) }), NEVER);

    assert.equal(outcome.kind, 'Failure');
    assert.doesNotMatch(JSON.stringify(outcome), /owned|SSH/);
  });

  it('tells a closed port, by HTTP and by TCP', async () => {
    const closed = createServer();
    await listen(closed);
    const port = portOf(closed);
    await new Promise((resolve) => closed.close(resolve));

    const outcomes = await Promise.all([
      prober.http(target('/200', { port }), NEVER),
      prober.tcp(target('/200', { port }), NEVER),
    ]);

    const message = `127.0.0.1:${port} refused the connection`;
    const refused = { kind: 'Failure', reason: 'Refused', message };
    assert.deepEqual(outcomes, [refused, refused]);
  });

  it('tells an address on a network that this process is not on', async () => {
    const away = { addresses: [NOWHERE], port: 80, timeoutMs: 50 };

    const outcome = await prober.tcp(away, NEVER);

    const message = `no route to [${NOWHERE}]:80`;
    assert.deepEqual(outcome, { kind: 'Failure', reason: 'NoRoute', message });
  });

  it('chooses the address that it can reach, and the host for the host’s network', async () => {
    const both = await prober.tcp(target('/', { addresses: [NOWHERE, '127.0.0.1'] }), NEVER);
    const hosted = await prober.http(target('/200', { addresses: 'Host' }), NEVER);

    assert.deepEqual([both.kind, hosted.kind], ['Success', 'Success']);
  });
});
