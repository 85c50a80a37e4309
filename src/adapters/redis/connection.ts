import { isIP } from 'node:net';
import { Redis, ReplyError } from 'ioredis';
import { ConfigError, SinkUnavailableError } from '#core/errors.ts';
import { type Introduction, introduce } from './introduce.ts';

export interface RedisConnectionOptions {
  /** `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. */
  readonly url: string;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** How long an answer may take. Default 5,000. */
  readonly commandTimeoutMs?: number;
  /** `rediss` only: certificate authority in PEM, beside those that Node trusts by default. */
  readonly tlsCa?: string;
}

export interface RedisConnection {
  /**
   * Runs commands on a live connection, connecting first where there is none.
   *
   * @throws {SinkUnavailableError} no connection, no answer in time, or an error as the answer; its
   *   message and cause never hold the password
   */
  run<Value>(work: (redis: Redis) => Promise<Value>): Promise<Value>;
  /** Whether the last `run` got its answer. */
  isUp(): boolean;
  close(): Promise<void>;
}

/** @throws {ConfigError} the URL is none for Redis */
export function createConnection(options: RedisConnectionOptions): RedisConnection {
  const { target, introduction, secrets } = parseUrl(options);
  /** The client in use. One that failed to connect or to answer is thrown away, never mended. */
  let current: Client | undefined;
  let isUp = false;
  let isClosed = false;

  function open(): Client {
    const redis = new Redis({
      ...target,
      connectTimeout: options.connectTimeoutMs ?? 5_000,
      commandTimeout: options.commandTimeoutMs ?? 5_000,
      // How long a hung peer may take to close, after we have given it up.
      disconnectTimeout: 100,
      lazyConnect: true,
      // Nothing is said before `introduce`: what ioredis says by itself it says all at once, and what
      // it makes of the answers it prints.
      protocol: 2,
      disableClientInfo: true,
      enableReadyCheck: false,
      // The caller decides when to try again; nothing waits in here or is sent twice behind its back.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    const ready = redis.connect().then(() => introduce(redis, introduction));
    const client: Client = { redis, ready, isReady: false, connectionError: undefined };
    // Without a listener ioredis prints. Why a connection failed is told here alone: the command that
    // waited for it hears only that it is closed.
    redis.on('error', (error: Error) => {
      client.connectionError = error;
    });
    redis.on('end', () => discard(client));
    return client;
  }

  function discard(client: Client): void {
    if (current === client) current = undefined;
    client.redis.disconnect();
  }

  async function run<Value>(work: (redis: Redis) => Promise<Value>): Promise<Value> {
    if (isClosed) throw new SinkUnavailableError('the connection to Redis is closed');
    current ??= open();
    const client = current;
    try {
      await client.ready;
      client.isReady = true;
      const value = await work(client.redis);
      isUp = true;
      return value;
    } catch (error) {
      isUp = false;
      // An error that Redis answers with leaves the connection sound, once it has let us in; all
      // others do not.
      const isAnswer = error instanceof ReplyError;
      if (!isAnswer || !client.isReady || client.redis.status !== 'ready') discard(client);
      throw toSinkError(isAnswer ? error : (client.connectionError ?? error), secrets);
    }
  }

  async function close(): Promise<void> {
    isClosed = true;
    isUp = false;
    const client = current;
    if (client === undefined) return;
    discard(client);
    await client.ready.catch(() => undefined);
  }

  return { run, isUp: () => isUp, close };
}

interface Client {
  readonly redis: Redis;
  readonly ready: Promise<void>;
  /** Whether `ready` has come true. */
  isReady: boolean;
  connectionError: Error | undefined;
}

const PROTECTED_MODE =
  'it is in protected mode: it has no password, so it answers clients on its own machine alone; give' +
  ' it one (requirepass) and put that into REDIS_URL, or, where none but trusted clients reach it,' +
  ' set "protected-mode no"';
const PROTOCOLS = ['redis:', 'rediss:'];

function parseUrl(options: RedisConnectionOptions) {
  const url = URL.parse(options.url);
  if (url === null || !PROTOCOLS.includes(url.protocol) || url.hostname === '') {
    // The value itself stays out of the message: it may hold a password.
    throw new ConfigError('the Redis URL must look like redis://host:6379 or rediss://host:6379');
  }
  const db = url.pathname.replace(/^\//, '');
  if (!/^\d*$/.test(db))
    throw new ConfigError('the path of the Redis URL must be a database number');

  const username = decode(url.username);
  const password = decode(url.password);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const target = {
    host,
    port: url.port === '' ? 6_379 : Number(url.port),
    ...(url.protocol === 'rediss:' ? { tls: tlsOptions(host, options.tlsCa) } : {}),
  };
  const introduction: Introduction = { name: 'sre-sentinel', username, password, db: Number(db) };
  return {
    target,
    introduction,
    secrets: [password, url.password].filter((secret) => secret !== ''),
  };
}

function tlsOptions(host: string, ca: string | undefined) {
  // SNI carries names only; an address is checked against the certificate all the same.
  return { ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === undefined ? {} : { ca }) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new ConfigError('user or password in the Redis URL is not percent-encoded');
  }
}

/** Only the words go on: ioredis puts the command, an AUTH among them, on the error object. */
function toSinkError(error: unknown, secrets: readonly string[]): SinkUnavailableError {
  if (error instanceof SinkUnavailableError) return error;
  let reason = error instanceof Error ? error.message : String(error);
  // Redis tells of it in seven hundred characters, and of remedies for its own machine alone.
  if (reason.startsWith('DENIED')) reason = PROTECTED_MODE;
  for (const secret of secrets) reason = reason.replaceAll(secret, '***');
  return new SinkUnavailableError(`Redis: ${reason}`);
}
