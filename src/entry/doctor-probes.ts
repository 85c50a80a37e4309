import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { DoctorProbes, DoctorSetting } from '#cli/doctor-probes.ts';
import type { Config } from '#config.ts';
import type { ContainerSummary, ObservedContainer } from '#core/workload/container.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { loadModels } from './models.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** An engine that is busy is no engine that is away. */
const TIMEOUT_MS = 20_000;
const CONTAINERS_LOOKED_AT = 5;
const AT_ONCE_MAX = 4;
/** No container is ever called so: an id has hexadecimal digits alone. */
const NOBODY = 'sentinel-doctor-asks-for-nobody';

/**
 * Opens nothing yet: each look dials for itself.
 *
 * @throws {ConfigError} the environment or the SentinelConfig cannot be used
 */
export async function createDoctorProbes(env: Env): Promise<DoctorProbes> {
  const [docker, { createDockerRuntime }, { createCgroupSource }, { createSystemClock }, wiring] =
    await Promise.all([
      import('#adapters/docker/connection.ts'),
      import('#adapters/docker/docker-runtime.ts'),
      import('#adapters/docker/cgroup-source.ts'),
      import('#adapters/system/system-clock.ts'),
      import('./wiring.ts'),
    ]);
  const clock = createSystemClock();
  // As `run` reads it: the SentinelConfig may say where the data and Redis are.
  const { config, settings } = await wiring.readConfiguration(env, {});
  const connection = docker.createDockerConnection({ ...config.docker, timeoutMs: TIMEOUT_MS });
  const runtime = createDockerRuntime({ connection, clock });
  const signal = () => AbortSignal.timeout(2 * TIMEOUT_MS);
  const inspections = createLimiter(AT_ONCE_MAX);

  async function inspect(containers: readonly ContainerSummary[]): Promise<ObservedContainer[]> {
    const found = await Promise.all(
      containers.map(({ id }) => inspections.run(() => runtime.inspect(id, signal()))),
    );
    return found.filter((container) => container !== undefined);
  }

  return {
    setting: () => settingOf(config, settings.tools.enable),
    socket: async (path) => {
      const status = await stat(path).catch(() => undefined);
      if (status === undefined) return undefined;
      const usable = await isAccessible(path, constants.R_OK | constants.W_OK);
      return { uid: status.uid, gid: status.gid, usable };
    },
    engine: () => runtime.info(signal()),
    containers: async () => inspect(await runtime.list(signal())),
    someRunning: async () => {
      const all = await runtime.list(signal());
      return inspect(all.filter(({ state }) => state === 'running').slice(0, CONTAINERS_LOOKED_AT));
    },
    allows: async ({ method, path: expression }) => {
      const { RuntimeForbiddenError } = await import('#core/errors.ts');
      try {
        for (const path of harmlessPaths(expression)) {
          await connection.request({ method, path }, signal());
        }
        return true;
      } catch (error) {
        if (error instanceof RuntimeForbiddenError) return false;
        throw error;
      }
    },
    cgroupFiles: (container: ObservedContainer) =>
      createCgroupSource({ clock }).sample(container) !== undefined,
    pingRedis: () => pingRedis(config.redisUrl ?? ''),
    data: () => dataFacts(resolve(config.data)),
    policies: async () => {
      const { loadPolicies } = await import('./policies.ts');
      return loadPolicies([config.policies], config.configFile);
    },
    route: createRouteProbe({ config, settings, clock }),
    port: () => portState(config.api.host, config.api.port),
    nodeVersion: () => process.versions.node,
    wallMs: () => clock.wallMs(),
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
    },
  };
}

/** A few at once; what asks models is loaded for the first. */
function createRouteProbe(options: Parameters<typeof loadModels>[0]): DoctorProbes['route'] {
  const slots = createLimiter(AT_ONCE_MAX);
  let loading: ReturnType<typeof loadModels> | undefined;
  return (name) =>
    slots.run(async () => {
      loading ??= import('./models.ts').then((models) => models.loadModels(options));
      return (await loading).probe(name, AbortSignal.timeout(TIMEOUT_MS));
    });
}

async function settingOf(config: Config, enabledTools: readonly string[]): Promise<DoctorSetting> {
  const { parseEndpoint } = await import('#adapters/docker/endpoint.ts');
  const endpoint = parseEndpoint(config.docker);
  return {
    policies: config.policies,
    data: resolve(config.data),
    ...(config.configFile === undefined ? {} : { configFile: config.configFile }),
    ...(config.host === undefined ? {} : { host: config.host }),
    dockerLabel: endpoint.label,
    ...(endpoint.kind === 'unix' ? { socketPath: endpoint.socketPath } : {}),
    hasRedis: config.redisUrl !== undefined,
    apiHost: config.api.host,
    apiPort: config.api.port,
    enabledTools,
  };
}

/**
 * Paths that an expression of the tools' matches, one for each alternative in it, with a container,
 * image or exec that does not exist. What may be absent is: an image's name without slashes is what a
 * proxy lets through most likely.
 */
export function harmlessPaths(expression: string): string[] {
  const group = /\((?<inside>[^()]*)\)(?<absent>\??)/.exec(expression);
  if (group === null) {
    return [expression.replaceAll(/\[[^\]]*\]\+|\.\+|\.\*/g, NOBODY).replaceAll('\\', '')];
  }
  const { inside = '', absent } = group.groups ?? {};
  const alternatives = absent === '?' ? [''] : inside.split('|');
  const before = expression.slice(0, group.index);
  const after = expression.slice(group.index + group[0].length);
  return alternatives.flatMap((alternative) => harmlessPaths(before + alternative + after));
}

async function pingRedis(url: string): Promise<void> {
  const { createRedisEventSink } = await import('#adapters/redis/redis-event-sink.ts');
  const sink = createRedisEventSink({ url });
  try {
    await sink.cursor('doctor');
  } finally {
    await sink.close();
  }
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
  const { isDirectoryLocked } = await import('#adapters/files/directory-lock.ts');
  const space = await statfs(path).catch(() => undefined);
  return {
    exists: true,
    writable,
    ownerUid: status.uid,
    ownUid,
    locked: writable && status.uid === ownUid && (await isDirectoryLocked(path)),
    ...(space === undefined ? {} : { freeBytes: space.bavail * space.bsize }),
  };
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
