import { readFileSync } from 'node:fs';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createDockerServer } from '#adapters/mcp/docker-server.ts';
import { startMcpHttpServer } from '#adapters/mcp/serve-http.ts';
import { serveMcpStdio } from '#adapters/mcp/serve-stdio.ts';
import { untilSignal } from '#adapters/system/signals.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { CliError } from '#cli/context.ts';
import type { McpServeOptions } from '#cli/wiring.ts';
import { loadConfig } from '#config.ts';
import { VERSION } from '#lib/version.ts';

/**
 * Offers the built-in tools until the client goes (stdio) or a signal comes (HTTP).
 *
 * @param onListening told the address, once there is one
 */
export async function serveMcp(
  options: McpServeOptions,
  env: Readonly<Record<string, string | undefined>>,
  onListening: (url: string) => void,
): Promise<void> {
  const config = loadConfig(env, {}, (path) => readFileSync(path, 'utf8'));
  const clock = createSystemClock();
  using connection = createDockerConnection(config.docker);
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  const server = {
    actions: createBuiltinActions({ runtime, operations, clock }),
    version: VERSION,
    readOnly: options.readOnly,
    // The caller is another process: what it gets has left this one.
    redacts: true,
  };
  if (options.transport === 'stdio') {
    await serveMcpStdio(server);
    return;
  }
  const token = config.secret('SENTINEL_MCP_TOKEN');
  if (token === undefined) {
    const remedy = 'Set SENTINEL_MCP_TOKEN, or SENTINEL_MCP_TOKEN_FILE to a file that holds it.';
    throw new CliError(2, 'serving over HTTP needs a bearer token', remedy);
  }
  const { host, port, allowedHosts } = options;
  await using http = await startMcpHttpServer({
    createServer: () => createDockerServer(server),
    token,
    host,
    port,
    allowedHosts,
  });
  onListening(http.url);
  await untilSignal('SIGTERM', 'SIGINT');
}
