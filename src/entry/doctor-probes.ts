import { constants, readFileSync } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { DoctorProbes, DoctorSetting } from '#cli/doctor-probes.ts';
import { type Config, loadConfig } from '#config.ts';
import type { DockerPath } from '#core/remediation/tools.ts';
import type { ObservedContainer } from '#core/workload/container.ts';

type Env = Readonly<Record<string, string | undefined>>;

const TIMEOUT_MS = 5_000;
const CONTAINERS_LOOKED_AT = 5;
/** No container is ever called so: an id has hexadecimal digits alone. */
const NOBODY = 'sentinel-doctor-asks-for-nobody';

/** Opens nothing yet: each look dials for itself. */
export async function createDoctorProbes(env: Env): Promise<DoctorProbes> {
  const [docker, { createDockerRuntime }, { createCgroupSource }, { createSystemClock }] =
    await Promise.all([
      import('#adapters/docker/connection.ts'),
      import('#adapters/docker/docker-runtime.ts'),
      import('#adapters/docker/cgroup-source.ts'),
      import('#adapters/system/system-clock.ts'),
    ]);
  const clock = createSystemClock();
  const config = loadConfig(env, {}, (path) => readFileSync(path, 'utf8'));
  const connection = docker.createDockerConnection({ ...config.docker, timeoutMs: TIMEOUT_MS });
  const runtime = createDockerRuntime({ connection, clock });
  const signal = () => AbortSignal.timeout(2 * TIMEOUT_MS);

  return {
    setting: () => settingOf(config),
    socket: async (path) => {
      const status = await stat(path).catch(() => undefined);
      if (status === undefined) return undefined;
      const usable = await isAccessible(path, constants.R_OK | constants.W_OK);
      return { uid: status.uid, gid: status.gid, usable };
    },
    engine: () => runtime.info(signal()),
    containers: async () => {
      const running = (await runtime.list(signal())).filter(({ state }) => state === 'running');
      const found = await Promise.all(
        running.slice(0, CONTAINERS_LOOKED_AT).map(({ id }) => runtime.inspect(id, signal())),
      );
      return found.filter((container) => container !== undefined);
    },
    allows: async (path) => {
      const { RuntimeForbiddenError } = await import('#core/errors.ts');
      try {
        await connection.request({ method: path.method, path: harmless(path) }, signal());
        return true;
      } catch (error) {
        if (error instanceof RuntimeForbiddenError) return false;
        throw error;
      }
    },
    cgroupFiles: (container: ObservedContainer) =>
      createCgroupSource({ clock }).sample(container) !== undefined,
    pingRedis: async () => {
      const { createRedisEventSink } = await import('#adapters/redis/redis-event-sink.ts');
      const sink = createRedisEventSink({ url: config.redisUrl ?? '' });
      try {
        await sink.cursor('doctor');
      } finally {
        await sink.close();
      }
    },
    data: () => dataFacts(resolve(config.data)),
    policies: async () => {
      const { loadPolicies } = await import('./policies.ts');
      return loadPolicies([config.policies], config.configFile);
    },
    port: () => portState(config.api.host, config.api.port),
    nodeVersion: () => process.versions.node,
    wallMs: () => clock.wallMs(),
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
    },
  };
}

async function settingOf(config: Config): Promise<DoctorSetting> {
  const [{ parseEndpoint }, { readSentinelConfig }, { BUILTIN_TOOL_NAMES }] = await Promise.all([
    import('#adapters/docker/endpoint.ts'),
    import('#adapters/files/sentinel-config.ts'),
    import('#core/remediation/tools.ts'),
  ]);
  const endpoint = parseEndpoint(config.docker);
  const settings = await readSentinelConfig(config.configFile, BUILTIN_TOOL_NAMES);
  return {
    policies: config.policies,
    data: resolve(config.data),
    ...(config.configFile === undefined ? {} : { configFile: config.configFile }),
    dockerLabel: endpoint.label,
    ...(endpoint.kind === 'unix' ? { socketPath: endpoint.socketPath } : {}),
    hasRedis: config.redisUrl !== undefined,
    apiHost: config.api.host,
    apiPort: config.api.port,
    enabledTools: settings.tools.enable,
  };
}

/** The path with a container, image or exec in it that does not exist. */
function harmless({ path }: DockerPath): string {
  return path.replaceAll(/\[[^\]]*\]\+|\.\+|\.\*/g, NOBODY).replaceAll('\\', '');
}

async function isAccessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

async function dataFacts(path: string) {
  const ownUid = process.getuid?.() ?? 0;
  const status = await stat(path).catch(() => undefined);
  if (status === undefined) {
    // The first start makes it, if it may.
    const writable = await isAccessible(join(path, '..'), constants.W_OK | constants.X_OK);
    return { exists: false, writable, ownUid, locked: false };
  }
  const writable = await isAccessible(path, constants.R_OK | constants.W_OK | constants.X_OK);
  const space = await statfs(path).catch(() => undefined);
  return {
    exists: true,
    writable,
    ownerUid: status.uid,
    ownUid,
    locked: writable && status.uid === ownUid ? await isLocked(path) : false,
    ...(space === undefined ? {} : { freeBytes: space.bavail * space.bsize }),
  };
}

/** Only where a Sentinel was before: looking must not leave anything behind. */
async function isLocked(path: string): Promise<boolean> {
  if (!(await isAccessible(join(path, 'lock'), constants.F_OK))) return false;
  const [{ lockDirectory }, { DataDirectoryLockedError }] = await Promise.all([
    import('#adapters/files/directory-lock.ts'),
    import('#core/errors.ts'),
  ]);
  try {
    (await lockDirectory(path)).release();
    return false;
  } catch (error) {
    if (error instanceof DataDirectoryLockedError) return true;
    throw error;
  }
}

async function portState(host: string, port: number): Promise<'free' | 'sentinel' | 'other'> {
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  if (!(await isListening(local, port))) return (await canListen(host, port)) ? 'free' : 'other';
  const name = local.includes(':') ? `[${local}]` : local;
  const answer = await fetch(`http://${name}:${port}/openapi.json`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
    .then((response) => response.json() as Promise<{ info?: { title?: string } }>)
    .catch(() => undefined);
  return answer?.info?.title === 'SRE Sentinel' ? 'sentinel' : 'other';
}

async function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host, port, timeout: TIMEOUT_MS });
    const end = (listening: boolean) => {
      socket.destroy();
      done(listening);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

async function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ host, port }, () => server.close(() => done(true)));
  });
}
