import { createDockerServer, type DockerServerOptions } from './docker-server.ts';

/**
 * Offers the built-in tools on stdin and stdout, which nothing else may write to. Resolves when the
 * client has gone.
 */
export async function serveMcpStdio(options: DockerServerOptions): Promise<void> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const server = await createDockerServer(options);
  const closed = new Promise<void>((resolve) => {
    server.onclose = resolve;
  });
  // The SDK's transport does not notice that its client has gone.
  process.stdin.once('end', () => void server.close());
  await server.connect(new StdioServerTransport());
  await closed;
}
