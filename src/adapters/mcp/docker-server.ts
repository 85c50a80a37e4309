import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { type BuiltinToolName, isBuiltinToolName } from '#core/remediation/tool-arguments.ts';
import { BUILTIN_SERVER } from '#core/remediation/tools.ts';
import type { JsonObject } from '#lib/json.ts';
import type { BoundCall, BuiltinActions, BuiltinResult } from '#ports/builtin-actions.ts';
import {
  BoundActing,
  BoundIntent,
  BoundReading,
  boundSchemaOf,
  builtinDefinitions,
  RECOVER_TOOL,
  SETTLE_TOOL,
} from './builtin-definitions.ts';
import { redactedResult } from './redacted-result.ts';

export interface DockerServerOptions {
  readonly actions: BuiltinActions;
  readonly version: string;
  /** Offers only the tools that read. */
  readonly readOnly?: boolean;
  /** Takes secrets out of results. Whatever leaves the process needs it; in process the caller does. */
  readonly redacts?: boolean;
}

/**
 * The built-in tools as an MCP server, for one transport. It sits on the SDK's protocol server
 * rather than its tool registry, so that the definitions are listed byte for byte, which is what
 * clients pin, and so that an unknown tool is a protocol error: the registry answers both that and a
 * failed execution with `isError`, and a caller could not tell that nothing was touched.
 */
export async function createDockerServer(options: DockerServerOptions): Promise<Server> {
  const [{ Server: McpServer }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/server/index.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ]);
  const tools = builtinDefinitions({ readOnly: options.readOnly ?? false });
  const server = new McpServer(
    { name: `sentinel-${BUILTIN_SERVER}`, version: options.version },
    { capabilities: { tools: {} } },
  );
  server.setRequestHandler(types.ListToolsRequestSchema, () => ({ tools: [...tools] }));
  server.setRequestHandler(types.CallToolRequestSchema, async ({ params }, { signal }) => {
    if (!tools.some(({ name }) => name === params.name)) {
      throw new types.McpError(types.ErrorCode.InvalidParams, `there is no tool ${params.name}`);
    }
    const result = await callTool(options.actions, params.name, params.arguments ?? {}, signal);
    return toMcp(options.redacts === true ? redactedResult(result) : result);
  });
  return server;
}

async function callTool(
  actions: BuiltinActions,
  name: string,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<BuiltinResult> {
  if (isBuiltinToolName(name)) return callBuiltin(actions, name, args, signal);
  const bound = BoundIntent.safeParse(args);
  if (!bound.success) return invalid(bound.error);
  const { intentId } = bound.data;
  if (name === RECOVER_TOOL) return actions.recover(intentId, signal);
  if (name === SETTLE_TOOL) return actions.settle(intentId, signal);
  return { outcome: 'NotExecuted', reason: 'ToolUnknown', message: `there is no tool ${name}` };
}

async function callBuiltin(
  actions: BuiltinActions,
  tool: BuiltinToolName,
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<BuiltinResult> {
  const bound = boundPart(tool, args);
  if ('outcome' in bound) return bound;
  return actions.call(tool, ownArguments(tool, args), bound, signal);
}

function boundPart(
  tool: BuiltinToolName,
  args: Readonly<Record<string, unknown>>,
): BoundCall | BuiltinResult {
  const schema = boundSchemaOf(tool);
  if (schema === undefined) return { intentId: '', expect: [] };
  if (schema === BoundReading) {
    const bound = BoundReading.safeParse(args);
    return bound.success ? { intentId: '', expect: [], ...bound.data } : invalid(bound.error);
  }
  const bound = BoundActing.safeParse(args);
  if (!bound.success) return invalid(bound.error);
  const { target, expect, intentId } = bound.data;
  if (expect[0]?.id !== target) {
    const message = 'expect must begin with the target';
    return { outcome: 'NotExecuted', reason: 'ArgumentsInvalid', message };
  }
  const expectations = expect.map(({ id, state, startedAtMs }) => ({
    id,
    state,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
  }));
  return { intentId, expect: expectations };
}

/** What is left without the bound part; the tool's own schema judges it, unknown names included. */
function ownArguments(tool: BuiltinToolName, args: Readonly<Record<string, unknown>>): JsonObject {
  const bound = Object.keys(boundSchemaOf(tool)?.shape ?? {});
  // They came as JSON.
  return Object.fromEntries(
    Object.entries(args).filter(([name]) => !bound.includes(name)),
  ) as JsonObject;
}

function invalid(error: z.ZodError): BuiltinResult {
  const [issue] = error.issues;
  const message = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
  return { outcome: 'NotExecuted', reason: 'ArgumentsInvalid', message };
}

function toMcp(result: BuiltinResult): CallToolResult {
  const text =
    result.outcome === 'Succeeded'
      ? JSON.stringify(result.result)
      : `${result.outcome}: ${result.message}`;
  return {
    content: [{ type: 'text', text }],
    structuredContent: { ...result },
    isError: result.outcome !== 'Succeeded',
  };
}
