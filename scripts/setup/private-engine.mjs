import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ping } from './docker-engine.mjs';
import { announce, findProgram, fullPath, runQuietly, SetupError } from './step.mjs';

// Not inside the checkout: a unix socket's path ends at 107 bytes, and every checkout on this
// machine shares the images.
const RUN = '/run/sre-sentinel-dev';
const DATA = '/var/lib/sre-sentinel-dev';
const USERS = join(RUN, 'users');
const LOCK = join(RUN, 'lock');
const PID_FILE = join(RUN, 'docker.pid');
const SOCKET = join(RUN, 'docker.sock');
const LOG = join(RUN, 'dockerd.log');
const BRIDGE = 'sentinel-dev0';
const START_SECONDS = 60;
const STOP_SECONDS = 30;

/**
 * Joins the private Docker Engine of this machine, started here if it does not run yet. Whoever
 * leaves last stops it, so two checkouts may run their tests side by side.
 *
 * @returns its DOCKER_HOST value
 */
export async function joinPrivateEngine(signal) {
  await mkdir(RUN, { recursive: true, mode: 0o700 });
  await withLock(async () => {
    await mkdir(USERS, { recursive: true });
    await writeFile(join(USERS, String(process.pid)), '');
    if ((await ping(SOCKET)) !== 'ok') await start(signal);
  });
  return `unix://${SOCKET}`;
}

/** Gives the private engine up; does nothing where this process never joined it. */
export async function leavePrivateEngine() {
  if (!(await userPids()).includes(process.pid)) return;

  await withLock(async () => {
    await rm(join(USERS, String(process.pid)), { force: true });
    const others = (await userPids()).filter(isAlive);
    if (others.length === 0) await stop();
  });
}

async function start(signal) {
  announce('starting a private Docker Engine');
  const configFile = join(RUN, 'daemon.json');
  // The machine's own /etc/docker/daemon.json may set what the flags below set, which is an error.
  await writeFile(configFile, '{}\n');
  const flags = [
    ['--config-file', configFile],
    ['--host', `unix://${SOCKET}`],
    ['--data-root', join(DATA, 'docker')],
    ['--exec-root', join(RUN, 'exec')],
    ['--pidfile', PID_FILE],
    ['--containerd-namespace', 'sre-sentinel-dev'],
    ['--containerd-plugins-namespace', 'sre-sentinel-dev-plugins'],
    ['--log-level', 'warn'],
    ...(await networkFlags(signal)),
  ].map(([name, value]) => `${name}=${value}`);

  const log = openSync(LOG, 'w');
  // In a session of its own: Ctrl-C must reach the tests first, so that they can tidy up.
  const engine = spawn(findProgram('dockerd'), flags, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: fullPath() },
  });
  closeSync(log);
  engine.unref();
  let problem;
  engine.on('error', (error) => (problem = error.message));
  engine.on('exit', (code, killer) => (problem = `dockerd ended with ${code ?? killer}`));

  for (let waitedMs = 0; (await ping(SOCKET)) !== 'ok'; waitedMs += 100) {
    signal?.throwIfAborted();
    if (waitedMs > START_SECONDS * 1000) problem ??= `no answer within ${START_SECONDS} s`;
    if (problem !== undefined) throw new SetupError(`${problem}\n${await logTail()}`);
    await sleep(100);
  }
}

/**
 * A starting engine flushes Docker's iptables chains, and two engines on one docker0 give out the
 * same addresses. Beside another engine this one gets a bridge of its own and leaves iptables alone.
 */
async function networkFlags(signal) {
  if (!(await anotherEngineRuns())) return [];
  await runQuietly('ip', ['link', 'add', BRIDGE, 'type', 'bridge'], { signal }).catch(() => {
    // It is left from a run that was killed.
  });
  await runQuietly('ip', ['address', 'replace', '172.31.255.1/24', 'dev', BRIDGE], { signal });
  await runQuietly('ip', ['link', 'set', BRIDGE, 'up'], { signal });
  return [
    ['--bridge', BRIDGE],
    ['--iptables', 'false'],
    ['--ip-masq', 'false'],
  ];
}

async function anotherEngineRuns() {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(pids.map(processName));
  return names.includes('dockerd');
}

async function stop() {
  const pid = Number(await readFile(PID_FILE, 'utf8').catch(() => ''));
  // The number may have been given to another program since the file was written.
  if (pid > 0 && (await processName(pid)) === 'dockerd') {
    process.kill(pid, 'SIGTERM');
    for (let waitedMs = 0; isAlive(pid); waitedMs += 50) {
      if (waitedMs === STOP_SECONDS * 1000) process.kill(pid, 'SIGKILL');
      await sleep(50);
    }
  }
  await unmountRest();
  for (const left of [PID_FILE, SOCKET, USERS]) await rm(left, { recursive: true, force: true });
  if (await bridgeExists()) await runQuietly('ip', ['link', 'delete', BRIDGE]);
}

/** The engine leaves the network namespaces of its containers mounted below its exec-root. */
async function unmountRest() {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n');
  const ours = mounts
    .map((line) => line.split(' ')[1] ?? '')
    .filter((at) => at.startsWith(`${RUN}/`));
  for (const at of ours.reverse()) await runQuietly('umount', [at]);
}

async function bridgeExists() {
  return (await readdir('/sys/class/net').catch(() => [])).includes(BRIDGE);
}

/** Runs `work` while no other set-up starts or stops the engine. */
async function withLock(work) {
  for (;;) {
    try {
      await writeFile(LOCK, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(LOCK, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(LOCK, { force: true });
    await sleep(100);
  }
  try {
    return await work();
  } finally {
    await rm(LOCK, { force: true });
  }
}

async function userPids() {
  return (await readdir(USERS).catch(() => [])).map(Number);
}

async function processName(pid) {
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function logTail() {
  const lines = (await readFile(LOG, 'utf8').catch(() => '')).trimEnd().split('\n');
  return lines.slice(-20).join('\n');
}
