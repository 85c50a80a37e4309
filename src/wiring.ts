import { readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataDirectory } from '#adapters/files/data-directory.ts';
import { openEvidenceStore } from '#adapters/files/evidence.ts';
import { watchPolicyFolder } from '#adapters/files/policy-source.ts';
import type { McpActionRunner, McpServerConfig } from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, readLock } from '#adapters/mcp/tools-lock.ts';
import { ownContainerCandidates } from '#adapters/system/own-container.ts';
import type { Controller } from '#controller/controller.ts';
import type { Fleet } from '#controller/fleet.ts';
import { type OperatorJournal, operatorReducer } from '#controller/journal-state.ts';
import { type Outbox, startOutbox } from '#controller/outbox.ts';
import { ConfigError, EvidenceUnavailableError } from '#core/errors.ts';
import type { CompileContext } from '#core/policy/compile.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { projectForSink } from '#core/projection/project-for-sink.ts';
import { BUILTIN_TOOL_NAMES } from '#core/remediation/tools.ts';
import { type OwnEndpoint, protectedContainers } from '#core/workload/protected.ts';
import { createOperatorCommands } from '#http/commands.ts';
import type { HttpServerOptions } from '#http/options.ts';
import { openApiTokens } from '#http/tokens.ts';
import { VERSION } from '#lib/version.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';
import type { EvidenceStore } from '#ports/evidence-store.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';
import type { ControllerReadings } from '#telemetry/controller-telemetry.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';
import type { Config } from './config.ts';

type Settings = SentinelConfig['spec'];

const RETRY_MS = 2_000;

/**
 * What names this host in workload keys: the daemon's hostname, where nobody gave a name. When the
 * daemon is away it is what it was last time; on a first start its first answer is waited for.
 */
export async function engineName(
  runtime: ContainerRuntime,
  data: DataDirectory,
  { log }: Telemetry,
): Promise<string> {
  const file = join(data.path, 'host');
  for (let tries = 1; ; tries += 1) {
    try {
      const { hostname } = await runtime.info(AbortSignal.timeout(10_000));
      await writeFile(file, hostname);
      return hostname;
    } catch (error) {
      const known = await readFile(file, 'utf8').catch(() => '');
      if (known !== '') return known;
      if (tries === 1) log.error({ err: error }, 'the Docker Engine does not answer; trying on');
      await sleep(RETRY_MS);
    }
  }
}

/** The other MCP servers, the second key to strong tools, and the pins. */
export async function toolServers(config: Config, settings: Settings) {
  const servers: McpServerConfig[] = Object.entries(settings.mcp.servers).map(([name, server]) => {
    const token = server.token === undefined ? undefined : config.secret(server.token);
    if (server.url !== undefined) {
      return { name, url: server.url, ...(token === undefined ? {} : { token }) };
    }
    const [command = '', ...args] = server.command ?? [];
    return { name, command, args, env: childEnvironment(config, server.environment ?? {}) };
  });
  if (config.gateway !== undefined) servers.push({ name: 'gateway', ...config.gateway });
  const lock = servers.length === 0 ? EMPTY_LOCK : await readLock(lockPath(config));
  return { servers, enabledTools: settings.tools.enable, lock };
}

/** Pins stand beside the policies, so that they are reviewed with them. */
export function lockPath(config: Pick<Config, 'policies'>): string {
  return join(config.policies, 'sentinel.tools.lock');
}

function childEnvironment(config: Config, wanted: Readonly<Record<string, string>>) {
  const entries = Object.entries(wanted).map(([name, secret]) => [name, config.secret(secret)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

/** Publishes the journal to Redis, where one is configured; its client is loaded only then. */
export async function publish(options: {
  readonly config: Config;
  readonly settings: Settings;
  readonly journal: OperatorJournal;
  readonly clock: Clock;
  readonly host: string;
  readonly telemetry: Telemetry;
}): Promise<Pick<Outbox, 'lagRecords'> & AsyncDisposable> {
  const { config, settings, journal, clock, host, telemetry } = options;
  if (config.redisUrl === undefined) {
    telemetry.log.info('no REDIS_URL: incidents are in the journal and the API only');
    return { lagRecords: () => 0, async [Symbol.asyncDispose]() {} };
  }
  const { createRedisEventSink } = await import('#adapters/redis/redis-event-sink.ts');
  const limits = settings.redis;
  const sink = createRedisEventSink({
    url: config.redisUrl,
    ...(limits === undefined
      ? {}
      : {
          incidentsLengthMax: limits.maxStreamLength,
          auditLengthMax: limits.maxStreamLength,
          resolvedTtlSeconds: limits.resolvedTtl / 1_000,
        }),
  });
  const outbox = startOutbox({
    journal,
    sink,
    clock,
    reducer: operatorReducer,
    host,
    project: projectForSink,
    onCursorAhead: ({ journalId, cursor }) => {
      telemetry.log.warn(
        { journalId, cursor },
        'Redis is ahead of this journal: it goes on under a new id',
      );
      return journal.renew(crypto.randomUUID().replaceAll('-', ''));
    },
    events: telemetry.outbox,
  });
  telemetry.metrics.onScrape(() => telemetry.metrics.outboxLag.set(outbox.lagRecords()));
  return {
    lagRecords: () => outbox.lagRecords(),
    async [Symbol.asyncDispose]() {
      await outbox.close();
      await sink.close();
    },
  };
}

/** Evidence blocks nothing: where none can be kept, each incident says so. */
export async function openEvidence(options: {
  readonly data: DataDirectory;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}): Promise<EvidenceStore> {
  const { data, settings, clock, telemetry } = options;
  const bytesMax = settings.data.evidenceBytesMax;
  try {
    return await openEvidenceStore(data.evidencePath, () => clock.wallMs(), { bytesMax });
  } catch (cause) {
    telemetry.log.error({ err: cause }, 'no evidence can be kept');
    const unavailable = async () => {
      throw new EvidenceUnavailableError('the evidence folder cannot be opened', { cause });
    };
    return { put: unavailable, get: unavailable };
  }
}

/** What the metrics read off the controller. */
export function readingsOf(controller: Controller): ControllerReadings {
  const { views, governing } = controller.worlds().build();
  const workloads = [...views.values()].flatMap(({ key, container }) => {
    const governed = governing(key);
    if (governed.kind !== 'governed') return [];
    return [{ policy: governed.policy.name, state: container?.state ?? 'absent' }];
  });
  const conflicts = [...views.keys()].flatMap((workload) => {
    const governed = governing(workload);
    return governed.kind === 'conflict' ? [{ workload, policies: governed.policies }] : [];
  });
  return { workingMs: controller.queue().workingMs(), workloads, conflicts };
}

/** Watches the policies; what was in force last is kept in the data directory. */
export function openPolicies(options: {
  readonly config: Config;
  readonly settings: Settings;
  readonly data: DataDirectory;
  readonly actions: McpActionRunner;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}): Promise<PolicySource> {
  const { config, settings, data, actions, clock, telemetry } = options;
  return watchPolicyFolder({
    path: config.policies,
    context: () => compileContext(actions, settings, serverNames(config, settings)),
    clock,
    lastGoodFile: data.lastGoodPoliciesPath,
    onWarning: (message, cause) => telemetry.log.warn({ err: cause }, message),
  });
}

/**
 * Starts the controller once the policies are known: at once, as a rule. A start that finds no usable
 * set, neither in the folder nor kept from an earlier run, waits; an empty set would end every
 * incident.
 *
 * @throws {ConfigError} there is no set, and `once` leaves no time to wait for one
 */
export function startOnPolicies(options: {
  readonly policies: PolicySource;
  readonly controller: Pick<Controller, 'start'>;
  readonly telemetry: Pick<Telemetry, 'policies'>;
  readonly once: boolean | undefined;
}): { cancel(): void } {
  const { policies, controller, telemetry, once = false } = options;
  if (policies.current().isKnown) {
    controller.start();
    return { cancel() {} };
  }
  telemetry.policies(policies.current());
  if (once) throw new ConfigError(`no policies could be loaded${firstProblem(policies.current())}`);
  const cancel = policies.onChange((set) => {
    if (!set.isKnown) {
      telemetry.policies(set);
      return;
    }
    cancel();
    controller.start();
  });
  return { cancel };
}

function firstProblem({ problems }: PolicySet): string {
  const [first] = problems;
  return first === undefined ? '' : `: ${formatProblem(first)}`;
}

/** What the API serves, and what it lets operators order. */
export async function apiOptions(options: {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly controller: Controller;
  readonly journal: OperatorJournal;
  readonly policies: PolicySource;
  readonly telemetry: Telemetry;
}): Promise<HttpServerOptions> {
  const { config, data, controller, journal, policies, telemetry } = options;
  const { host, port, tokensFile } = config.api;
  const world = () => controller.worlds().build();
  const tokens = await openApiTokens({
    dataDirectory: data.path,
    ...(tokensFile === undefined ? {} : { file: tokensFile }),
  });
  return {
    host,
    port,
    auth: { tokens },
    version: VERSION,
    log: telemetry.log,
    sources: {
      state: () => journal.state(),
      world,
      journal,
      policies: () => policies.current(),
      registry: telemetry.registry,
      readiness: () => ({
        synced: controller.isSynced(),
        sinceLastReconcileMs: controller.sinceLastReconcileMs(),
        dockerUp: controller.isConnected(),
      }),
    },
    commands: createOperatorCommands({
      append: (drafts, how) => journal.append(drafts, how),
      world,
      enqueue: (key) => controller.enqueue(key),
    }),
  };
}

/** What policies are compiled against: the tools that exist, and the names that they may use. */
/** The servers beside the built-in one. */
function serverNames(config: Config, settings: Settings): string[] {
  return [
    ...Object.keys(settings.mcp.servers),
    ...(config.gateway === undefined ? [] : ['gateway']),
  ];
}

function compileContext(
  actions: McpActionRunner,
  settings: Settings,
  servers: readonly string[],
): CompileContext {
  return {
    tool: (name) => actions.describe(name),
    builtinTools: BUILTIN_TOOL_NAMES,
    enabledTools: settings.tools.enable,
    notifiers: Object.keys(settings.notifiers),
    servers,
  };
}

/** Containers that are ours, found anew whenever the fleet was listed. */
export function protection(config: Config, settings: Settings) {
  const candidates = ownContainerCandidates();
  const endpoints = [
    endpointOf('its Redis', config.redisUrl),
    endpointOf('its way to Docker', config.docker.DOCKER_HOST),
    endpointOf('its MCP gateway', config.gateway?.url),
    ...Object.entries(settings.mcp.servers).map(([name, { url }]) =>
      endpointOf(`its MCP server ${name}`, url),
    ),
  ].filter((endpoint) => endpoint !== undefined);

  return (fleet: Fleet): ReadonlyMap<string, string> => {
    const containers = fleet.containers();
    const self = containers.find(({ id }) =>
      candidates.some((candidate) => id.startsWith(candidate)),
    );
    return protectedContainers(containers, self?.id, endpoints);
  };
}

function endpointOf(what: string, url: string | undefined): OwnEndpoint | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  if (hostname === '') return undefined;
  const fallback = protocol.startsWith('redis') ? 6379 : undefined;
  const known = port === '' ? fallback : Number(port);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    what,
    host,
    isThisHost: isOwnAddress(host),
    ...(known === undefined ? {} : { port: known }),
  };
}

function isOwnAddress(host: string): boolean {
  return Object.values(networkInterfaces()).some((addresses = []) =>
    addresses.some(({ address, internal }) => !internal && address === host),
  );
}
