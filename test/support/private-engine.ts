import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { eventually, testDocker } from './engine.ts';
import type { ProxyOptions } from './engine-proxy.ts';

const run = promisify(execFile);
/** Where packages put daemons; a person's PATH may lack them. */
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
const START_MS = 60_000;
const STOP_MS = 40_000;

const ENV = { env: { ...process.env, PATH: searchPath().join(delimiter) } };

/** A test that dies must not leave its engine behind; told so, dockerd ends its containers too. */
const running = new Set<Daemon>();
process.on('exit', () => {
  for (const { child } of running) child.kill('SIGTERM');
});

/** @returns why no engine can be started here; `undefined` when one can */
export async function whyNoPrivateEngine(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root starts an engine';
  for (const program of ['dockerd', 'containerd', 'ip']) {
    if ((await findProgram(program)) === undefined) return `there is no ${program}`;
  }
  return undefined;
}

/** An engine to test on, and how a proxy comes to it. */
export interface TestEngine extends AsyncDisposable {
  readonly docker: Docker;
  readonly way: Pick<ProxyOptions, 'engine'>;
}

/**
 * An engine that nobody else uses, where one can be started; else that of all tests. An engine
 * remembers 256 events, which the health checks of other tests' containers fill within seconds: a
 * test that has Sentinel ask for the past is surer to get it from its own.
 */
export async function openEngine(): Promise<TestEngine> {
  if ((await whyNoPrivateEngine()) === undefined) return PrivateEngine.start();
  return { docker: testDocker(), way: {}, async [Symbol.asyncDispose]() {} };
}

/**
 * A dockerd of the test's own, which may be ended and started again on the same data. Its socket,
 * images, containers and bridge are nobody else's. As where systemd starts both, its containerd is a
 * service beside it, and outlives it.
 */
export class PrivateEngine implements TestEngine {
  readonly docker: Docker;
  readonly #folder: string;
  /** At most 15 characters. */
  readonly #bridge = `sst-${randomBytes(4).toString('hex')}`;
  #containerd: Daemon | undefined;
  #dockerd: Daemon | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.docker = new Docker({ socketPath: this.#at('docker.sock') });
  }

  static async start(): Promise<PrivateEngine> {
    // Short: a unix socket's path ends at 107 bytes.
    const engine = new PrivateEngine(await mkdtemp(join(tmpdir(), 'sst-engine-')));
    try {
      await engine.#addBridge();
      await engine.#startContainerd();
      await engine.start();
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  get way(): Pick<ProxyOptions, 'engine'> {
    return { engine: this.#at('docker.sock') };
  }

  /** The value of DOCKER_HOST that leads here. */
  get host(): string {
    return `unix://${this.#at('docker.sock')}`;
  }

  /** Starts dockerd on what is there, and waits until it answers. */
  async start(): Promise<void> {
    // The machine's own daemon.json may set what the flags set, which is an error.
    await writeFile(this.#at('daemon.json'), '{}\n');
    const dockerd = await this.#spawn('dockerd', {
      'config-file': this.#at('daemon.json'),
      host: this.host,
      'data-root': this.#at('data'),
      'exec-root': this.#at('exec'),
      pidfile: this.#at('docker.pid'),
      containerd: this.#at('containerd.sock'),
      'containerd-namespace': this.#namespace,
      // Told "none" dockerd deletes docker0, whoever's it is.
      bridge: this.#bridge,
      iptables: 'false',
      'ip-masq': 'false',
      'ip-forward': 'false',
      'log-level': 'warn',
    });
    this.#dockerd = dockerd;
    const answers = () =>
      this.docker.ping().then(
        () => true,
        () => false,
      );
    await dockerd.until(answers);
  }

  /** Ends dockerd; with SIGTERM it ends its containers first, with SIGKILL they run on. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#dockerd?.end(signal);
    this.#dockerd = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
    // Containers that outlived a dockerd which was killed.
    for (const pid of await shimsOf(this.#namespace)) await killWithChildren(pid);
    await this.#containerd?.end('SIGTERM');
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n');
    const ours = mounts
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(`${this.#folder}/`));
    for (const path of ours.toReversed()) await run('umount', ['--lazy', path], ENV);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
    if (await exists(`/sys/class/net/${this.#bridge}`)) {
      await run('ip', ['link', 'delete', this.#bridge], ENV);
    }
  }

  /** In the range that is set apart for tests of networks (RFC 2544), which nothing else routes. */
  async #addBridge(): Promise<void> {
    const address = `198.${18 + randomInt(2)}.${randomInt(256)}.1/24`;
    await run('ip', ['link', 'add', this.#bridge, 'type', 'bridge'], ENV);
    await run('ip', ['address', 'add', address, 'dev', this.#bridge], ENV);
    await run('ip', ['link', 'set', this.#bridge, 'up'], ENV);
  }

  get #namespace(): string {
    return basename(this.#folder);
  }

  #at(name: string): string {
    return join(this.#folder, name);
  }

  async #startContainerd(): Promise<void> {
    const socket = this.#at('containerd.sock');
    // An empty file: the machine's own settings are none of ours.
    await writeFile(this.#at('containerd.toml'), 'version = 2\n');
    const containerd = await this.#spawn('containerd', {
      config: this.#at('containerd.toml'),
      address: socket,
      root: this.#at('containerd'),
      state: this.#at('state'),
      'log-level': 'warn',
    });
    this.#containerd = containerd;
    await containerd.until(() => exists(socket));
  }

  async #spawn(program: string, flags: Readonly<Record<string, string>>): Promise<Daemon> {
    const path = (await findProgram(program)) ?? program;
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    return new Daemon(path, args, this.#at(`${program}.log`));
  }
}

/** A program that runs until it is told to end. */
class Daemon {
  readonly child: ChildProcess;
  readonly #log: string;
  readonly #ended: Promise<unknown>;

  constructor(path: string, args: readonly string[], logFile: string) {
    const log = openSync(logFile, 'a');
    this.#log = logFile;
    this.child = spawn(path, args, {
      // In a session of its own: Ctrl-C must reach the test first, which then ends it.
      detached: true,
      stdio: ['ignore', log, log],
      ...ENV,
    });
    closeSync(log);
    running.add(this);
    this.#ended = new Promise((done) => {
      this.child.on('error', done);
      this.child.on('exit', done);
    }).then(() => running.delete(this));
  }

  /** Waits until it is up; fails with its own words when it ends instead. */
  async until(isUp: () => Promise<boolean>): Promise<void> {
    const what = basename(this.child.spawnfile);
    const probe = async () => {
      if (running.has(this)) return isUp();
      throw new Error(`${what} ended:\n${await readFile(this.#log, 'utf8')}`);
    };
    await eventually(probe, { what, timeoutMs: START_MS });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.#ended;
    clearTimeout(late);
  }
}

/** What containerd keeps for each container: one process, whose child is the container's first. */
async function shimsOf(namespace: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const shims: number[] = [];
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`\0-namespace\0${namespace}\0`)) shims.push(Number(pid));
  }
  return shims;
}

async function killWithChildren(pid: number): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const one of [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function searchPath(): string[] {
  return [...(process.env['PATH'] ?? '').split(delimiter), ...SYSTEM_PATH];
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of searchPath()) {
    if (await exists(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
