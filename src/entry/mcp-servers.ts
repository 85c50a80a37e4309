import { readFileSync } from 'node:fs';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { readSentinelConfig } from '#adapters/files/sentinel-config.ts';
import {
  createMcpActionRunner,
  type McpActionRunner,
  type McpServerStatus,
} from '#adapters/mcp/mcp-action-runner.ts';
import { pinTools, readLock, writeLock } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { CliError } from '#cli/context.ts';
import type { McpServerListing, PinnedServer, PinOptions } from '#cli/wiring.ts';
import { type Config, loadConfig } from '#config.ts';
import { BUILTIN_SERVER, BUILTIN_TOOL_NAMES, BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import { VERSION } from '#lib/version.ts';
import { lockPath, toolServers } from './wiring.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The built-in server and those of the configuration, with their tools and how these stand. */
export async function listMcpServers(
  configFile: string | undefined,
  env: Env,
): Promise<McpServerListing[]> {
  const config = configOf(configFile, env);
  await using runner = await connect(config);
  return runner.servers().map((server) => ({
    name: server.name,
    status: server.readiness.ready ? 'Ready' : server.readiness.reason,
    message: server.readiness.ready ? '' : server.readiness.message,
    tools: server.name === BUILTIN_SERVER ? builtinListings() : foreignListings(server, runner),
  }));
}

/** Pins what the servers list now. Whoever runs this has looked at it. */
export async function pinMcpServers(options: PinOptions, env: Env): Promise<PinnedServer[]> {
  const config = configOf(options.config, env);
  const path = options.lock ?? (await lockPath(config));
  await using runner = await connect(config);
  const foreign = runner.servers().filter(({ name }) => name !== BUILTIN_SERVER);
  const wanted = options.servers.length === 0 ? foreign.map(({ name }) => name) : options.servers;
  if (wanted.length === 0) {
    const remedy = 'Servers stand in the SentinelConfig (--config), or in MCP_GATEWAY_URL.';
    throw new CliError(2, 'there is no server to pin; the built-in one is pinned already', remedy);
  }
  let lock = await readLock(path);
  const pinned: PinnedServer[] = [];
  for (const name of wanted) {
    const server = foreign.find((one) => one.name === name);
    if (server === undefined) throw new CliError(2, `no MCP server is called ${name}`);
    const { readiness, tools } = server;
    if (!readiness.ready && readiness.reason === 'ServerUnavailable') {
      throw new CliError(3, `cannot reach the MCP server ${name}: ${readiness.message}`);
    }
    lock = pinTools(lock, name, tools);
    pinned.push({ name, tools: Object.keys(lock.servers[name] ?? {}), lock: path });
  }
  await writeLock(path, lock);
  return pinned;
}

function configOf(configFile: string | undefined, env: Env): Config {
  const overrides = configFile === undefined ? {} : { configFile };
  return loadConfig(env, overrides, (path) => readFileSync(path, 'utf8'));
}

/** Each server was tried once when this resolves. */
async function connect(config: Config): Promise<McpActionRunner> {
  const settings = await readSentinelConfig(config.configFile, BUILTIN_TOOL_NAMES);
  const clock = createSystemClock();
  const connection = createDockerConnection(config.docker);
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  const runner = createMcpActionRunner({
    clock,
    version: VERSION,
    docker: { actions: createBuiltinActions({ runtime, operations, clock }), version: VERSION },
    ...(await toolServers(config, settings)),
  });
  await runner.connected();
  return runner;
}

function builtinListings(): McpServerListing['tools'] {
  return Object.values(BUILTIN_TOOLS).map((tool) => ({
    name: tool.name,
    summary: tool.summary,
    readOnly: tool.readOnly,
    reversible: tool.reversible,
    needsEnable: tool.needsEnable,
    dockerPaths: tool.dockerPaths.map(({ method, path }) => `${method} ${path}`),
  }));
}

/** Summaries of other servers are theirs to write: the command line shows them, no prompt does. */
function foreignListings(
  { name: server, tools }: McpServerStatus,
  runner: McpActionRunner,
): McpServerListing['tools'] {
  return tools.map(({ name, description = '' }) => {
    const known = runner.describe(`${server}/${name}`);
    return {
      name: `${server}/${name}`,
      summary: description.split('\n', 1)[0] ?? '',
      readOnly: known?.readOnly ?? false,
      reversible: known?.reversible ?? false,
      needsEnable: known?.needsEnable ?? false,
      dockerPaths: [],
    };
  });
}
