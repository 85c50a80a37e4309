import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createMcpActionRunner,
  type McpActionRunner,
  type McpRunnerOptions,
} from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, pinTools } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import type { JsonObject } from '#lib/json.ts';
import type { ActionResult } from '#ports/action-runner.ts';
import { actionBench, NEVER } from '../support/actions.ts';
import { eventually } from '../support/engine.ts';
import { assertUnpolluted, nearJson, nearText, runs } from '../support/fuzz.ts';
import { hostileAnswer, type Said } from '../support/hostile-mcp.ts';

const SCRIPT = new URL('../support/hostile-mcp-stdio.ts', import.meta.url).pathname;
const MIB = 2 ** 20;
const TARGET = [{ id: 'f'.repeat(64), state: 'running' as const }] as const;

async function openRunner(servers: McpRunnerOptions['servers']): Promise<McpActionRunner> {
  const runner = createMcpActionRunner({
    clock: createSystemClock(),
    version: '1',
    docker: { actions: actionBench().actions, version: '1' },
    servers,
    enabledTools: [],
    lock: EMPTY_LOCK,
  });
  await runner.connected();
  try {
    pin(runner);
  } catch (error) {
    await runner[Symbol.asyncDispose]();
    throw error;
  }
  return runner;
}

function pin(runner: McpActionRunner): void {
  const tools = runner.servers().find(({ name }) => name === 'other')?.tools ?? [];
  runner.setLock(pinTools(EMPTY_LOCK, 'other', tools));
}

function say(runner: McpActionRunner, said: Said, timeoutMs = 150): Promise<ActionResult> {
  const request = {
    tool: 'other/say',
    arguments: { ...said } as JsonObject,
    intentId: 'i1',
    expect: TARGET,
    timeoutMs,
  };
  return runner.call(request, NEVER);
}

const RESULT = { content: [{ type: 'text', text: 'done' }], structuredContent: { sum: 3 } };
const ANSWER = { jsonrpc: '2.0', id: 4_711, result: RESULT };
const OTHERS: readonly object[] = [
  { jsonrpc: '2.0', id: 4_711, error: { code: -32_603, message: 'no\u001b[2J\nway', data: {} } },
  {
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: 4_711, progress: 1 },
  },
  { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
  {
    jsonrpc: '2.0',
    id: 4_711,
    method: 'sampling/createMessage',
    params: { messages: [], maxTokens: 1 },
  },
  { jsonrpc: '2.0', id: 'x', method: 'roots/list' },
  { jsonrpc: '2.0', id: 1, result: {} },
  { jsonrpc: '2.0', id: 99_999, result: RESULT },
];

/** A message as a line of text: valid, or with a few changes. The id of the call is put in later. */
const line = fc
  .oneof(
    { weight: 2, arbitrary: fc.constant<unknown>(ANSWER) },
    { weight: 4, arbitrary: nearJson(ANSWER) },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(...OTHERS)
        .chain((one) => fc.oneof(fc.constant<unknown>(one), nearJson(one))),
    },
  )
  .map((message) => (JSON.stringify(message) ?? '').replaceAll('4711', '$ID'));
const anyLine = fc.oneof(
  { weight: 4, arbitrary: line },
  { weight: 1, arbitrary: line.chain(nearText).map((text) => text.replaceAll('\n', ' ')) },
);

/** Whether any of the messages is a result that keeps what the tool has promised. */
function keepsItsPromise(messages: readonly string[]): boolean {
  return messages.some((text) => {
    try {
      const { id, result, error } = JSON.parse(text.replaceAll('$ID', '4711'));
      return (
        id === 4_711 &&
        error === undefined &&
        Number.isFinite(result.structuredContent.sum) &&
        result.isError !== true
      );
    } catch {
      return false;
    }
  });
}

function assertResult(result: ActionResult, messages: readonly string[]): void {
  assertUnpolluted();
  if (result.outcome === 'Succeeded') {
    assert.ok(keepsItsPromise(messages), messages.join('\n'));
    assert.ok(JSON.stringify(result.result).length <= 4 * 64 * 1_024);
    return;
  }
  assert.ok(result.message.length <= 2_100, `${result.message.length} characters`);
  assert.doesNotMatch(result.message, /[\p{Cc}\u202e]/u);
}

describe('a program that answers nearly as a server should', () => {
  let runner: McpActionRunner;

  before(async () => {
    runner = await openRunner([{ name: 'other', command: process.execPath, args: [SCRIPT] }]);
  });
  after(() => runner[Symbol.asyncDispose]());

  it('gives an outcome, and success only for a result that keeps what the tool has promised', async () => {
    const isOutcome = fc.asyncProperty(
      fc.array(anyLine, { minLength: 1, maxLength: 4 }),
      async (lines) => {
        // After an announcement the list is read again.
        await eventually(() => runner.readiness('other/say').ready, { what: 'the list' });

        const result = await say(runner, { text: lines.join('\n') });

        assertResult(result, lines);
      },
    );

    await fc.assert(isOutcome, runs(60));
  });

  it('is left when a line of it does not end, and started again', async () => {
    const result = await say(runner, { text: 'x'.repeat(100_000), endless: true }, 60_000);

    assert.equal(result.outcome, 'OutcomeUnknown');
    await eventually(() => runner.readiness('other/say').ready, { what: 'the program again' });
    const again = await say(
      runner,
      { text: JSON.stringify(ANSWER).replace('4711', '$ID') },
      10_000,
    );
    assert.equal(again.outcome, 'Succeeded');
  });

  it('cannot put off the end of a call by telling of its progress', async () => {
    const progress = JSON.stringify(OTHERS[1]).replace('4711', '$ID');

    const result = await say(runner, { text: `${progress}\n`, endless: true });

    assert.equal(result.outcome, 'OutcomeUnknown');
  });
});

describe('an address that answers nearly as a server should', () => {
  let tools: unknown;
  let runner: McpActionRunner;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    if (request.method !== 'POST') {
      response.writeHead(405).end();
      return;
    }
    void json(request).then((message) => send(response, hostileAnswer(message, tools)));
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    runner = await openRunner([{ name: 'other', url: url() }]);
  });
  after(async () => {
    await runner[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
  });

  it('gives an outcome, and success only for a result that keeps what the tool has promised', async () => {
    const answers = fc.array(anyLine, { minLength: 1, maxLength: 3 }).chain((lines) =>
      fc.record({
        lines: fc.constant(lines),
        status: fc.oneof(
          { weight: 9, arbitrary: fc.constant(200) },
          fc.constantFrom(202, 204, 301, 400, 401, 403, 404, 429, 500, 503),
        ),
        type: fc.constantFrom('application/json', 'text/event-stream', 'text/html'),
      }),
    );
    const isOutcome = fc.asyncProperty(answers, async ({ lines, status, type }) => {
      await eventually(() => runner.readiness('other/say').ready, { what: 'the list' });
      const isStream = type === 'text/event-stream';
      const text = isStream ? lines.map((one) => `data: ${one}\n\n`).join('') : (lines[0] ?? '');

      const result = await say(runner, { text, status, type });

      // Several answers may also come in one, as a list.
      assertResult(result, isStream ? lines : lines.slice(0, 1));
    });

    await fc.assert(isOutcome, runs(60));
  });

  for (const [what, said] of [
    ['a body that does not end', { text: ' '.repeat(100_000), type: 'application/json' }],
    [
      'an event that does not end',
      { text: `data: ${'x'.repeat(100_000)}\n`, type: 'text/event-stream' },
    ],
  ] as const) {
    it(`keeps no more than so much of ${what}`, async () => {
      sentBytes = 0;

      const result = await say(runner, { ...said, endless: true }, 3_000);

      assertResult(result, []);
      // Its bound, and what the sockets hold between the two.
      assert.ok(sentBytes > 10 * MIB && sentBytes < 40 * MIB, `${sentBytes} bytes`);
    });
  }

  it('is not used when what it lists could not be pinned', async () => {
    const inputSchema = { type: 'object' };
    tools = [{ name: 'say', inputSchema }];
    await using one = await openRunner([{ name: 'other', url: url() }]);
    tools = [{ name: 'say', inputSchema, description: 'half: \ud800' }];
    await using two = await openRunner([{ name: 'other', url: url() }]);

    const readiness = two.readiness('other/say');

    assert.deepEqual(one.readiness('other/say'), { ready: true });
    assert.match(readiness.ready ? '' : readiness.message, /its tool say cannot be pinned/);
  });

  it('cannot keep us busy with a schema that doubles at each level', async () => {
    const levels = Array.from({ length: 40 }, (_, level) => {
      const $ref = `#/$defs/d${level}`;
      return [`d${level + 1}`, { anyOf: [{ $ref }, { $ref }] }];
    });
    const $defs = { ...Object.fromEntries(levels), d0: { type: 'null' } };
    const properties = { a: { $ref: '#/$defs/d40' } };
    tools = [{ name: 'say', inputSchema: { type: 'object', properties, $defs } }];
    await using one = await openRunner([{ name: 'other', url: url() }]);

    const problems = one.describe('other/say')?.validate({ a: 'x' });

    assert.deepEqual(problems, ['its input schema cannot be used']);
  });

  it('lists tools that can be used, or is not used at all', async () => {
    const list = [
      {
        name: 'say',
        description: 'x',
        inputSchema: {
          type: 'object',
          properties: { a: { type: 'string', pattern: '^(a+)+$' } },
          required: ['a'],
        },
        outputSchema: { type: 'object' },
        annotations: { readOnlyHint: true },
      },
      {
        name: 'mumble',
        inputSchema: {
          type: 'object',
          $defs: { a: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/a' }] } },
        },
      },
    ];
    const isEither = fc.asyncProperty(nearJson(list), async (changed) => {
      tools = changed;
      await using one = await openRunner([{ name: 'other', url: url() }]);

      const listed = one.servers().find(({ name }) => name === 'other')?.tools ?? [];
      for (const { name } of listed) {
        const tool = one.describe(`other/${name}`);
        const problems = tool?.validate({ a: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' });
        assert.ok(problems === undefined || problems.every((text) => typeof text === 'string'));
        assert.equal(tool?.readOnly ?? false, false);
      }
      const readiness = one.readiness('other/say');
      if (readiness.ready) assert.ok(listed.some(({ name }) => name === 'say'));
      else assert.ok(readiness.message.length < 10_000, `${readiness.message.length} characters`);
      assert.deepEqual(one.readiness('docker/restart_container'), { ready: true });
      assertUnpolluted();
    });

    await fc.assert(isEither, runs(60));
  });
});

/** On streams without an end. */
let sentBytes = 0;

async function send(response: ServerResponse, said: Said | undefined): Promise<void> {
  if (said === undefined) {
    response.writeHead(202).end();
    return;
  }
  const { text, status = 200, type = 'application/json', endless = false } = said;
  response.writeHead(status, { 'content-type': type });
  if (!endless) {
    response.end(text);
    return;
  }
  const closed = once(response, 'close');
  while (!response.destroyed) {
    sentBytes += text.length;
    if (!response.write(text)) await Promise.race([once(response, 'drain'), closed]);
  }
}
