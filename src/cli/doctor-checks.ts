import { SentinelError } from '#core/errors.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { governing } from '#core/policy/select.ts';
import { builtinTool, type DockerPath } from '#core/remediation/tools.ts';
import { identityOf } from '#core/workload/key.ts';
import { formatDuration } from '#lib/duration.ts';
import { formatBytes } from '#lib/quantity.ts';
import { modelsCheck } from './doctor-models.ts';
import type { DoctorProbes, DoctorSetting } from './doctor-probes.ts';

export interface Finding {
  readonly check?: string;
  readonly level: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly remedy?: string;
  /** Something that Sentinel needs did not answer. */
  readonly unreachable?: boolean;
}

type Check = (probes: DoctorProbes, setting: DoctorSetting) => Promise<readonly Finding[]>;

const ok = (message: string): Finding => ({ level: 'ok', message });
const warn = (message: string, remedy: string): Finding => ({ level: 'warn', message, remedy });
const fail = (message: string, remedy: string): Finding => ({ level: 'fail', message, remedy });

const NODE_MIN: readonly [major: number, minor: number] = [24, 12];
/** Docker's timestamps and ours are compared in places; seconds do not matter there, minutes do. */
const SKEW_WARN_MS = 2_000;
const SKEW_FAIL_MS = 60_000;
const FREE_BYTES_MIN = 512 * 1024 * 1024;

/** In the order in which they are told: what everything else needs comes first. */
export const CHECKS: Readonly<Record<string, Check>> = {
  node: async (probes) => {
    const version = probes.nodeVersion();
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
    if (isNew) return [ok(`version ${version}`)];
    return [fail(`version ${version} is too old`, `Install Node ${NODE_MIN.join('.')} or newer.`)];
  },
  socket: socketCheck,
  docker: dockerCheck,
  clock: async (probes) => {
    const { systemTimeMs } = await probes.engine();
    const skewMs = Math.abs(systemTimeMs - probes.wallMs());
    if (skewMs < SKEW_WARN_MS) return [ok('the engine’s clock agrees with ours')];
    const message = `the engine’s clock is ${formatDuration(skewMs)} away from ours`;
    const remedy = 'Let both machines set their clocks by NTP.';
    return [skewMs < SKEW_FAIL_MS ? warn(message, remedy) : fail(message, remedy)];
  },
  permissions: permissionsCheck,
  stats: async (probes) => {
    const containers = await probes.someRunning();
    if (containers.length === 0) return [ok('no container runs: nothing to measure')];
    // One may end while it is looked at.
    for (const container of containers) {
      if (probes.cgroupFiles(container)) return [ok('the kernel’s cgroup files are visible')];
    }
    const remedy =
      'It works, and costs the engine more. In Compose: pid: host, cgroup: host, and volumes: [/sys/fs/cgroup:/sys/fs/cgroup:ro]; Sentinel then sees the processes of the host.';
    return [warn('cgroup files are not visible: usage is asked of the engine every 10 s', remedy)];
  },
  redis: redisCheck,
  data: dataCheck,
  policies: policiesCheck,
  models: modelsCheck,
  api: async (probes, { apiHost, apiPort }) => {
    const state = await probes.port();
    const address = `${apiHost}:${apiPort}`;
    if (state === 'sentinel') return [ok(`a Sentinel serves its API at ${address}`)];
    if (state === 'free') return [ok(`${address} is free`)];
    return [fail(`${address} is taken by something else`, 'Choose another API_PORT.')];
  },
};

async function socketCheck(
  probes: DoctorProbes,
  { socketPath }: DoctorSetting,
): Promise<readonly Finding[]> {
  if (socketPath === undefined) return [];
  const socket = await probes.socket(socketPath);
  if (socket === undefined) {
    const remedy =
      'Start Docker, or set DOCKER_HOST. In a container: mount the socket (volumes: /var/run/docker.sock).';
    return [{ ...fail(`there is no ${socketPath}`, remedy), unreachable: true }];
  }
  const facts = `${socketPath} belongs to group ${socket.gid}`;
  if (socket.usable) return [ok(`${facts}; in Compose: group_add: ["${socket.gid}"]`)];
  const remedy = `In Compose: group_add: ["${socket.gid}"]. On a host: add the user to that group.`;
  return [{ ...fail(`${facts}, and this user may not use it`, remedy), unreachable: true }];
}

async function dockerCheck(
  probes: DoctorProbes,
  { dockerLabel }: DoctorSetting,
): Promise<readonly Finding[]> {
  try {
    const { serverVersion, apiVersion, hostname, cgroupVersion } = await probes.engine();
    return [
      ok(
        `${dockerLabel}: engine ${serverVersion} on ${hostname}, API ${apiVersion}, cgroup v${cgroupVersion}`,
      ),
    ];
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    const remedy =
      'Is Docker running? DOCKER_HOST says where; a socket proxy must allow GET /info.';
    return [{ ...fail(error.message, remedy), unreachable: true }];
  }
}

/** Per action of the policies: whether the engine, or a proxy before it, lets its calls through. */
async function permissionsCheck(
  probes: DoctorProbes,
  { enabledTools }: DoctorSetting,
): Promise<readonly Finding[]> {
  const { policies, problems } = await probes.policies();
  if (problems.length > 0 && policies.length === 0) {
    return [warn('not looked at: no policy can be read', 'Mend the policies first.')];
  }
  const named = policies.flatMap(({ actions }) => actions.map(({ tool }) => tool));
  const tools = [...new Set(named)].sort();
  if (tools.length === 0) return [ok('the policies allow no action: reading is enough')];
  const known = new Map<string, Promise<boolean>>();
  const allows = (path: DockerPath) => {
    const key = `${path.method} ${path.path}`;
    const answer = known.get(key) ?? probes.allows(path);
    known.set(key, answer);
    return answer;
  };
  const findings: Finding[] = [];
  for (const name of tools) {
    const tool = builtinTool(name);
    if (tool === undefined) continue;
    if (tool.needsEnable && !enabledTools.includes(name)) {
      const remedy = 'Name it in spec.tools.enable of the SentinelConfig, if you want it used.';
      findings.push(warn(`${name} is not enabled`, remedy));
      continue;
    }
    const denied: string[] = [];
    for (const path of tool.dockerPaths) {
      if (!(await allows(path))) denied.push(`${path.method} ${path.path}`);
    }
    findings.push(
      denied.length === 0
        ? ok(`${name} may be called`)
        : fail(`${name} is refused (403)`, `Allow in the socket proxy: ${denied.join(', ')}`),
    );
  }
  return findings;
}

async function redisCheck(
  probes: DoctorProbes,
  { hasRedis }: DoctorSetting,
): Promise<readonly Finding[]> {
  if (!hasRedis) return [ok('not configured: incidents are in the journal and the API')];
  try {
    await probes.pingRedis();
    return [ok('it answers')];
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    const remedy = 'Sentinel works without it and catches up later. Check REDIS_URL.';
    return [{ level: 'fail', message: error.message, remedy, unreachable: true }];
  }
}

async function dataCheck(
  probes: DoctorProbes,
  { data }: DoctorSetting,
): Promise<readonly Finding[]> {
  const { exists, writable, ownerUid, ownUid, locked, freeBytes } = await probes.data();
  if (exists && ownerUid !== undefined && ownerUid !== ownUid) {
    const message = `${data} belongs to user ${ownerUid}, and this is user ${ownUid}`;
    return [fail(message, `Run as that user, or: chown -R ${ownUid} ${data}`)];
  }
  if (!writable) {
    const what = exists ? `${data} cannot be written` : `${data} does not exist and cannot be made`;
    return [
      fail(what, 'Name a directory of this user with SENTINEL_DATA, or mend its permissions.'),
    ];
  }
  const space =
    freeBytes !== undefined && freeBytes < FREE_BYTES_MIN
      ? [
          warn(
            `only ${formatBytes(freeBytes)} are free at ${data}`,
            'Make room: without a journal nothing is done.',
          ),
        ]
      : [];
  if (locked) return [ok(`${data} is in use by a Sentinel`), ...space];
  return [
    ok(exists ? `${data} can be written` : `${data} will be made at the first start`),
    ...space,
  ];
}

/** Containers that policies of the same priority tie for. */
async function conflicts(
  probes: DoctorProbes,
  { host }: DoctorSetting,
  policies: readonly CompiledPolicy[],
): Promise<readonly Finding[]> {
  try {
    const name = host ?? (await probes.engine()).hostname;
    const containers = await probes.containers();
    return containers.flatMap((container) => {
      const { image, labels } = container;
      const found = governing(policies, { ...identityOf(name, container), image, labels });
      if (found.kind !== 'conflict') return [];
      const message = `${found.policies.join(', ')} have the same priority for ${container.name}, so none governs it`;
      const remedy = 'Raise the priority of one, or set the label sre-sentinel.policy=NAME.';
      return [warn(message, remedy)];
    });
  } catch (error) {
    // That the engine does not answer is told elsewhere.
    if (error instanceof SentinelError) return [];
    throw error;
  }
}

async function policiesCheck(
  probes: DoctorProbes,
  setting: DoctorSetting,
): Promise<readonly Finding[]> {
  const { policies: path } = setting;
  const { policies, problems, warnings } = await probes.policies();
  if (problems.length > 0) {
    return problems.map((problem) =>
      fail(formatProblem(problem), 'Until all are mended the last good policies stay in force.'),
    );
  }
  const doubts = warnings.map((problem) =>
    warn(formatProblem(problem), 'See whether that is what you mean.'),
  );
  if (policies.length === 0) {
    return [warn(`there is no policy in ${path}`, 'Without one nothing is watched or done.')];
  }
  doubts.push(...(await conflicts(probes, setting, policies)));
  const names = policies.map(({ name, spec }) => `${name} (${spec.remediation.mode})`).join(', ');
  return [ok(`${policies.length} in ${path}: ${names}`), ...doubts];
}
