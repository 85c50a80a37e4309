import { Command, InvalidArgumentError, Option } from 'commander';
import { builtinTool } from '#core/remediation/tools.ts';
import { counted } from '#lib/counted.ts';
import { plainJson } from '#lib/plain-text.ts';
import type { CliContext, ExitCode } from './context.ts';
import { type Column, formatTable } from './table.ts';
import { print } from './terminal.ts';
import type { McpServerListing } from './wiring.ts';

type End = (code: ExitCode) => void;

export function command(context: CliContext, end: End): Command {
  return new Command('mcp')
    .addCommand(serveCommand(context, end))
    .addCommand(toolsCommand(context, end))
    .addCommand(pinCommand(context, end))
    .addHelpText(
      'after',
      `
Examples:
  sentinel mcp serve --read-only            the Docker tools that read, on stdio
  sentinel mcp tools --config sentinel.yaml
  sentinel mcp pin --config sentinel.yaml files`,
    );
}

interface ServeOptions {
  readonly transport: 'stdio' | 'http';
  readonly readOnly?: boolean;
  readonly host: string;
  readonly port: number;
  readonly allowedHost?: readonly string[];
}

function serveCommand({ wiring, stderr }: CliContext, end: End): Command {
  return new Command('serve')
    .description('Serve the built-in Docker tools')
    .addOption(
      new Option('--transport <name>', 'how clients come')
        .choices(['stdio', 'http'])
        .default('stdio'),
    )
    .option('--read-only', 'offer only the tools that read')
    .option('--host <address>', 'for http: where to listen', '127.0.0.1')
    .option('--port <number>', 'for http: where to listen', portNumber, 8811)
    .option('--allowed-host <name...>', 'for http: further names that clients may use')
    .addHelpText(
      'after',
      `
Over HTTP clients send the token of SENTINEL_MCP_TOKEN (or SENTINEL_MCP_TOKEN_FILE) as a bearer
token. This is for other clients of these tools: sentinel run has them within itself.`,
    )
    .action(async (options: ServeOptions) => {
      const { transport, readOnly = false, host, port, allowedHost = [] } = options;
      const wanted = { transport, readOnly, host, port, allowedHosts: allowedHost };
      // Stdout belongs to the protocol.
      await wiring.mcp.serve(wanted, (url) => stderr.write(`serving MCP at ${url}\n`));
      end(0);
    });
}

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('must be a whole number from 0 to 65535.');
}

interface ToolsOptions {
  readonly config?: string;
  readonly output: 'table' | 'wide' | 'json';
}

function toolsCommand({ wiring, stdout }: CliContext, end: End): Command {
  return new Command('tools')
    .description('List the tools that policies may name, and whether they are ready')
    .option('--config <file>', 'the SentinelConfig, for other servers')
    .addOption(
      new Option('-o, --output <format>', 'wide: with the Docker paths that each needs')
        .choices(['table', 'wide', 'json'])
        .default('table'),
    )
    .action(async ({ config, output }: ToolsOptions) => {
      const servers = await wiring.mcp.servers(config);
      if (output === 'json') stdout.write(`${plainJson(withArguments(servers), 2)}\n`);
      else print(stdout, toolsTable(servers, output === 'wide'));
      end(servers.every(({ status }) => status === 'Ready') ? 0 : 1);
    });
}

/** Of a built-in tool also the JSON Schema of what a policy may give it. */
function withArguments(servers: readonly McpServerListing[]): object[] {
  return servers.map(({ tools, ...server }) => ({
    ...server,
    tools: tools.map((tool) => {
      const schema = builtinTool(tool.name)?.inputSchema;
      return schema === undefined ? tool : { ...tool, arguments: schema };
    }),
  }));
}

interface Row {
  readonly name: string;
  readonly status: string;
  readonly summary: string;
  readonly kind: string;
  readonly dockerPaths: readonly string[];
}

function toolsTable(servers: readonly McpServerListing[], wide: boolean): string {
  const rows = servers.flatMap(({ status, message, tools, name }): Row[] =>
    tools.length === 0
      ? [{ name: `${name}/*`, status, summary: message, kind: '', dockerPaths: [] }]
      : tools.map((tool) => ({ ...tool, status, kind: kindOf(tool) })),
  );
  const paths: Column<Row> = {
    title: 'DOCKER PATHS',
    value: ({ dockerPaths }) => dockerPaths.join(', '),
  };
  const columns: Column<Row>[] = [
    { title: 'TOOL', value: ({ name }) => name },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'SERVER', value: ({ status }) => status },
    ...(wide ? [paths] : []),
    { title: 'WHAT IT DOES', value: ({ summary }) => summary },
  ];
  return formatTable(columns, rows);
}

function kindOf(tool: McpServerListing['tools'][number]): string {
  if (tool.readOnly) return 'reads';
  if (tool.needsEnable) return 'acts, needs tools.enable';
  return tool.reversible ? 'acts, reversible' : 'acts';
}

interface PinOptions {
  readonly config?: string;
  readonly lock?: string;
}

function pinCommand({ wiring, stdout }: CliContext, end: End): Command {
  return new Command('pin')
    .description('Pin the tools of other servers as they are now, after you have looked at them')
    .argument('[server...]', 'all but the built-in one unless given')
    .option('--config <file>', 'the SentinelConfig that names the servers')
    .option(
      '--lock <file>',
      'where pins stand; sentinel.tools.lock beside the policies unless given',
    )
    .action(async (servers: readonly string[], options: PinOptions) => {
      for (const { name, tools, lock } of await wiring.mcp.pin({ ...options, servers })) {
        print(stdout, `${name}: pinned ${counted(tools.length, 'tool')} in ${lock}`);
        for (const tool of tools) print(stdout, `  ${tool}`);
      }
      end(0);
    });
}
