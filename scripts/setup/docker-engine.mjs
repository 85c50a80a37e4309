import { access } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Finds a Docker Engine that answers: the one that DOCKER_HOST names, else a socket at one of the
 * usual places (rootful, Docker Desktop, rootless, Colima).
 *
 * @returns {Promise<{ host?: string, denied: readonly string[] }>} `host` is a DOCKER_HOST value;
 *   `denied` names sockets that this user may not open
 */
export async function findEngine(env = process.env) {
  const denied = [];
  for (const host of candidates(env)) {
    const answer = await ask(host, env);
    if (answer === 'ok') return { host, denied };
    if (answer === 'denied') denied.push(host);
  }
  return { denied };
}

function candidates(env) {
  if (env.DOCKER_HOST) return [env.DOCKER_HOST];
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock')];
  if (env.XDG_RUNTIME_DIR) sockets.push(join(env.XDG_RUNTIME_DIR, 'docker.sock'));
  sockets.push(join(homedir(), '.colima/default/docker.sock'));
  return sockets.map((socket) => `unix://${socket}`);
}

/** @returns {Promise<'ok' | 'denied' | 'silent'>} */
async function ask(host, env) {
  if (host.startsWith('unix://')) return ping(host.slice('unix://'.length));
  // An ssh:// engine is the user's own choice; only its client can tell whether it answers.
  if (host.startsWith('ssh://')) return 'ok';
  const url = new URL(host.includes('//') ? host : `tcp://${host}`);
  const port = Number(url.port || (env.DOCKER_TLS_VERIFY ? 2376 : 2375));
  return (await connects(url.hostname, port)) ? 'ok' : 'silent';
}

/** Asks the engine on a unix socket for `GET /_ping`, for at most three seconds. */
export async function ping(socketPath) {
  const exists = await access(socketPath).then(
    () => true,
    () => false,
  );
  if (!exists) return 'silent';
  return new Promise((resolve) => {
    const call = request({ socketPath, path: '/_ping', timeout: 3000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 'ok' : 'silent');
    });
    call.on('timeout', () => call.destroy());
    call.on('error', (error) => resolve(error.code === 'EACCES' ? 'denied' : 'silent'));
    call.on('close', () => resolve('silent'));
    call.end();
  });
}

async function connects(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 3000 });
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
    socket.on('timeout', () => resolve(false));
    socket.on('close', () => resolve(false));
    setTimeout(() => socket.destroy(), 3000).unref();
  });
}
