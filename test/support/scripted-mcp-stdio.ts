import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createScriptedServer, createWorld } from './scripted-mcp-server.ts';

// A program to be started by a client. Its argument is what its descriptions end with.
const world = createWorld();
world.suffix = process.argv[2] ?? '';
await createScriptedServer(world).connect(new StdioServerTransport());
process.stdin.once('end', () => process.exit(0));
