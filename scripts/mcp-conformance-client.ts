import { createMcpActionRunner } from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, pinTools } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';

// Our MCP client for the public conformance suite: connects to the address that it is given, lists
// the tools, and calls each with numbers for what its schema requires. The scenarios initialize,
// tools_call and sse-retry pass; elicitation must fail, since Sentinel offers none; those of OAuth
// need a provider, and Sentinel takes a bearer token. Run one with
//   npx @modelcontextprotocol/conformance client --scenario tools_call \
//     --command "node scripts/mcp-conformance-client.ts"
const url = process.argv.at(-1) ?? '';
await using runner = createMcpActionRunner({
  clock: createSystemClock(),
  version: '0',
  // The suite is about other servers: the built-in one stays away.
  docker: { command: 'false' },
  servers: [{ name: 'other', url }],
  enabledTools: [],
  lock: EMPTY_LOCK,
});
await runner.connected();

const server = runner.servers().find(({ name }) => name === 'other');
runner.setLock(pinTools(EMPTY_LOCK, 'other', server?.tools ?? []));
for (const { name, inputSchema } of server?.tools ?? []) {
  const { required = [] } = inputSchema as { readonly required?: readonly string[] };
  const result = await runner.call(
    {
      tool: `other/${name}`,
      arguments: Object.fromEntries(required.map((argument, index) => [argument, index + 1])),
      intentId: 'conformance',
      expect: [{ id: 'f'.repeat(64), state: 'running' }],
      timeoutMs: 20_000,
    },
    new AbortController().signal,
  );
  process.stdout.write(`${name}: ${JSON.stringify(result)}\n`);
}
