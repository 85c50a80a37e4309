import type { IncomingMessage } from 'node:http';
import { RuntimeForbiddenError, RuntimeUnavailableError } from '#core/errors.ts';
import { negotiateVersion } from './api-version.ts';
import { startDeadline } from './deadline.ts';
import { type DockerEndpointOptions, parseEndpoint } from './endpoint.ts';
import { createTransport, type DockerCall, type OnRequest, type Transport } from './transport.ts';

export interface DockerConnectionOptions extends DockerEndpointOptions {
  /** For every call that names no limit of its own. Default 10,000. */
  readonly timeoutMs?: number;
  /** Called once per answer, and once per failure with the code `error`. */
  readonly onRequest?: OnRequest;
}

/** Any status but 403, which is thrown: what it means depends on the call. */
export interface DockerAnswer {
  readonly status: number;
  /** Parsed where it is JSON, else text; `undefined` when empty. */
  readonly body: unknown;
  /** The engine's own words for a status from 400 up; empty below. */
  readonly message: string;
}

export interface DockerStream {
  readonly status: number;
  /** Ends when the engine closes the stream or the caller's signal fires; throws when it breaks. */
  readonly chunks: AsyncIterable<Buffer>;
}

/**
 * One engine, one negotiated version, for the runtime and the operations together. All methods
 * throw {@link RuntimeUnavailableError} when no answer came and {@link RuntimeForbiddenError} on 403.
 */
export interface DockerConnection extends Disposable {
  /** The address, for messages. */
  readonly label: string;
  /** Asks the engine for its version again; every later call uses the answer. */
  negotiate(signal: AbortSignal): Promise<string>;
  /** The version in use, negotiated first if it has not been. */
  version(signal: AbortSignal): Promise<string>;
  request(call: DockerCall, signal: AbortSignal): Promise<DockerAnswer>;
  /** The time limit holds until the engine accepts the stream. An answer from 400 up is no stream. */
  open(call: DockerCall, signal: AbortSignal): Promise<DockerStream | DockerAnswer>;
}

const TIMEOUT_MS = 10_000;
/** A listing of 600 containers is below 2 MiB. */
const ANSWER_BYTES_MAX = 64 * 2 ** 20;
/**
 * Opens nothing yet: the engine is dialled with the first call.
 *
 * @throws {ConfigError} the endpoint or its certificates cannot be used
 */
export function createDockerConnection(options: DockerConnectionOptions = {}): DockerConnection {
  const endpoint = parseEndpoint(options);
  const { label } = endpoint;
  const transport = createTransport(endpoint, options.onRequest);
  const limitOf = (call: DockerCall) => call.timeoutMs ?? options.timeoutMs ?? TIMEOUT_MS;
  let negotiated: Promise<string> | undefined;

  async function exchange(call: DockerCall, prefix: string, signal: AbortSignal) {
    const timeoutMs = limitOf(call);
    using deadline = startDeadline(signal, timeoutMs);
    try {
      const response = await dialTwice(call, () =>
        transport.dial(call, prefix, { signal: deadline.signal, keep: call.method === 'GET' }),
      );
      return { response, answer: await readAnswer(response) };
    } catch (cause) {
      throw unavailable(call, label, cause, deadline.expired() ? timeoutMs : undefined);
    }
  }

  async function negotiate(signal: AbortSignal): Promise<string> {
    // Unversioned by nature: it is what tells the version.
    const ping: DockerCall = { method: 'GET', path: '/_ping' };
    const attempt = exchange(ping, '', signal).then(({ response, answer }) => {
      forbid(ping, answer);
      if (answer.status !== 200) {
        throw new RuntimeUnavailableError(
          `${label} answers its ping with ${answer.status} ${answer.message}`,
        );
      }
      const header = response.headers['api-version'];
      return negotiateVersion(typeof header === 'string' ? header : undefined, label);
    });
    negotiated = attempt;
    // A failure is not kept: the next call asks again.
    attempt.catch(() => {
      if (negotiated === attempt) negotiated = undefined;
    });
    return attempt;
  }

  async function version(signal: AbortSignal): Promise<string> {
    try {
      if (negotiated !== undefined) return await negotiated;
    } catch {
      // It may have failed only because another caller gave up.
    }
    return negotiate(signal);
  }

  return {
    label,
    negotiate,
    version,
    async request(call, signal) {
      const prefix = `/v${await version(signal)}`;
      const { answer } = await exchange(call, prefix, signal);
      forbid(call, answer);
      return answer;
    },
    async open(call, signal) {
      const prefix = `/v${await version(signal)}`;
      return openStream(transport, call, prefix, { signal, timeoutMs: limitOf(call), label });
    },
    [Symbol.dispose]: () => transport.close(),
  };
}

async function openStream(
  transport: Transport,
  call: DockerCall,
  prefix: string,
  { signal, timeoutMs, label }: { signal: AbortSignal; timeoutMs: number; label: string },
): Promise<DockerStream | DockerAnswer> {
  using deadline = startDeadline(signal, timeoutMs);
  try {
    const options = { signal: deadline.signal, keep: false };
    const response = await transport.dial(call, prefix, options);
    if ((response.statusCode ?? 0) < 400) {
      const chunks = readChunks(response, signal, `${label} ${call.path}`);
      return { status: response.statusCode ?? 0, chunks };
    }
    const answer = await readAnswer(response);
    forbid(call, answer);
    return answer;
  } catch (cause) {
    throw unavailable(call, label, cause, deadline.expired() ? timeoutMs : undefined);
  }
}

/** A kept connection may have been closed by the other side just now; a read may be sent again. */
async function dialTwice(call: DockerCall, dial: () => Promise<IncomingMessage>) {
  try {
    return await dial();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (call.method !== 'GET' || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw error;
    return dial();
  }
}

async function readAnswer(response: IncomingMessage): Promise<DockerAnswer> {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  const body = parseBody(text);
  return { status, body, message: status < 400 ? '' : messageIn(body) };
}

async function* readChunks(
  response: IncomingMessage,
  signal: AbortSignal,
  what: string,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (signal.aborted) return;
      yield chunk;
    }
  } catch (cause) {
    if (signal.aborted) return;
    throw new RuntimeUnavailableError(`${what} broke`, { cause });
  } finally {
    response.destroy();
  }
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Docker answers `{message}`, Podman `{cause, message}`, a proxy plain text or HTML. */
function messageIn(body: unknown): string {
  if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message);
  return typeof body === 'string' ? body.trim().slice(0, 500) : '';
}

function forbid(call: DockerCall, answer: DockerAnswer): void {
  if (answer.status !== 403) return;
  throw new RuntimeForbiddenError(
    `${call.method} ${call.path} is forbidden${answer.message === '' ? '' : `: ${answer.message}`}`,
  );
}

function unavailable(
  call: DockerCall,
  label: string,
  cause: unknown,
  expiredAfterMs: number | undefined,
): Error {
  if (cause instanceof RuntimeForbiddenError || cause instanceof RuntimeUnavailableError) {
    return cause;
  }
  const why =
    expiredAfterMs === undefined
      ? cause instanceof Error
        ? cause.message
        : 'failed'
      : `no answer within ${expiredAfterMs} ms`;
  return new RuntimeUnavailableError(`${label} ${call.method} ${call.path}: ${why}`, { cause });
}
