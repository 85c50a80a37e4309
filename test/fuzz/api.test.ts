import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { Problem } from '#http/problem.ts';
import { createApp, type HttpServer, startHttpServer } from '#http/server.ts';
import { apiOptions, ask, OPERATOR_TOKEN, VIEWER_TOKEN } from '../support/api.ts';
import { assertUnpolluted, awkwardValue, nearJson, nearText, runs } from '../support/fuzz.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const APPROVE = aPolicy({
  remediation: {
    mode: 'Approve',
    allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
  },
});

let operator: MemoryOperator;
let app: FastifyInstance;

before(async () => {
  operator = await MemoryOperator.open([APPROVE]);
  await operator.engine.add({ name: 'web', health: CHECK, plan: () => ({ health: 'unhealthy' }) });
  await operator.pass(60_000);
  app = createApp(apiOptions(operator));
});

after(() => operator.stop());

const PATHS = [
  '/api/v1/workloads',
  '/api/v1/workloads/box/web',
  '/api/v1/incidents',
  '/api/v1/incidents/inc-1',
  '/api/v1/policies',
  '/api/v1/policies/web',
  '/api/v1/remediations',
  '/api/v1/remediations/i1',
  '/api/v1/audit',
  '/openapi.json',
  '/readyz',
  '/metrics',
];
const QUERIES = [
  'limit=2',
  'cursor=Ym94L3dlYg',
  'from=1',
  'tail=2',
  'incident=inc-1',
  'type=started',
  'workload=box%2Fweb',
  'open=true',
];
const ORDERS = [
  ['/api/v1/pause', { scope: 'policy', name: 'web', reason: 'look', for: '2h' }],
  ['/api/v1/resume', { scope: 'policy', name: 'web', reason: 'looked' }],
  ['/api/v1/incidents/inc-1/approve', { candidate: 'restart', container: 'f'.repeat(64) }],
  ['/api/v1/incidents/inc-1/deny', { candidate: 'restart', reason: 'no' }],
] as const;

/** What a client would send: a path, in which what no request line can hold is escaped. */
function asUrl(text: string): string {
  const rest = text.toWellFormed().replace(/^[/\\]+/, '');
  return `/${rest.replaceAll(/[^\x21-\x7e]|[#\\]/gu, encodeURIComponent)}`;
}

const path = fc.constantFrom(...PATHS).chain((one) => fc.oneof(fc.constant(one), nearText(one)));
const query = fc.array(
  fc.constantFrom(...QUERIES).chain((one) => fc.oneof(fc.constant(one), nearText(one))),
  {
    maxLength: 3,
  },
);
const readUrl = fc
  .tuple(path, query)
  .map(([one, parameters]) =>
    asUrl(`${one}${parameters.length === 0 ? '' : '?'}${parameters.join('&')}`),
  );
const headers = fc.record(
  {
    authorization: fc.oneof(
      fc.constantFrom(`Bearer ${OPERATOR_TOKEN}`, `Bearer ${VIEWER_TOKEN}`),
      nearText(`Bearer ${OPERATOR_TOKEN}`),
    ),
    host: fc.oneof(fc.constant('127.0.0.1:8000'), nearText('localhost:8000')),
    origin: nearText('http://127.0.0.1:8000'),
    'content-type': fc.oneof(fc.constant('application/json'), nearText('application/json')),
    accept: fc.string(),
  },
  { requiredKeys: [] },
);

/** Every answer is one of the API's own: never a 5xx, always problem details where it says no. */
function assertAnswer(status: number, text: string): void {
  assert.ok(status < 500 || text.includes('"ready"'), `${status} ${text}`);
  if (status < 400 || status >= 500) return;
  const problem = Problem.parse(JSON.parse(text));
  assert.equal(problem.status, status);
  assert.notEqual(problem.detail, '');
}

/** The operator goes on meanwhile: what it records by itself does not count. */
function ordersOnRecord(): number {
  return operator.records.filter(({ actor }) => actor.startsWith('operator:')).length;
}

describe('the API, whatever it is asked', () => {
  it('answers what is read or says what is wrong, and records nothing', async () => {
    const isAnswered = fc.asyncProperty(
      readUrl,
      headers,
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
      async (url, given, method) => {
        const before = ordersOnRecord();

        const answer = await ask(operator, { url, headers: given, method } as InjectOptions, app);

        assertAnswer(answer.status, answer.text);
        assert.equal(ordersOnRecord(), before);
        assertUnpolluted();
      },
    );

    await fc.assert(isAnswered, runs(600));
  });

  it('takes an order as a whole or not at all, and none without the token for it', async () => {
    const order = fc.constantFrom(...ORDERS).chain(([url, body]) =>
      fc.record({
        url: fc.oneof(fc.constant<string>(url), nearText(url)).map(asUrl),
        payload: fc.oneof(
          nearJson(body).map((changed) => JSON.stringify(changed) ?? ''),
          nearText(JSON.stringify(body)),
          awkwardValue.map((value) => JSON.stringify(value) ?? ''),
        ),
        authorization: fc.constantFrom(OPERATOR_TOKEN, VIEWER_TOKEN, 'of-nobody-but-the-tests'),
      }),
    );
    const isWhole = fc.asyncProperty(order, async ({ url, payload, authorization }) => {
      const before = ordersOnRecord();

      const answer = await ask(
        operator,
        {
          method: 'POST',
          url,
          payload,
          headers: {
            'content-type': 'application/json',
            authorization: `Bearer ${authorization}`,
          },
        },
        app,
      );

      assertAnswer(answer.status, answer.text);
      const mayOrder = authorization === OPERATOR_TOKEN && answer.status < 300;
      assert.equal(ordersOnRecord() - before, mayOrder ? 1 : 0, `${answer.status} ${payload}`);
      assertUnpolluted();
    });

    await fc.assert(isWhole, runs(600));
  });
});

describe('the server, whatever bytes come', () => {
  let server: HttpServer;

  before(async () => {
    server = await startHttpServer(apiOptions(operator));
  });
  after(() => server[Symbol.asyncDispose]());

  it('answers or hangs up, and goes on answering others', async () => {
    const get = `GET /api/v1/audit?tail=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${VIEWER_TOKEN}\r\n\r\n`;
    const body = JSON.stringify(ORDERS[0][1]);
    const post = `POST /api/v1/pause HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked = `POST /api/v1/pause HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n`;
    const huge = fc.constantFrom(
      `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET /api/v1/incidents/${'%61'.repeat(4_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${'X-Header: y\r\n'.repeat(3_000)}\r\n`,
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${'z'.repeat(60_000)}\r\n\r\n`,
      post.replace(/Content-Length: \d+/, 'Content-Length: 99999999'),
      post
        .replace(body, 'x'.repeat(80_000))
        .replace(/Content-Length: \d+/, 'Content-Length: 80000'),
      get.repeat(200),
    );
    const bytes = fc.oneof(
      fc.constantFrom(get, post, chunked, get + post + get).chain(nearText),
      huge,
    );
    const isAnswered = fc.asyncProperty(bytes, async (text) => {
      const told = await exchange(server.url, text);

      for (const [, status] of told.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
        assert.ok(Number(status) < 500, told.slice(0, 300));
      }
      const { status } = await fetch(`${server.url}/healthz`);
      assert.equal(status, 200);
    });

    await fc.assert(isAnswered, runs(150));
  });
});

/** Sends bytes, says that no more will come, and waits until the server has hung up too. */
async function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A server that hangs up amid what we send resets the connection: also an answer.
  socket.on('error', () => undefined);
  socket.end(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}
