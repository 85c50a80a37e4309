import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ConfigError } from '#core/errors.ts';

/** More clients than this push out the one that was silent longest. */
const SESSIONS_MAX = 64;
const TOKEN_CHARACTERS_MIN = 16;
const LOOPBACK: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

export interface McpHttpOptions {
  /** A server of its own for each session: one holds one transport. */
  readonly createServer: () => Promise<Server>;
  /** What clients send as their bearer token; at least 16 characters. */
  readonly token: string;
  /** `127.0.0.1` unless given. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Names, beside those of the loopback, that clients may use for this server in `Host`. */
  readonly allowedHosts?: readonly string[];
}

export interface McpHttpServer extends AsyncDisposable {
  readonly url: string;
}

interface SessionEntry {
  readonly transport: StreamableHTTPServerTransport;
  readonly server: Server;
}

/**
 * Offers an MCP server at `/mcp` by Streamable HTTP. Every request needs the token; `Host` and
 * `Origin` are checked, so that no web page can reach it through somebody's browser.
 *
 * @throws {ConfigError} the token is missing or too short, or the address cannot be used
 */
export async function startMcpHttpServer(options: McpHttpOptions): Promise<McpHttpServer> {
  const { token, host = '127.0.0.1', port } = options;
  if (token.length < TOKEN_CHARACTERS_MIN) {
    throw new ConfigError(`the token must have at least ${TOKEN_CHARACTERS_MIN} characters`);
  }
  const { StreamableHTTPServerTransport: HttpTransport } = await import(
    '@modelcontextprotocol/sdk/server/streamableHttp.js'
  );
  const sessions = new Map<string, SessionEntry>();
  const isAllowedHost = hostCheck([host, ...(options.allowedHosts ?? [])]);

  const http = createHttpServer((request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) refuse(response, 500, 'internal error');
      else response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, isAllowedHost, token);
    if (refusal !== undefined) return refuse(response, refusal.status, refusal.message);
    const id = request.headers['mcp-session-id'];
    if (id === undefined) return (await openSession()).transport.handleRequest(request, response);

    const session = typeof id === 'string' ? sessions.get(id) : undefined;
    // 404 tells the client to initialize anew.
    if (session === undefined || typeof id !== 'string') return refuse(response, 404, 'no session');
    sessions.delete(id);
    sessions.set(id, session);
    return session.transport.handleRequest(request, response);
  }

  /** Kept only once the client has initialized: anything else is answered, and forgotten. */
  async function openSession(): Promise<SessionEntry> {
    const server = await options.createServer();
    const transport: StreamableHTTPServerTransport = new HttpTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: async (id) => {
        sessions.set(id, { transport, server });
        const [oldest] = sessions;
        if (sessions.size > SESSIONS_MAX && oldest !== undefined) await closeSession(...oldest);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
    });
    // The SDK's class is its Transport but for `exactOptionalPropertyTypes`.
    await server.connect(transport as Transport);
    return { transport, server };
  }

  async function closeSession(id: string, { server }: SessionEntry): Promise<void> {
    sessions.delete(id);
    await server.close();
  }

  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause) => {
      reject(new ConfigError(`cannot listen on ${host}:${port}`, { cause }));
    });
    http.listen(port, host, resolve);
  });
  const address = http.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}/mcp`,
    async [Symbol.asyncDispose]() {
      for (const [id, session] of sessions) await closeSession(id, session);
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      http.closeAllConnections();
      await closed;
    },
  };
}

function refusalOf(
  { headers, url = '' }: IncomingMessage,
  isAllowedHost: (host: string) => boolean,
  token: string,
): { readonly status: number; readonly message: string } | undefined {
  if (!isAllowedHost(headers.host ?? '')) return { status: 403, message: 'host not allowed' };
  const { origin } = headers;
  if (origin !== undefined && !isAllowedHost(hostOfOrigin(origin))) {
    return { status: 403, message: 'origin not allowed' };
  }
  if (!isSameSecret(headers.authorization ?? '', `Bearer ${token}`)) {
    return { status: 401, message: 'unauthorized' };
  }
  return url.split('?', 1)[0] === '/mcp' ? undefined : { status: 404, message: 'not found' };
}

/** Ports are not compared: whoever reaches this port knows it. */
function hostCheck(names: readonly string[]): (host: string) => boolean {
  const allowed = new Set([...LOOPBACK, ...names].map((name) => name.toLowerCase()));
  return (host) => allowed.has(host.toLowerCase().replace(/:\d+$/, ''));
}

function hostOfOrigin(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

/** Digests have one length, so neither the content nor the length shows in the time it takes. */
function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function refuse(response: ServerResponse, status: number, message: string): void {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  response.writeHead(status, headers);
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message }, id: null }));
}
