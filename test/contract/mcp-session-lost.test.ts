import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createMcpActionRunner } from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, pinTools } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { actionBench, NEVER } from '../support/actions.ts';

interface Message {
  readonly id?: number;
  readonly method: string;
}

/**
 * A server by hand, since the SDK's own cannot answer one method with a status: `statusOfCall`
 * says what each `tools/call` gets in turn, 200 when there is none left.
 */
async function serverWith(statusOfCall: number[]) {
  const seen: string[] = [];
  const versions = new Set<string | undefined>();
  let sessions = 0;

  const results: Readonly<Record<string, unknown>> = {
    initialize: {
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'by-hand', version: '1' },
    },
    ping: {},
    'tools/list': { tools: [{ name: 'work', inputSchema: { type: 'object' } }] },
    'tools/call': { content: [{ type: 'text', text: 'done' }] },
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method } = JSON.parse(await bodyOf(request)) as Message;
    seen.push(method);
    if (method !== 'initialize') versions.add(String(request.headers['mcp-protocol-version']));
    const status = method === 'tools/call' ? (statusOfCall.shift() ?? 200) : 200;
    if (id === undefined) return response.writeHead(202).end();
    if (method === 'initialize') sessions += 1;
    response.writeHead(status, {
      'content-type': 'application/json',
      'mcp-session-id': `session-${sessions}`,
    });
    return response.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] }));
  };
  const http = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;

  const runner = createMcpActionRunner({
    clock: createSystemClock(),
    version: '1',
    docker: { actions: actionBench().actions, version: '1' },
    servers: [{ name: 'other', url: `http://127.0.0.1:${port}/mcp` }],
    enabledTools: [],
    lock: EMPTY_LOCK,
  });
  await runner.connected();
  const tools = runner.servers().find(({ name }) => name === 'other')?.tools ?? [];
  runner.setLock(pinTools(EMPTY_LOCK, 'other', tools));
  return {
    seen,
    versions,
    call: () =>
      runner.call(
        {
          tool: 'other/work',
          arguments: {},
          intentId: 'i1',
          expect: [{ id: 'f'.repeat(64), state: 'running' }],
          timeoutMs: 10_000,
        },
        NEVER,
      ),
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

it('a session that ends between the ping and the call is opened anew, and the call sent again', async () => {
  await using server = await serverWith([404]);

  const result = await server.call();

  assert.deepEqual(result, { outcome: 'Succeeded', result: { text: 'done' } });
  assert.equal(server.seen.filter((method) => method === 'initialize').length, 2);
  assert.equal(server.seen.filter((method) => method === 'tools/call').length, 2);
});

it('a session that is lost twice in one call was never looked at: not a third time', async () => {
  await using server = await serverWith([404, 404, 200]);

  const result = await server.call();

  assert.equal(result.outcome === 'NotExecuted' && result.reason, 'ServerUnavailable');
  assert.equal(server.seen.filter((method) => method === 'tools/call').length, 2);
});

for (const [status, outcome] of [
  [401, 'NotExecuted'],
  [403, 'NotExecuted'],
  [429, 'NotExecuted'],
  [500, 'OutcomeUnknown'],
  [502, 'OutcomeUnknown'],
  [504, 'OutcomeUnknown'],
] as const) {
  it(`a call that is answered with ${status} is ${outcome}, and is not repeated`, async () => {
    await using server = await serverWith([status]);

    const result = await server.call();

    assert.equal(result.outcome, outcome);
    assert.equal(server.seen.filter((method) => method === 'tools/call').length, 1);
  });
}

it('the version that was agreed on goes with every request', async () => {
  await using server = await serverWith([]);

  await server.call();

  assert.deepEqual([...server.versions], ['2025-06-18']);
});
