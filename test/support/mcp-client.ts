import {
  createMcpActionRunner,
  type McpActionRunner,
  type McpServerConfig,
} from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, pinTools } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import type { ActionResult, JsonObject } from '#ports/action-runner.ts';
import { actionBench, NEVER } from './actions.ts';

/** Our client, connected to servers that somebody has looked at and pinned. */
export async function openRunner(servers: readonly McpServerConfig[]): Promise<McpActionRunner> {
  const runner = createMcpActionRunner({
    clock: createSystemClock(),
    version: '1',
    docker: { actions: actionBench().actions, version: '1' },
    servers,
    enabledTools: [],
    lock: EMPTY_LOCK,
  });
  await runner.connected();
  const lock = servers.reduce((pinned, { name }) => {
    const tools = runner.servers().find((server) => server.name === name)?.tools ?? [];
    return pinTools(pinned, name, tools);
  }, EMPTY_LOCK);
  runner.setLock(lock);
  return runner;
}

/** Calls a tool of the server `served`, whose arguments the caller gives in full. */
export function callServed(
  runner: McpActionRunner,
  tool: string,
  args: JsonObject,
): Promise<ActionResult> {
  const expect = [{ id: 'f'.repeat(64), state: 'running' as const }] as const;
  const call = { tool: `served/${tool}`, arguments: args, intentId: 'i1', expect };
  return runner.call({ ...call, timeoutMs: 20_000 }, NEVER);
}
