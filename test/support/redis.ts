import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './engine.ts';

/** A test that dies before it disposes of its servers must not leave them to the next run. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const server of running) server.kill('SIGKILL');
});

/** A private redis-server: a process of this test alone, on a loopback port that nobody else has. */
export interface TestRedis extends AsyncDisposable {
  /** The same over restarts. */
  readonly url: string;
  readonly port: number;
  /** Ends the server in good order; what it holds is on disk. Does nothing while it is down. */
  stop(): Promise<void>;
  /** Brings it back on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it at once with SIGKILL, as a crash does. */
  kill(): Promise<void>;
  /** While it is down: takes away all that it has on disk, as a lost volume does. */
  loseData(): Promise<void>;
  /** Stops it from answering without closing a connection, until `thaw`: a hung server. */
  freeze(): void;
  thaw(): void;
}

/**
 * Starts a redis-server that writes every command to disk before it answers.
 *
 * @param options further options of redis.conf, by name: `{ requirepass: 'secret' }`
 */
export async function startRedis(
  options: Readonly<Record<string, string>> = {},
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-redis-'));
  const port = await freePort();
  let server: ChildProcess | undefined;

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    const ended = server;
    server = undefined;
    if (ended === undefined || ended.exitCode !== null || ended.signalCode !== null) return;
    const exit = once(ended, 'exit');
    ended.kill(signal);
    // A frozen process acts on SIGTERM only after it goes on.
    ended.kill('SIGCONT');
    await exit;
  };
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start() {
      server ??= await launch(folder, port, options);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async loseData() {
      await rm(folder, { recursive: true });
      await mkdir(folder);
    },
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };

  try {
    await redis.start();
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
  return redis;
}

async function launch(
  folder: string,
  port: number,
  options: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    ...options,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(server);
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-2000);
  };
  server.stdout.on('data', keep);
  server.stderr.on('data', keep);
  let problem: string | undefined;
  server.on('error', (error) => {
    problem = error.message;
  });
  server.on('exit', (code, signal) => {
    running.delete(server);
    problem = `it ended with ${code ?? signal}`;
  });

  await eventually(
    async () => {
      if (problem !== undefined)
        throw new Error(`redis-server did not start: ${problem}\n${output}`);
      return answers(port);
    },
    { what: 'redis-server answering', everyMs: 10 },
  );
  return server;
}

/** Any answer but "still loading" counts: NOAUTH, too, comes from a server that is up. */
async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(!chunk.toString('utf8').startsWith('-LOADING'));
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** Free at the time of asking: the next to bind it is the server started right after. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  if (address === null || typeof address === 'string') throw new Error('the probe has no port');
  probe.close();
  await once(probe, 'close');
  return address.port;
}
