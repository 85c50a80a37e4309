import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js';

/** What all servers of one test have in common, and what the test looks at. */
export interface ScriptedWorld {
  /** Names of the tools that were called, in order; `cancelled` after one whose call was cancelled. */
  readonly calls: string[];
  /** Calls that are at work at this moment, and most of them at once. */
  running: number;
  runningMax: number;
  /** Text after each description: a change of it is a change of the manifest. */
  suffix: string;
  /** Called once, when a page of the list has been read and is about to be sent. */
  onPage: (() => Promise<void>) | undefined;
  /** Sends `list_changed` to every client that is connected. */
  announce(): Promise<void>;
}

const PAGE_SIZE = 3;
const ANY_OBJECT = { type: 'object' as const };
const NUMBER_RESULT = {
  type: 'object' as const,
  properties: { sum: { type: 'number' } },
  required: ['sum'],
};

interface Around {
  readonly world: ScriptedWorld;
  readonly server: Server;
  readonly signal: AbortSignal;
}

interface ScriptedTool {
  readonly inputSchema?: typeof ANY_OBJECT & Record<string, unknown>;
  readonly outputSchema?: typeof NUMBER_RESULT;
  readonly run: (
    args: Readonly<Record<string, unknown>>,
    around: Around,
  ) => Promise<CallToolResult> | CallToolResult;
}

const TOOLS: Readonly<Record<string, ScriptedTool>> = {
  echo: {
    inputSchema: {
      ...ANY_OBJECT,
      properties: { text: { type: 'string' } },
      required: ['text'],
      additionalProperties: false,
    },
    run: ({ text: said }) => text(String(said)),
  },
  add: {
    outputSchema: NUMBER_RESULT,
    run: ({ a, b }) => ({ ...text('done'), structuredContent: { sum: Number(a) + Number(b) } }),
  },
  lie: {
    outputSchema: NUMBER_RESULT,
    run: () => ({ ...text('done'), structuredContent: { sum: 'three' } }),
  },
  mumble: { outputSchema: NUMBER_RESULT, run: () => text('done') },
  fail: { run: () => ({ ...text('it is broken'), isError: true }) },
  leak: { run: () => ({ ...text('a secret is being leaked by tool leak'), isError: true }) },
  reject: {
    run: () => {
      throw new McpError(ErrorCode.InvalidParams, 'no such target');
    },
  },
  stumble: {
    run: () => {
      throw new McpError(ErrorCode.InternalError, 'something went wrong');
    },
  },
  late: {
    run: () => {
      throw new McpError(ErrorCode.InvalidParams, 'Output validation error: not what was promised');
    },
  },
  hang: { run: untilCancelled },
  ask: { run: askForSampling },
  wait: {
    run: async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return text('waited');
    },
  },
  'mcp-exec': { run: () => text('anything') },
};

export function createWorld(): ScriptedWorld & { readonly servers: Set<Server> } {
  const servers = new Set<Server>();
  return {
    servers,
    calls: [],
    running: 0,
    runningMax: 0,
    suffix: '',
    onPage: undefined,
    announce: async () => {
      for (const server of servers) await server.sendToolListChanged();
    },
  };
}

/** A server whose tools behave and misbehave in known ways. It lists them in pages of three. */
export function createScriptedServer(world: ReturnType<typeof createWorld>): Server {
  const server = new Server(
    { name: 'scripted', version: '1' },
    { capabilities: { tools: { listChanged: true } } },
  );
  world.servers.add(server);
  server.onclose = () => world.servers.delete(server);

  server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
    const from = Number(params?.cursor ?? 0);
    const all = Object.entries(TOOLS);
    const tools = all.slice(from, from + PAGE_SIZE).map(([name, tool]) => ({
      name,
      description: `The tool ${name}.${world.suffix}`,
      inputSchema: tool.inputSchema ?? ANY_OBJECT,
      ...(tool.outputSchema === undefined ? {} : { outputSchema: tool.outputSchema }),
    }));
    const next = from + PAGE_SIZE;
    const { onPage } = world;
    world.onPage = undefined;
    await onPage?.();
    return { tools, ...(next < all.length ? { nextCursor: String(next) } : {}) };
  });

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { signal } = extra;
    const tool = TOOLS[params.name];
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, 'unknown tool');
    world.calls.push(params.name);
    world.running += 1;
    world.runningMax = Math.max(world.runningMax, world.running);
    try {
      return await tool.run(params.arguments ?? {}, { world, server, signal });
    } finally {
      world.running -= 1;
    }
  });

  return server;
}

/** What a client that offers no sampling must refuse. */
async function askForSampling(
  _args: unknown,
  { server }: { readonly server: Server },
): Promise<CallToolResult> {
  try {
    await server.createMessage({ messages: [], maxTokens: 1 });
    return text('the client let itself be asked');
  } catch {
    return text('refused');
  }
}

function untilCancelled(
  _args: unknown,
  { world, signal }: { readonly world: ScriptedWorld; readonly signal: AbortSignal },
): Promise<CallToolResult> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      world.calls.push('cancelled');
      reject(new Error('cancelled'));
    });
  });
}

function text(said: string): CallToolResult {
  return { content: [{ type: 'text', text: said }] };
}
