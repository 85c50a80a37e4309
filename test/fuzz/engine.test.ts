import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createDockerConnection, type DockerConnection } from '#adapters/docker/connection.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { parseInspect } from '#adapters/docker/inspect-body.ts';
import { SentinelError } from '#core/errors.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';
import { readFixture } from '../support/fixtures.ts';
import { assertUnpolluted, cuts, inChunks, nearBytes, nearJson, runs } from '../support/fuzz.ts';

const ID = 'c'.repeat(64);
const STAMP = '2026-11-24T05:51:19.675165858Z';
const NEVER = new AbortController().signal;

/** What the engine answers to everything but the question for its version. */
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
  readonly lengths: readonly number[];
  /** The connection breaks instead of ending. */
  readonly breaks: boolean;
}

let answer: Answer;
let server: Server;
let connection: DockerConnection;
let runtime: ContainerRuntime;

before(async () => {
  server = createServer((request, response) => {
    if (request.url?.endsWith('/_ping') === true)
      response.setHeader('Api-Version', '1.41').end('OK');
    else send(response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  connection = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${port}`, timeoutMs: 5_000 });
  runtime = createDockerRuntime({
    connection,
    clock: { bootMs: () => 1_000 },
    hostRoot: '/nowhere',
    logLineBytesMax: 100,
  });
});

after(() => {
  connection[Symbol.dispose]();
  server.closeAllConnections();
  server.close();
});

function send(response: ServerResponse, { status, type, body, lengths, breaks }: Answer): void {
  response.on('error', () => undefined);
  response.writeHead(status, { 'content-type': type });
  for (const chunk of inChunks(body, lengths)) response.write(chunk);
  if (breaks) response.destroy();
  else response.end();
}

/** An answer whose body is a valid one with a few changes, in its values or in its bytes. */
function answerWith(valid: unknown): fc.Arbitrary<Answer> {
  const text = Buffer.from(JSON.stringify(valid));
  return withBody(
    fc.oneof(
      nearJson(valid).map((body) => Buffer.from(JSON.stringify(body) ?? '')),
      nearBytes(text),
      fc.constantFrom(
        Buffer.of(),
        Buffer.from('null'),
        Buffer.from('[]'.repeat(3)),
        Buffer.alloc(3_000, '['),
      ),
    ),
  );
}

function withBody(body: fc.Arbitrary<Buffer>): fc.Arbitrary<Answer> {
  return fc.record({
    status: fc.oneof(
      { weight: 8, arbitrary: fc.constant(200) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(201, 204, 301, 304, 400, 403, 404, 409, 500, 501, 503),
      },
    ),
    type: fc.constantFrom('application/json', 'text/plain', ''),
    body,
    lengths: cuts,
    breaks: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  });
}

/** One of the port's own errors, or a value. */
async function valueOf<Value>(call: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof SentinelError, String(error));
    assert.ok(error.message.length < 10_000, `a message of ${error.message.length} characters`);
    return undefined;
  } finally {
    assertUnpolluted();
  }
}

function info() {
  return {
    ID: 'x',
    Name: 'box',
    ServerVersion: '20.10.24',
    NCPU: 2,
    MemTotal: 2 ** 33,
    CgroupVersion: '1',
    SystemTime: STAMP,
  };
}

const sick = parseInspect(readFixture('docker/inspect-engine-28.json'));
const calls: readonly (readonly [string, unknown, () => Promise<unknown>])[] = [
  ['inspect', readFixture('docker/inspect-everything.json'), () => runtime.inspect(ID, NEVER)],
  ['info', info(), () => runtime.info(NEVER)],
  [
    'list',
    [{ Id: ID, Names: ['/web'], Labels: { a: 'b' }, State: 'running', Status: 'Up 2 hours' }],
    () => runtime.list(NEVER),
  ],
  ['sample', readFixture('docker/stats-v1.json'), () => runtime.sample(sick, NEVER)],
];

describe('an engine that answers nearly as it should', () => {
  for (const [name, valid, call] of calls) {
    it(`gives a value or one of our own errors to ${name}`, async () => {
      const isEither = fc.asyncProperty(answerWith(valid), async (given) => {
        answer = given;
        await valueOf(call);
      });

      await fc.assert(isEither, runs(150));
    });
  }

  it('gives events that are whole, or breaks the stream as an engine that is away', async () => {
    const event = {
      Type: 'container',
      Action: 'die',
      Actor: { ID, Attributes: { name: 'web', exitCode: '1', tier: 'a' } },
      time: 1_795_499_479,
      timeNano: 1_795_499_479_675_165_700,
    };
    const line = fc
      .oneof(nearJson(event), fc.constant(event))
      .map((one) => `${JSON.stringify(one)}\n`);
    const stream = fc
      .array(line, { minLength: 1, maxLength: 4 })
      .chain((lines) => nearBytes(Buffer.from(lines.join(''))));
    const isEither = fc.asyncProperty(withBody(stream), async (given) => {
      answer = given;
      const events = await valueOf(() =>
        Array.fromAsync(runtime.events({ onOpen: () => undefined }, NEVER)),
      );
      for (const { containerId, timeNano } of events ?? []) {
        assert.equal(typeof containerId, 'string');
        assert.match(timeNano, /^\d+$/);
      }
    });

    await fc.assert(isEither, runs(150));
  });

  it('gives log lines within their bound, or breaks off as an engine that is away', async () => {
    const frame = fc
      .tuple(fc.constantFrom(0, 1, 2, 3), fc.string({ maxLength: 200 }))
      .map(([stream, text]) => {
        const payload = Buffer.from(`${STAMP} ${text}\n`);
        const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
        header.writeUInt32BE(payload.length, 4);
        return Buffer.concat([header, payload]);
      });
    const stream = fc
      .array(frame, { minLength: 1, maxLength: 5 })
      .map((frames) => Buffer.concat(frames))
      .chain((bytes) => fc.oneof(fc.constant(bytes), nearBytes(bytes)));
    const query = fc.record({ tty: fc.boolean(), follow: fc.boolean() });
    const isEither = fc.asyncProperty(withBody(stream), query, async (given, how) => {
      answer = given;
      const lines = await valueOf(() => Array.fromAsync(runtime.logs(ID, how, NEVER)));
      for (const { text } of lines ?? []) assert.ok(Buffer.byteLength(text) <= 3 * 100);
    });

    await fc.assert(isEither, runs(150));
  });
});
