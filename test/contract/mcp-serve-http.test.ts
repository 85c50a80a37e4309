import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerServer } from '#adapters/mcp/docker-server.ts';
import { type McpHttpServer, startMcpHttpServer } from '#adapters/mcp/serve-http.ts';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import { expectationOf, INTENT, NEVER } from '../support/actions.ts';
import { callServed, openRunner } from '../support/mcp-client.ts';
import { createScriptedServer, createWorld } from '../support/scripted-mcp-server.ts';

const TOKEN = 'a-token-for-these-tests';

/** The tools of `sentinel mcp serve`, and a client that has pinned them. */
async function dockerOverHttp({ readOnly = false, token = TOKEN } = {}) {
  const clock = createSystemClock();
  const engine = new MemoryEngine(clock);
  const actions = createBuiltinActions({ runtime: engine, operations: engine, clock });
  const server = await startMcpHttpServer({
    createServer: () => createDockerServer({ actions, version: '1', readOnly, redacts: true }),
    token: TOKEN,
    port: 0,
  });
  const runner = await openRunner([{ name: 'served', url: server.url, token }]);
  const ask = (tool: string, args: JsonObject) => callServed(runner, tool, args);
  return {
    engine,
    runner,
    ask,
    /** Acts as a client does that has looked at the container. */
    act: async (tool: string, ref: string) => {
      const seen = (await engine.inspect(ref, NEVER)) ?? assert.fail(`no ${ref}`);
      const { id, state, startedAtMs = 0 } = expectationOf(seen);
      return ask(tool, { target: id, intentId: INTENT, expect: [{ id, state, startedAtMs }] });
    },
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('the built-in server, for other clients', () => {
  it('acts, sets aside, goes back and settles as it does in process', async () => {
    await using bench = await dockerOverHttp();
    const old = await bench.engine.add({ name: 'web' });

    const made = await bench.act('recreate_container', 'web');
    const back = await bench.ask('recover_intent', { intentId: INTENT });
    const settled = await bench.ask('settle_intent', { intentId: INTENT });

    assert.equal(made.outcome, 'Succeeded');
    assert.equal(back.outcome, 'Succeeded');
    assert.equal((await bench.engine.inspect('web', NEVER))?.id, old);
    assert.equal(settled.outcome, 'Succeeded');
  });

  it('redacts what leaves it', async () => {
    await using bench = await dockerOverHttp();
    await bench.engine.add({ name: 'web' });
    const key = ['-----BEGIN PRIVATE KEY-----', 'MIIEvQ', 'IBADAN', '-----END PRIVATE KEY-----'];
    for (const line of ['pass\u001b[1mword=hunter2', ...key, 'listening']) {
      bench.engine.writeLog('web', line);
    }

    const answer = await bench.ask('get_logs', { target: 'web' });

    const { lines } = Object(answer.outcome === 'Succeeded' && answer.result['structured']).result;
    assert.deepEqual(
      lines.map(({ text }: { text: string }) => text),
      ['password=[redacted:password#1]', '[redacted:private-key#2]', 'listening'],
    );
    assert.doesNotMatch(JSON.stringify(answer), /hunter2|MIIEvQ/);
  });

  it('offers nothing that acts in its read-only profile', async () => {
    await using bench = await dockerOverHttp({ readOnly: true });
    await bench.engine.add({ name: 'web' });

    const reads = await bench.ask('health_check', { target: 'web' });
    const acts = await bench.act('restart_container', 'web');

    assert.equal(reads.outcome, 'Succeeded');
    assert.equal(acts.outcome === 'NotExecuted' && acts.reason, 'ToolUnknown');
  });

  it('lets nobody in with another token', async () => {
    await using bench = await dockerOverHttp({ token: 'a-token-of-somebody-else' });

    const readiness = bench.runner.readiness('served/health_check');

    assert.equal(readiness.ready === false && readiness.reason, 'ServerUnavailable');
  });
});

describe('a request is refused', () => {
  for (const [why, headers, status] of [
    ['without a token', { authorization: undefined }, 401],
    ['with another token', { authorization: `Bearer ${TOKEN}x` }, 401],
    ['with the beginning of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401],
    ['from a web page elsewhere', { origin: 'https://evil.example' }, 403],
    ['from a page of no origin', { origin: 'null' }, 403],
    ['by a name that was bound to this address', { host: 'evil.example:80' }, 403],
    ['in a session that nobody opened', { 'mcp-session-id': 'made-up' }, 404],
  ] as const) {
    it(`${why}: ${status}`, async () => {
      const world = createWorld();
      await using server = await startMcpHttpServer({
        createServer: async () => createScriptedServer(world),
        token: TOKEN,
        port: 0,
      });

      const answer = await post(server, headers);

      assert.equal(answer, status);
    });
  }

  it('and one from a page of this host, with the token, is not', async () => {
    const world = createWorld();
    await using server = await startMcpHttpServer({
      createServer: async () => createScriptedServer(world),
      token: TOKEN,
      port: 0,
    });

    assert.equal(await post(server, { origin: new URL(server.url).origin }), 200);
  });

  it('a server without a real token does not start', async () => {
    const start = startMcpHttpServer({
      createServer: async () => createScriptedServer(createWorld()),
      token: '',
      port: 0,
    });

    await assert.rejects(start, { code: 'SENTINEL_CONFIG_INVALID' });
  });
});

/** Sends an initialize request. `fetch` would not let `Host` be chosen. */
function post(
  { url }: McpHttpServer,
  headers: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const all: Record<string, string | undefined> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization: `Bearer ${TOKEN}`,
    ...headers,
  };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: given }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(
      JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-06-18',
          capabilities: {},
          clientInfo: { name: 'test', version: '1' },
        },
      }),
    );
  });
}
