import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { pipeline, type Readable } from 'node:stream';

/** Of the engine that the tests use. */
export const SOCKET = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').slice(
  'unix://'.length,
);

export interface EngineProxy extends AsyncDisposable {
  /** 0 where it listens on a socket. */
  readonly port: number;
  /** `METHOD /path` of every request, as it came. */
  readonly requests: readonly string[];
  /** Connections that were made, to tell kept ones from new ones. */
  connections(): number;
  /** Cuts every connection, as a proxy's own timeout does. */
  cut(): void;
}

export interface ProxyOptions {
  /** What `/_ping` claims instead of the engine's version; null takes the header away. */
  readonly apiVersion?: () => string | null | undefined;
  /** Answers in the engine's place. Returns false to let the request pass. */
  readonly answer?: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
  /** Holds a request back until it resolves, or for ever; the engine does not know of it yet. */
  readonly before?: (request: http.IncomingMessage) => Promise<void> | undefined;
  /** Holds the engine's answer back; what was asked for is done by then. */
  readonly after?: (request: http.IncomingMessage) => Promise<void> | undefined;
  /** What is passed on of the body of an answer. */
  readonly relay?: (request: http.IncomingMessage, body: Readable) => Readable;
  /** The engine's socket, if it is not that of the tests. */
  readonly engine?: string;
  /** Listens on a socket of this path instead of a port. */
  readonly path?: string;
  /** Asks for a certificate signed by `ca`. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string };
}

/** An endpoint before the engine's socket: TCP or TLS on a free port of the loopback, or a socket. */
export async function startEngineProxy(options: ProxyOptions = {}): Promise<EngineProxy> {
  const requests: string[] = [];
  let connections = 0;
  const forward = async (request: http.IncomingMessage, response: http.ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    if (options.answer?.(request, response) === true) return;
    const { method, url, headers } = request;
    // Read first: whoever gives up meanwhile takes the rest of the request along.
    const body = Buffer.concat(await request.toArray());
    await options.before?.(request);
    const { engine: socketPath = SOCKET } = options;
    const upstream = http.request({ socketPath, method, path: url, headers, agent: false });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    upstream.end(body);
    const [answer] = (await once(upstream, 'response')) as [http.IncomingMessage];
    await options.after?.(request);
    const answerHeaders = { ...answer.headers };
    const claimed = url?.endsWith('/_ping') === true ? options.apiVersion?.() : undefined;
    if (claimed === null) delete answerHeaders['api-version'];
    else if (claimed !== undefined) answerHeaders['api-version'] = claimed;
    response.writeHead(answer.statusCode ?? 502, answerHeaders);
    response.flushHeaders();
    // A body that is destroyed takes its connection along.
    pipeline(options.relay?.(request, answer) ?? answer, response, () => undefined);
  };
  const listener: http.RequestListener = (request, response) => {
    forward(request, response).catch(() => response.destroy());
  };
  const server =
    options.tls === undefined
      ? http.createServer(listener)
      : https.createServer(
          { ...options.tls, requestCert: true, rejectUnauthorized: true },
          listener,
        );
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    if (options.path === undefined) server.listen(0, '127.0.0.1', resolve);
    else server.listen(options.path, resolve);
  });
  const address = server.address() as AddressInfo | string;

  return {
    port: typeof address === 'string' ? 0 : address.port,
    requests,
    connections: () => connections,
    cut: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
