import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { serveMcpStdio } from '#adapters/mcp/serve-stdio.ts';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';

// The built-in server as a program to be started by a client, over an engine in memory.
const clock = createSystemClock();
const engine = new MemoryEngine(clock);
await engine.add({ name: 'web' });
const actions = createBuiltinActions({ runtime: engine, operations: engine, clock });
await serveMcpStdio({ actions, version: '1' });
