import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { inspect } from 'node:util';
import type Docker from 'dockerode';
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

/** Every status is an answer: dockerode then hands over the response instead of making an error. */
const ANY_STATUS = Object.fromEntries(
  Array.from({ length: 500 }, (_, index) => [index + 100, true] as const),
);

/** Carries calls through dockerode's modem, which knows sockets, hosts and TLS. */
export function createTransport(endpoint: DockerEndpoint, onRequest?: OnRequest): Transport {
  const clients = createClients(endpoint);
  const basePath = endpoint.kind === 'tcp' ? endpoint.basePath : '';

  return {
    async dial(call, prefix, { signal, keep }) {
      assertPlain(call.path);
      const docker = await clients.get(keep);
      // The modem appends the query where it finds a question mark.
      const path = `${basePath}${prefix}${call.path}${call.query === undefined ? '' : '?'}`;
      const request = {
        path,
        method: call.method,
        options: { _query: call.query ?? {}, _body: call.body ?? {} },
        isStream: true,
        statusCodes: ANY_STATUS,
        abortSignal: signal,
      };
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          docker.modem.dial(request, (error, result) =>
            error ? reject(error) : resolve(result as IncomingMessage),
          );
        });
        onRequest?.({ method: call.method, code: String(response.statusCode) });
        return response;
      } catch (cause) {
        onRequest?.({ method: call.method, code: 'error' });
        throw cause;
      }
    },
    close: () => clients.close(),
  };
}

/**
 * Reads go over kept connections. Streams and writes get one of their own: a stale connection must
 * never leave it open whether a write was carried out.
 */
function createClients(endpoint: DockerEndpoint) {
  const secure = endpoint.kind === 'tcp' && endpoint.tls !== undefined;
  const makeAgent = (keepAlive: boolean) => {
    const options = { keepAlive, maxFreeSockets: 8 };
    const agent = secure
      ? new https.Agent({ ...options, rejectUnauthorized: true })
      : new http.Agent(options);
    // The modem writes out all options of each request for a debug message that nobody asked for;
    // with an agent and its sockets that takes milliseconds, so the agent is short about itself.
    return Object.assign(agent, { [inspect.custom]: () => 'Agent' });
  };
  const agents = { kept: makeAgent(true), single: makeAgent(false) };
  let loaded: Promise<{ kept: Docker; single: Docker }> | undefined;

  // Importing dockerode takes about 160 ms, mostly for ssh and BuildKit: only who dials pays that.
  async function load() {
    const { default: Client } = await import('dockerode');
    // A modem option that dockerode's types leave out.
    const withAgent = (agent: http.Agent) => ({ ...clientOptions(endpoint), agent });
    return {
      kept: new Client(withAgent(agents.kept)),
      single: new Client(withAgent(agents.single)),
    };
  }

  return {
    async get(kept: boolean): Promise<Docker> {
      loaded ??= load();
      return (await loaded)[kept ? 'kept' : 'single'];
    },
    close() {
      agents.kept.destroy();
      agents.single.destroy();
    },
  };
}

/** Every field is given, empty or not: dockerode fills what is missing from the environment. */
function clientOptions(endpoint: DockerEndpoint): Docker.DockerOptions {
  const none = { ca: undefined, cert: undefined, key: undefined, timeout: undefined };
  if (endpoint.kind === 'unix') {
    const { socketPath } = endpoint;
    return { ...none, socketPath, host: undefined, port: undefined, protocol: 'http' };
  }
  const { host, port, tls } = endpoint;
  const protocol = tls === undefined ? 'http' : 'https';
  return { ...none, ...tls, socketPath: undefined, host, port, protocol };
}

/**
 * Go's server answers a path that is not in its shortest form with a redirect, and dockerode's modem
 * follows redirects with an exception that nobody can catch when the engine is on a socket.
 */
function assertPlain(path: string): void {
  const segments = path.slice(1).split('/').map(decodeURIComponent);
  const isOdd = (segment: string) => /^\.{0,2}$/.test(segment) || segment.includes('/');
  if (!segments.some(isOdd)) return;
  throw new Error(`not a path of the Docker API: ${path}`);
}
