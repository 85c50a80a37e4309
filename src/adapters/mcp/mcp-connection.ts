import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { z } from 'zod';
import type { JsonObject } from '#lib/json.ts';
import type { ActionResult } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import { classifyCallError } from './call-error.ts';
import { type McpEndpoint, type OpenedTransport, openTransport } from './endpoint.ts';
import { foreignText } from './foreign-text.ts';
import { digestOf, ToolDefinition } from './tool-definition.ts';
import { prepareSchemas, type ToolSchemas } from './tool-schemas.ts';

const CONNECT_TIMEOUT_MS = 15_000;
const PING_TIMEOUT_MS = 5_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** A stream may miss a list_changed: the list is read again at this interval. */
const RELIST_MS = 300_000;
/** A list that changes again while it is read is read again, this often. */
const LISTS_AGAIN_MAX = 5;
const PAGES_MAX = 100;
const TOOLS_MAX = 1_000;

const ToolsPage = z.looseObject({
  tools: z.array(ToolDefinition),
  nextCursor: z.string().optional(),
});

/** A result of `tools/call`, kept loose: what it means is not the connection's to say. */
export const CallResult = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })).default([]),
  structuredContent: z.record(z.string(), z.json()).optional(),
  isError: z.boolean().optional(),
});
export type CallResult = z.output<typeof CallResult>;

export type CallAnswer =
  | { readonly kind: 'Answered'; readonly result: CallResult }
  | { readonly kind: 'Ended'; readonly result: ActionResult };

export interface ListedTools {
  readonly tools: readonly ToolDefinition[];
  readonly schemas: ReadonlyMap<string, ToolSchemas>;
}

export interface ConnectionOptions {
  readonly name: string;
  readonly endpoint: McpEndpoint;
  readonly clock: Clock;
  readonly version: string;
  /** Whether what is listed may be called: asked again before a call is repeated. */
  readonly trusts: (listed: ListedTools) => boolean;
  /** After each change of `listed`. */
  readonly onChange: () => void;
}

interface Session {
  readonly client: Client;
  readonly opened: OpenedTransport;
}

/**
 * One MCP server as a client sees it: connects, lists its tools, keeps the list fresh, comes back
 * after a loss. It offers no sampling, elicitation or roots: a server can ask nothing of us.
 */
export class McpConnection implements AsyncDisposable {
  readonly #options: ConnectionOptions;
  #session: Session | undefined;
  /** The client of a session that is being opened. */
  #opening: Client | undefined;
  #listed: ListedTools | undefined;
  #problem = 'not connected yet';
  #attempt: Promise<void> | undefined;
  #failures = 0;
  #cancelTimer: () => void = () => undefined;
  #isClosed = false;
  /** The server has said that its list changed after the one that is being read was asked for. */
  #isStale = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** What the server offers; `undefined` while it is away or its list is being read again. */
  get listed(): ListedTools | undefined {
    return this.#listed;
  }

  /** Why `listed` is undefined, for people. */
  get problem(): string {
    return this.#problem;
  }

  /** Connects unless connected; resolves when the attempt has ended, well or not. Never rejects. */
  connect(): Promise<void> {
    if (this.#isClosed || this.#listed !== undefined) return Promise.resolve();
    this.#attempt ??= this.#open().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  /**
   * Calls a tool once. A session that the server has forgotten is opened anew and the call sent
   * again: by that answer the server has said that it did not look at the first.
   */
  async call(
    tool: string,
    args: JsonObject,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<CallAnswer> {
    const { clock } = this.#options;
    const deadlineMs = clock.bootMs() + options.timeoutMs;
    const left = () => ({ ...options, timeoutMs: deadlineMs - clock.bootMs() });

    if (!(await this.#isAlive()) && !(await this.#reopen())) {
      return notExecuted(this.#problem);
    }
    const session = this.#session;
    const first = await this.#callOnce(tool, args, left());
    if (first.kind !== 'SessionGone') return first;

    // Another call may have met the same answer before, and opened a session already.
    const isOpen = this.#session !== session || (await this.#reopen());
    if (!isOpen) return notExecuted(`the session was lost: ${this.#problem}`);
    const second = await this.#callOnce(tool, args, left());
    return second.kind === 'SessionGone' ? notExecuted('the session was lost twice') : second;
  }

  /**
   * Over HTTP nothing tells that a server has restarted: the idle connection breaks under the next
   * request, and of a tool call it could then not be said whether it arrived. So a ping goes first.
   */
  async #isAlive(): Promise<boolean> {
    if (this.#session === undefined || !('url' in this.#options.endpoint)) return true;
    try {
      await this.#session.client.ping({ timeout: PING_TIMEOUT_MS });
      return true;
    } catch {
      return false;
    }
  }

  /** @returns whether there is a session again whose tools may be called */
  async #reopen(): Promise<boolean> {
    await this.#drop('the server has forgotten the session');
    await this.connect();
    return this.#listed !== undefined && this.#options.trusts(this.#listed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    // A server that does not answer must not hold up the end of this process.
    await this.#opening?.close().catch(() => undefined);
    await this.#drop('closed');
  }

  async #callOnce(
    tool: string,
    args: JsonObject,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<CallAnswer | { readonly kind: 'SessionGone' }> {
    const session = this.#session;
    if (session === undefined) return notExecuted(this.#problem);
    if (timeoutMs <= 0) return notExecuted('no time was left to send it');
    if (signal.aborted) return notExecuted('cancelled before it was sent');
    // The SDK listens on the signal for good, and would cancel what has long ended: so one of its own.
    const cancel = new AbortController();
    const abort = () => cancel.abort('cancelled by the caller');
    signal.addEventListener('abort', abort);
    try {
      const result = await session.client.request(
        { method: 'tools/call', params: { name: tool, arguments: { ...args } } },
        CallResult,
        { signal: cancel.signal, timeout: timeoutMs },
      );
      return { kind: 'Answered', result };
    } catch (error) {
      return classifyCallError(error, session.opened.sessionId() !== undefined);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #open(): Promise<void> {
    this.#cancelTimer();
    try {
      const session = await this.#start();
      if (this.#isClosed) {
        await session.client.close();
        return;
      }
      this.#session = session;
      await this.#list(session);
      this.#failures = 0;
    } catch (error) {
      await this.#drop(foreignText(error instanceof Error ? error.message : String(error)));
      this.#retryLater();
    }
  }

  async #start(): Promise<Session> {
    const [{ Client: McpClient }, types, opened] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/types.js'),
      openTransport(this.#options.endpoint),
    ]);
    const client = new McpClient(
      { name: 'sre-sentinel', version: this.#options.version },
      { capabilities: {} },
    );
    const session = { client, opened };
    client.onclose = () => {
      if (this.#session === session) this.#lost('the server closed the connection');
    };
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => {
      if (this.#session !== session) return;
      // The list that stands, or is being read, is known to be wrong: nothing is trusted until then.
      this.#isStale = true;
      this.#listed = undefined;
      this.#problem = 'its list of tools is being read again';
      this.#options.onChange();
      this.#relist(session);
    });
    if (this.#isClosed) throw new Error('closed');
    this.#opening = client;
    try {
      await client.connect(opened.transport, { timeout: CONNECT_TIMEOUT_MS });
    } finally {
      this.#opening = undefined;
    }
    return session;
  }

  async #list(session: Session): Promise<void> {
    this.#isStale = false;
    let tools = await readTools(session.client);
    let again = 0;
    while (this.#isStale) {
      again += 1;
      if (again > LISTS_AGAIN_MAX) throw new Error('its list of tools does not hold still');
      this.#isStale = false;
      tools = await readTools(session.client);
    }
    this.#listed = { tools, schemas: await prepareSchemas(tools) };
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(RELIST_MS, () => {
      if (this.#session === session) this.#relist(session);
    });
    this.#options.onChange();
  }

  #relist(session: Session): void {
    this.#attempt ??= this.#list(session)
      .catch(async (error: unknown) => {
        await this.#drop(foreignText(error instanceof Error ? error.message : String(error)));
        this.#retryLater();
      })
      .finally(() => {
        this.#attempt = undefined;
      });
  }

  #lost(problem: string): void {
    this.#session = undefined;
    this.#listed = undefined;
    this.#problem = problem;
    this.#options.onChange();
    this.#retryLater();
  }

  async #drop(problem: string): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#listed = undefined;
    this.#problem = problem;
    this.#options.onChange();
    // It is being left because it does not work: how that ends does not matter.
    await session?.client.close().catch(() => undefined);
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const delayMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    this.#failures += 1;
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(
      delayMs * (0.5 + this.#options.clock.random() / 2),
      () => void this.connect(),
    );
  }
}

async function readTools(client: Client): Promise<ToolDefinition[]> {
  const tools: ToolDefinition[] = [];
  const cursors = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await client.request(
      { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
      ToolsPage,
      { timeout: CONNECT_TIMEOUT_MS },
    );
    tools.push(...page.tools);
    cursor = page.nextCursor;
    if (cursor !== undefined && (cursors.has(cursor) || cursors.size >= PAGES_MAX)) {
      throw new Error('its list of tools does not end');
    }
    if (cursor !== undefined) cursors.add(cursor);
    if (tools.length > TOOLS_MAX) throw new Error('it lists too many tools');
  } while (cursor !== undefined);
  if (new Set(tools.map(({ name }) => name)).size < tools.length) {
    throw new Error('it lists two tools of one name');
  }
  for (const tool of tools) assertPinnable(tool);
  return tools;
}

/** What has no digest (half of a surrogate pair, nested beyond the stack) could never be compared. */
function assertPinnable(tool: ToolDefinition): void {
  try {
    digestOf(tool);
  } catch (cause) {
    throw new Error(`its tool ${tool.name} cannot be pinned`, { cause });
  }
}

function notExecuted(message: string): CallAnswer {
  return {
    kind: 'Ended',
    result: { outcome: 'NotExecuted', reason: 'ServerUnavailable', message },
  };
}
