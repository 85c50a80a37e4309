import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DataDirectory } from '#adapters/files/data-directory.ts';
import { writeFileAtomically } from '#adapters/files/durable.ts';
import { openEvidenceStore } from '#adapters/files/evidence.ts';
import { watchPolicyFolder } from '#adapters/files/policy-source.ts';
import { readSentinelConfig } from '#adapters/files/sentinel-config.ts';
import type { McpActionRunner, McpServerConfig } from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK, readLock } from '#adapters/mcp/tools-lock.ts';
import { watchLock } from '#adapters/mcp/watch-lock.ts';
import { ownContainerCandidates } from '#adapters/system/own-container.ts';
import { type Config, loadConfig, type Overrides, withSettings } from '#config.ts';
import type { Controller } from '#controller/controller.ts';
import type { Fleet } from '#controller/fleet.ts';
import { DEFAULT_RETENTION } from '#controller/journal/retention.ts';
import { type OperatorJournal, operatorReducer } from '#controller/journal-state.ts';
import { type Outbox, startOutbox } from '#controller/outbox.ts';
import { ConfigError, EvidenceUnavailableError } from '#core/errors.ts';
import type { CompileContext } from '#core/policy/compile.ts';
import { McpServer, type SentinelConfig } from '#core/policy/config-schema.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { providerNames } from '#core/policy/providers.ts';
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
import type { ModelClient } from '#ports/model-client.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';
import type { ControllerReadings } from '#telemetry/controller-telemetry.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';

type Settings = SentinelConfig['spec'];

const RETRY_MS = 2_000;
const CONNECT_MS = 2_000;

/** The environment, the SentinelConfig that it or the command line names, and what becomes of both. */
export async function readConfiguration(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Overrides,
): Promise<{ readonly config: Config; readonly settings: Settings }> {
  const given = loadConfig(env, overrides, (path) => readFileSync(path, 'utf8'));
  const settings = await readSentinelConfig(given.configFile, BUILTIN_TOOL_NAMES);
  return { config: withSettings(given, overrides, settings), settings };
}

export function journalOptions(config: Pick<Config, 'redisUrl'>, { data }: Pick<Settings, 'data'>) {
  return {
    hasOutbox: config.redisUrl !== undefined,
    retention: { ...DEFAULT_RETENTION, ageMaxMs: data.retention },
  };
}

/**
 * What names this host in workload keys: the daemon's hostname, where nobody gave a name. When the
 * daemon is away it is what it was last time; on a first start its first answer is waited for.
 */
export async function engineName(
  runtime: Pick<ContainerRuntime, 'info'>,
  data: Pick<DataDirectory, 'path'>,
  { log }: Pick<Telemetry, 'log'>,
): Promise<string> {
  const file = join(data.path, 'host');
  const known = await readFile(file, 'utf8').catch(() => '');
  for (let tries = 1; ; tries += 1) {
    let hostname: string;
    try {
      ({ hostname } = await runtime.info(AbortSignal.timeout(10_000)));
    } catch (error) {
      if (known !== '') return known;
      if (tries === 1) log.error({ err: error }, 'the Docker Engine does not answer; trying on');
      await sleep(RETRY_MS);
      continue;
    }
    if (hostname !== known) {
      await writeFileAtomically(file, Buffer.from(hostname)).catch((error: unknown) => {
        log.warn({ err: error, file }, 'the name of this host is not kept for the next start');
      });
    }
    return hostname;
  }
}

/** The other MCP servers, the second key to strong tools, and the pins. */
export async function toolServers(config: Config, settings: Settings) {
  const servers: McpServerConfig[] = Object.entries(settings.mcp.servers).map(([name, server]) => {
    const { timeout: timeoutMs } = server;
    const token = server.token === undefined ? undefined : config.secret(server.token);
    if (server.url !== undefined) {
      return { name, timeoutMs, url: server.url, ...(token === undefined ? {} : { token }) };
    }
    const [command = '', ...args] = server.command ?? [];
    const env = childEnvironment(config, server.environment ?? {});
    return { name, timeoutMs, command, args, env };
  });
  if (config.gateway !== undefined) {
    const timeoutMs = McpServer.shape.timeout.parse(undefined);
    servers.push({ name: 'gateway', timeoutMs, ...config.gateway });
  }
  const lock = servers.length === 0 ? EMPTY_LOCK : await readLock(await lockPath(config));
  return { servers, enabledTools: settings.tools.enable, lock };
}

/**
 * Waits until each MCP server was tried, though not for long: one that does not answer keeps back its
 * own tools, and nothing else.
 */
export async function untilConnected(
  actions: Pick<McpActionRunner, 'connected'>,
  clock: Pick<Clock, 'after'>,
): Promise<void> {
  const late = Promise.withResolvers<void>();
  const cancel = clock.after(CONNECT_MS, late.resolve);
  await Promise.race([actions.connected(), late.promise]);
  cancel();
}

/** Pins stand beside the policies, so that they are reviewed with them. */
export async function lockPath({ policies }: Pick<Config, 'policies'>): Promise<string> {
  const isFile = await stat(policies).then(
    (found) => found.isFile(),
    () => false,
  );
  return join(isFile ? dirname(policies) : policies, 'sentinel.tools.lock');
}

/** What `sentinel mcp pin` writes counts without a restart; nothing is looked at without servers. */
export async function followPins(options: {
  readonly config: Config;
  readonly tools: Awaited<ReturnType<typeof toolServers>>;
  readonly actions: Pick<McpActionRunner, 'setLock'>;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'log'>;
}): Promise<AsyncDisposable> {
  const { config, tools, actions, clock, telemetry } = options;
  if (tools.servers.length === 0) return { async [Symbol.asyncDispose]() {} };
  return watchLock({
    path: await lockPath(config),
    lock: tools.lock,
    clock,
    onChange(lock) {
      telemetry.log.info('the pins of MCP servers have changed');
      actions.setLock(lock);
    },
    onWarning: (message, cause) => telemetry.log.warn({ err: cause }, message),
  });
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
    telemetry.log.info('no Redis is configured: incidents are in the journal and the API only');
    return { lagRecords: () => 0, async [Symbol.asyncDispose]() {} };
  }
  const { createRedisEventSink } = await import('#adapters/redis/redis-event-sink.ts');
  const sink = createRedisEventSink({
    url: config.redisUrl,
    streamLengthMax: settings.redis.maxStreamLength,
    resolvedTtlMs: settings.redis.resolvedTtl,
    onDisplaced: (key, renamedTo) =>
      telemetry.log.warn({ key, renamedTo }, 'a key in Redis held something else: it was renamed'),
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
  readonly models: ModelClient;
  readonly telemetry: Telemetry;
}): Promise<HttpServerOptions> {
  const { config, data, controller, journal, policies, models, telemetry } = options;
  const { host, port, tokensFile, allowedHosts } = config.api;
  const world = () => controller.worlds().build();
  const tokens = await openApiTokens({
    dataDirectory: data.path,
    ...(tokensFile === undefined ? {} : { file: tokensFile }),
  });
  return {
    host,
    port,
    auth: { tokens, allowedHosts },
    version: VERSION,
    log: telemetry.log,
    sources: {
      state: () => journal.state(),
      world,
      journal,
      policies: () => policies.current(),
      models,
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

/** The servers beside the built-in one. */
function serverNames(config: Config, settings: Settings): string[] {
  return [
    ...Object.keys(settings.mcp.servers),
    ...(config.gateway === undefined ? [] : ['gateway']),
  ];
}

/** What policies are compiled against: the tools that exist, and the names that they may use. */
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
    providers: providerNames(settings.providers),
    servers,
  };
}

/** What the SentinelConfig says to the control loop. */
export function loopSettings({ maxActions, redaction }: Settings) {
  return {
    maxActions: { max: maxActions.max, perMs: maxActions.per },
    readSecretFiles: redaction.readSecretFiles,
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
