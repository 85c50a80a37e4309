import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startMcpHttpServer } from '#adapters/mcp/serve-http.ts';
import { EMPTY_LOCK, pinTools, writeLock } from '#adapters/mcp/tools-lock.ts';
import { eventually } from '../support/engine.ts';
import { openRunner } from '../support/mcp-client.ts';
import { aPolicy } from '../support/scenario.ts';
import { createScriptedServer, createWorld } from '../support/scripted-mcp-server.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';

const TOKEN = 'a-token-for-these-tests';
const WEB = aPolicy({ selector: { names: ['web*'] } }, 'web');

/** Allows one tool of the server `other`. */
function pager(args: object): object {
  const allowed = [{ name: 'page', tool: 'other/echo', arguments: args }];
  const spec = { selector: { names: ['db*'] }, remediation: { mode: 'Auto', allowed } };
  return aPolicy(spec, 'pager');
}

async function start(url: string, policies: readonly object[]): Promise<SentinelProcess> {
  return SentinelProcess.start({
    policies,
    config: { mcp: { servers: { other: { url, token: 'OTHER_TOKEN' } } } },
    env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock', OTHER_TOKEN: TOKEN },
    until: 'serving',
  });
}

async function scriptedServer(port = 0) {
  return startMcpHttpServer({
    createServer: async () => createScriptedServer(createWorld()),
    token: TOKEN,
    port,
  });
}

/** Pins what the server lists, as a person does who has looked at it. */
async function pin(operator: SentinelProcess, url: string): Promise<void> {
  await using runner = await openRunner([{ name: 'other', url, token: TOKEN }]);
  const tools = runner.servers().find(({ name }) => name === 'other')?.tools ?? [];
  const lock = pinTools(EMPTY_LOCK, 'other', tools);
  await writeLock(join(operator.policies, 'sentinel.tools.lock'), lock);
}

/** By policy, why its tools are (not) ready; `undefined` while policies are unknown or stalled. */
async function tools(operator: SentinelProcess): Promise<Record<string, string> | undefined> {
  const { body } = await operator.get('/api/v1/policies');
  type Policy = {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly conditions: readonly { readonly type: string; readonly reason: string }[];
    };
  };
  const reasonOf = ({ status }: Policy, wanted: string) =>
    status.conditions.find(({ type }) => type === wanted)?.reason ?? '';
  const items = body.items as readonly Policy[];
  if (items.some((item) => reasonOf(item, 'Stalled') !== 'UpToDate')) return undefined;
  return Object.fromEntries(
    items.map((item) => [item.metadata.name, reasonOf(item, 'ToolsReady')]),
  );
}

describe('an MCP server at the start', () => {
  it('that is away stops its own tools alone, until it comes', async () => {
    const server = await scriptedServer();
    const { url } = server;
    await using operator = await start(url, [WEB, pager({ text: { $target: 'name' } })]);
    await pin(operator, url);
    await server[Symbol.asyncDispose]();

    await operator.restart();
    const { status } = await operator.get('/healthz');
    const without = await tools(operator);
    await using _again = await scriptedServer(Number(new URL(url).port));
    await eventually(async () => (await tools(operator))?.['pager'] === 'Ready', {
      what: 'the tools of the server that came',
    });

    assert.equal(status, 200);
    assert.deepEqual(without, { pager: 'ServerUnavailable', web: 'Ready' });
  });

  it('that nobody has pinned is ready as soon as somebody does, without a restart', async () => {
    await using server = await scriptedServer();
    await using operator = await start(server.url, [WEB, pager({ text: { $target: 'name' } })]);
    await eventually(async () => (await tools(operator))?.['pager'] === 'ToolNotPinned', {
      what: 'the tools of the server',
    });

    await pin(operator, server.url);

    await eventually(async () => (await tools(operator))?.['pager'] === 'Ready', {
      what: 'the pins',
      timeoutMs: 30_000,
    });
  });

  // Its own limit to connect is 15 s, of each attempt.
  it('that never answers holds neither the start up nor the end', { timeout: 14_000 }, async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = Object(server.address());
    await using operator = await start(`http://127.0.0.1:${port}/mcp`, [
      WEB,
      pager({ text: { $target: 'name' } }),
    ]);

    const found = await tools(operator);
    const code = await operator.stop();
    server.close();

    assert.deepEqual(found, { pager: 'ServerUnavailable', web: 'Ready' });
    assert.equal(code, 0);
  });

  it('whose tool does not take what a policy gives it keeps no policy from loading', async () => {
    await using server = await scriptedServer();
    await using operator = await start(server.url, [WEB]);
    await pin(operator, server.url);
    await operator.writePolicy(pager({ words: { $target: 'name' } }));

    await operator.restart();
    await eventually(async () => (await tools(operator))?.['pager'] === 'Ready', {
      what: 'both policies',
    });

    const doubts = operator.logs.filter(({ msg }) => msg === 'a policy is doubtful');
    assert.match(
      JSON.stringify(doubts),
      /other\/echo will not be called: the tool takes no argument/,
    );
    assert.deepEqual(Object.keys((await operator.state()).policies), ['pager', 'web']);
  });
});
