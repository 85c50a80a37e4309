import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SENTINEL = 'src/sentinel.ts';
/** A stop in good order takes less; after this the process is killed. */
const STOP_MS = 10_000;

/** What a run needs to know; everything else that the environment says must not leak into it. */
export interface OperatorSettings {
  readonly policies: string;
  readonly data: string;
  readonly config: string;
  readonly redisUrl: string;
  readonly logFile: string;
  /** Secrets that policies name. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** The operator as a user starts it: `sentinel run`, a process of its own. */
export class Operator implements AsyncDisposable {
  /** Of its API. */
  readonly url: string;
  readonly #child: ChildProcess;
  #stopping = false;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  /** Resolves when the operator says that it is ready. */
  static async start(settings: OperatorSettings, signal: AbortSignal): Promise<Operator> {
    const { policies, data, config, redisUrl, logFile, secrets } = settings;
    const args = ['run', '--policies', policies, '--data', data, '--config', config];
    const child = spawn(process.execPath, [SENTINEL, ...args], {
      cwd: ROOT,
      env: {
        ...inherited(),
        ...secrets,
        REDIS_URL: redisUrl,
        SENTINEL_HOST: 'demo',
        // Any free port: the log says which one it became.
        API_PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal reaches the demo alone, which stops things in order.
      detached: true,
    });
    const killOnExit = () => void child.kill('SIGKILL');
    process.on('exit', killOnExit);
    child.on('exit', () => process.off('exit', killOnExit));
    try {
      const url = await apiUrl(child, logFile, signal);
      const operator = new Operator(child, url);
      await operator.#untilReady(signal);
      return operator;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Rejects when the operator ends though nobody asked it to. */
  async ended(): Promise<never> {
    const { exitCode, signalCode } = this.#child;
    const [code, killer] =
      exitCode === null && signalCode === null
        ? ((await once(this.#child, 'exit')) as [number | null, string | null])
        : [exitCode, signalCode];
    if (this.#stopping) return new Promise(() => undefined);
    throw new Error(`the operator ended with ${code ?? killer}`);
  }

  async get(path: string): Promise<string> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(5_000) });
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
    return response.text();
  }

  /** Stops it with SIGTERM, as systemd and Docker do. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await exit;
    clearTimeout(late);
  }

  async #untilReady(signal: AbortSignal): Promise<void> {
    const isReady = async () => (await fetch(`${this.url}/readyz`, { signal })).ok;
    while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export interface CliAnswer {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the `sentinel` command to its end, as a user types it. */
export async function sentinel(...args: string[]): Promise<CliAnswer> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [SENTINEL, ...args], {
      cwd: ROOT,
      env: { ...inherited(), NO_COLOR: '1' },
      timeout: 30_000,
    });
    return { exitCode: 0, output: stdout + stderr };
  } catch (error) {
    const {
      code,
      stdout = '',
      stderr = '',
    } = error as {
      code?: unknown;
      stdout?: string;
      stderr?: string;
    };
    if (typeof code !== 'number') throw error;
    return { exitCode: code, output: stdout + stderr };
  }
}

/**
 * Only what is needed to run and to find the engine. A REDIS_URL or a model's key of whoever runs
 * the demo is none of its business.
 */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'DOCKER_HOST', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'];
  const entries = names.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => !!entry[1]));
}

/** Keeps the log, and finds in it where the API is. */
async function apiUrl(child: ChildProcess, logFile: string, signal: AbortSignal): Promise<string> {
  const log = createWriteStream(logFile);
  let tail = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      tail = `${tail}\n${line}`.slice(-1_000);
      const url = urlIn(line);
      if (url !== undefined) resolve(url);
    });
  }
  child.on('error', reject);
  child.on('close', (code, killer) => {
    log.end();
    reject(new Error(`the operator ended with ${code ?? killer} before it served:${tail}`));
  });
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  return promise.finally(() => signal.removeEventListener('abort', abort));
}

function urlIn(line: string): string | undefined {
  const found = /"url":"(?<url>http:[^"]+)"/.exec(line);
  return line.includes('serving the API') ? found?.groups?.['url'] : undefined;
}
