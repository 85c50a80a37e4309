import { callServed, openRunner } from '../test/support/mcp-client.ts';

// Our MCP client for the public conformance suite: connects to the address that it is given, lists
// the tools, and calls each with numbers for what its schema requires. The scenarios initialize,
// tools_call and sse-retry pass; elicitation must fail, since Sentinel offers none; those of OAuth
// need a provider, and Sentinel takes a bearer token. Run one with
//   npx @modelcontextprotocol/conformance client --scenario tools_call \
//     --command "node scripts/mcp-conformance-client.ts"
await using runner = await openRunner([{ name: 'served', url: process.argv.at(-1) ?? '' }]);

const server = runner.servers().find(({ name }) => name === 'served');
for (const { name, inputSchema } of server?.tools ?? []) {
  const { required = [] } = inputSchema as { readonly required?: readonly string[] };
  const args = Object.fromEntries(required.map((argument, index) => [argument, index + 1]));
  process.stdout.write(`${name}: ${JSON.stringify(await callServed(runner, name, args))}\n`);
}
