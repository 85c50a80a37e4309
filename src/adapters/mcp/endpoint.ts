import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { boundedFetch } from './bounded-fetch.ts';
import { createDockerServer, type DockerServerOptions } from './docker-server.ts';

/** Where a server is: in this process, a program to start, or an address. */
export type McpEndpoint =
  | DockerServerOptions
  | {
      readonly command: string;
      readonly args?: readonly string[];
      /** Added to a small default environment; ours is not passed on: it holds secrets. */
      readonly env?: Readonly<Record<string, string>>;
    }
  | {
      readonly url: string;
      /** Sent as a bearer token. */
      readonly token?: string;
    };

/** One way to a server; `sessionId` tells whether the server keeps a session for us. */
export interface OpenedTransport {
  readonly transport: Transport;
  readonly sessionId: () => string | undefined;
}

/** Makes a transport that is not yet started. The SDK's parts are loaded when they are needed. */
export async function openTransport(endpoint: McpEndpoint): Promise<OpenedTransport> {
  if ('actions' in endpoint) return { transport: await inProcess(endpoint), sessionId: none };
  if ('command' in endpoint) return { transport: await stdio(endpoint), sessionId: none };

  const { StreamableHTTPClientTransport } = await import(
    '@modelcontextprotocol/sdk/client/streamableHttp.js'
  );
  const headers: Record<string, string> =
    endpoint.token === undefined ? {} : { authorization: `Bearer ${endpoint.token}` };
  const transport = new StreamableHTTPClientTransport(new URL(endpoint.url), {
    requestInit: { headers },
    fetch: boundedFetch,
  });
  // The SDK's class is its Transport but for `exactOptionalPropertyTypes`.
  return { transport: transport as Transport, sessionId: () => transport.sessionId };
}

function none(): undefined {
  return undefined;
}

async function inProcess(options: DockerServerOptions): Promise<Transport> {
  const { InMemoryTransport } = await import('@modelcontextprotocol/sdk/inMemory.js');
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair();
  const server = await createDockerServer(options);
  await server.connect(serverSide);
  return clientSide;
}

async function stdio(endpoint: {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}): Promise<Transport> {
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  return new StdioClientTransport({
    command: endpoint.command,
    args: [...(endpoint.args ?? [])],
    env: { ...endpoint.env },
    // Its words could hold anything, and our stderr is for our own log.
    stderr: 'ignore',
  });
}
