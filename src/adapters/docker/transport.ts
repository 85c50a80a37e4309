import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { DockerEndpoint } from './endpoint.ts';

export interface DockerCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the version prefix, with encoded segments: `/containers/ID/json`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** `code` is the HTTP status, or `error` when no answer came. */
export type OnRequest = (request: { readonly method: string; readonly code: string }) => void;

export interface Transport {
  /**
   * Resolves with the response once its header is there, whatever the status.
   *
   * @param prefix before the call's path: the version
   * @throws whatever the connection failed with
   */
  dial(
    call: DockerCall,
    prefix: string,
    options: { readonly signal: AbortSignal; readonly keep: boolean },
  ): Promise<IncomingMessage>;
  close(): void;
}

/**
 * Carries calls to the engine with Node's own HTTP client, over a socket, TCP or TLS.
 *
 * Reads go over kept connections. Streams and writes get one of their own: a stale connection must
 * never leave it open whether a write was carried out.
 */
export function createTransport(endpoint: DockerEndpoint, onRequest?: OnRequest): Transport {
  const target = targetOf(endpoint);
  const { Agent } = target.client;
  const agents = { kept: new Agent({ keepAlive: true, maxFreeSockets: 8 }), single: new Agent() };
  const basePath = endpoint.kind === 'tcp' ? endpoint.basePath : '';

  return {
    async dial(call, prefix, { signal, keep }) {
      assertPlain(call.path);
      const query =
        call.query === undefined ? '' : `?${new URLSearchParams(call.query).toString()}`;
      const body = call.body === undefined ? undefined : JSON.stringify(call.body);
      const options = {
        ...target.options,
        method: call.method,
        path: `${basePath}${prefix}${call.path}${query}`,
        headers: headersOf(body),
        agent: keep ? agents.kept : agents.single,
        signal,
      };
      try {
        const response = await send(target.client, options, body);
        onRequest?.({ method: call.method, code: String(response.statusCode) });
        return response;
      } catch (cause) {
        onRequest?.({ method: call.method, code: 'error' });
        throw cause;
      }
    },
    close() {
      agents.kept.destroy();
      agents.single.destroy();
    },
  };
}

interface Target {
  readonly client: typeof http | typeof https;
  readonly options: https.RequestOptions;
}

function targetOf(endpoint: DockerEndpoint): Target {
  // The engine wants a Host header, and on a socket there is no host.
  if (endpoint.kind === 'unix') {
    return { client: http, options: { socketPath: endpoint.socketPath, host: 'docker' } };
  }
  const { host, port, tls } = endpoint;
  if (tls === undefined) return { client: http, options: { host, port } };
  return { client: https, options: { host, port, ...tls, rejectUnauthorized: true } };
}

function headersOf(body: string | undefined): Record<string, string> {
  if (body === undefined) return {};
  return {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
}

function send(
  client: Target['client'],
  options: https.RequestOptions,
  body: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = client.request(options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

/** Go's server answers a path that is not in its shortest form with a redirect to another resource. */
function assertPlain(path: string): void {
  const segments = path.slice(1).split('/').map(decodeURIComponent);
  const isOdd = (segment: string) => /^\.{0,2}$/.test(segment) || segment.includes('/');
  if (!segments.some(isOdd)) return;
  throw new Error(`not a path of the Docker API: ${path}`);
}
