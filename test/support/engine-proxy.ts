import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

/** Of the engine that the tests use. */
export const SOCKET = (process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock').slice(
  'unix://'.length,
);

export interface EngineProxy extends AsyncDisposable {
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
  /** Asks for a certificate signed by `ca`. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string };
}

/** A TCP or TLS endpoint before the engine's socket, on a free port of the loopback. */
export async function startEngineProxy(options: ProxyOptions = {}): Promise<EngineProxy> {
  const requests: string[] = [];
  let connections = 0;
  const forward: http.RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (options.answer?.(request, response) === true) return;
    const { method, url, headers } = request;
    const upstream = http.request(
      { socketPath: SOCKET, method, path: url, headers, agent: false },
      (answer) => {
        const answerHeaders = { ...answer.headers };
        const claimed = url?.endsWith('/_ping') === true ? options.apiVersion?.() : undefined;
        if (claimed === null) delete answerHeaders['api-version'];
        else if (claimed !== undefined) answerHeaders['api-version'] = claimed;
        response.writeHead(answer.statusCode ?? 502, answerHeaders);
        response.flushHeaders();
        answer.pipe(response);
      },
    );
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  };
  const server =
    options.tls === undefined
      ? http.createServer(forward)
      : https.createServer(
          { ...options.tls, requestCert: true, rejectUnauthorized: true },
          forward,
        );
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.address() as AddressInfo).port,
    requests,
    connections: () => connections,
    cut: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
