import { ConfigError } from '#core/errors.ts';
import {
  BUILTIN_SERVER,
  builtinTool,
  splitToolName,
  type ToolDescription,
} from '#core/remediation/tools.ts';
import type { JsonObject } from '#lib/json.ts';
import type {
  ActionCall,
  ActionResult,
  ActionRunner,
  ToolReadiness,
} from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import { RECOVER_TOOL, SETTLE_TOOL } from './builtin-definitions.ts';
import { builtinResult, foreignResult } from './call-result.ts';
import type { DockerServerOptions } from './docker-server.ts';
import type { McpEndpoint } from './endpoint.ts';
import { describeForeign } from './foreign-tool.ts';
import { type ListedTools, McpConnection } from './mcp-connection.ts';
import { isRefusedName, type ToolDefinition } from './tool-definition.ts';
import { comparePins, type PinVerdict, type ToolsLock } from './tools-lock.ts';

/** A tool that a 403 disabled is tried again after this. */
const FORBIDDEN_MS = 600_000;
/** Returning to the old containers and removing them: several stops and starts. */
const RECOVER_TIMEOUT_MS = 600_000;
const PINNED: PinVerdict = { pinned: true };

export type McpServerConfig = McpEndpoint & {
  readonly name: string;
  /** Of one call, in place of the caller's: only the configuration knows how slow a server may be. */
  readonly timeoutMs?: number;
};

export interface McpRunnerOptions {
  readonly clock: Clock;
  /** Of Sentinel: told to servers. */
  readonly version: string;
  /** The built-in server, in this process. */
  readonly docker: DockerServerOptions;
  readonly servers: readonly McpServerConfig[];
  /** `tools.enable`: which of the tools that can change what runs may be called. */
  readonly enabledTools: readonly string[];
  readonly lock: ToolsLock;
  /** After each call, for metrics. */
  readonly onCall?: (call: {
    readonly server: string;
    readonly tool: string;
    readonly outcome: ActionResult['outcome'];
    readonly durationMs: number;
  }) => void;
  /** Readiness of tools of this server may have changed. */
  readonly onChange?: (server: string) => void;
}

/** What `sentinel mcp tools` and the `ToolsReady` condition show of a server. */
export interface McpServerStatus {
  readonly name: string;
  readonly readiness: ToolReadiness;
  readonly tools: readonly ToolDefinition[];
}

export interface McpActionRunner extends ActionRunner, AsyncDisposable {
  /** Resolves when each server has been tried once; never rejects. Calls wait for nothing. */
  connected(): Promise<void>;
  /** `undefined` for a tool that is not known (any more, or yet). */
  describe(tool: string): ToolDescription | undefined;
  servers(): readonly McpServerStatus[];
  /** After `sentinel mcp pin`. */
  setLock(lock: ToolsLock): void;
}

/**
 * Carries actions out through MCP servers. It connects in the background and comes back after a
 * loss; a tool is ready only while its server is connected and lists exactly what is pinned.
 *
 * @throws {ConfigError} two servers of one name
 */
export function createMcpActionRunner(options: McpRunnerOptions): McpActionRunner {
  return new Runner(options);
}

interface ServerEntry {
  readonly connection: McpConnection;
  readonly isBuiltin: boolean;
  readonly timeoutMs: number | undefined;
  /** A call is under way: gateways leak containers when calls overlap. */
  isBusy: boolean;
  verdict?: { readonly of: ListedTools; readonly lock: ToolsLock; readonly pin: PinVerdict };
}

class Runner implements McpActionRunner {
  readonly #options: McpRunnerOptions;
  readonly #servers = new Map<string, ServerEntry>();
  /** `server/tool` → boot milliseconds until which it counts as forbidden. */
  readonly #forbidden = new Map<string, number>();
  #lock: ToolsLock;

  constructor(options: McpRunnerOptions) {
    this.#options = options;
    this.#lock = options.lock;
    this.#add(BUILTIN_SERVER, options.docker, true);
    for (const server of options.servers) {
      this.#add(server.name, server, false, server.timeoutMs);
    }
    for (const { connection } of this.#servers.values()) void connection.connect();
  }

  async connected(): Promise<void> {
    await Promise.all([...this.#servers.values()].map(({ connection }) => connection.connect()));
  }

  async call(request: ActionCall, signal: AbortSignal): Promise<ActionResult> {
    const readiness = this.readiness(request.tool);
    const [server, tool] = splitToolName(request.tool);
    const entry = this.#servers.get(server);
    if (!readiness.ready || entry === undefined) {
      return notExecuted(
        readiness.ready ? 'ToolUnknown' : readiness.reason,
        readiness.ready ? request.tool : readiness.message,
      );
    }
    const timeoutMs = entry.timeoutMs ?? request.timeoutMs;
    const call = { server, tool, timeoutMs, signal };
    if (entry.isBuiltin) return this.#callBuiltin(entry, { ...call, args: bind(request) });
    return this.#inTurn(entry, { ...call, args: request.arguments });
  }

  recover(intentId: string, signal: AbortSignal): Promise<ActionResult> {
    return this.#callIntentTool(RECOVER_TOOL, intentId, signal);
  }

  settle(intentId: string, signal: AbortSignal): Promise<ActionResult> {
    return this.#callIntentTool(SETTLE_TOOL, intentId, signal);
  }

  readiness(name: string): ToolReadiness {
    const [server, tool] = splitToolName(name);
    const entry = this.#servers.get(server);
    if (entry === undefined) return notReady('ToolUnknown', `there is no server ${server}`);
    if (entry.isBuiltin) {
      const known = builtinTool(name);
      if (known === undefined) return notReady('ToolUnknown', `there is no tool ${name}`);
      if (known.needsEnable && !this.#isEnabled(name)) {
        return notReady('ToolNotEnabled', `${name} is not in tools.enable of the SentinelConfig`);
      }
    } else if (isRefusedName(tool)) {
      return notReady('ToolUnknown', `${tool} is refused: it could do anything`);
    }
    const serverReadiness = this.#serverReadiness(server, entry);
    if (!serverReadiness.ready) return serverReadiness;
    if (entry.connection.listed?.tools.some((listed) => listed.name === tool) !== true) {
      return notReady('ToolUnknown', `${server} has no tool ${tool}`);
    }
    return this.#isForbidden(name)
      ? notReady('ToolForbidden', `the engine answered 403 to ${name}`)
      : { ready: true };
  }

  describe(name: string): ToolDescription | undefined {
    const [server, tool] = splitToolName(name);
    if (server === BUILTIN_SERVER) return builtinTool(name);
    const entry = this.#servers.get(server);
    const listed = entry?.connection.listed;
    // A schema that nobody has looked at is not compiled, let alone run.
    if (entry === undefined || listed === undefined) return undefined;
    if (!this.#pinVerdict(server, entry, listed).pinned) return undefined;
    const definition = listed.tools.find((candidate) => candidate.name === tool);
    const schemas = listed.schemas.get(tool);
    if (definition === undefined || schemas === undefined || isRefusedName(tool)) return undefined;
    return describeForeign(name, definition, schemas, entry.timeoutMs);
  }

  servers(): readonly McpServerStatus[] {
    return [...this.#servers].map(([name, entry]) => ({
      name,
      readiness: this.#serverReadiness(name, entry),
      tools: entry.connection.listed?.tools ?? [],
    }));
  }

  setLock(lock: ToolsLock): void {
    this.#lock = lock;
    for (const name of this.#servers.keys()) this.#options.onChange?.(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connections = [...this.#servers.values()].map(({ connection }) => connection);
    await Promise.all(connections.map((connection) => connection[Symbol.asyncDispose]()));
  }

  #add(name: string, endpoint: McpEndpoint, isBuiltin: boolean, timeoutMs?: number): void {
    if (this.#servers.has(name)) throw new ConfigError(`two MCP servers are called ${name}`);
    const { clock, version, onChange } = this.#options;
    const entry: ServerEntry = {
      isBuiltin,
      timeoutMs,
      isBusy: false,
      connection: new McpConnection({
        name,
        endpoint,
        clock,
        version,
        trusts: (listed) => this.#pinVerdict(name, entry, listed).pinned,
        onChange: () => {
          // A server that comes back or lists anew may have other rights now.
          this.#forgive(name);
          onChange?.(name);
        },
      }),
    };
    this.#servers.set(name, entry);
  }

  #serverReadiness(name: string, entry: ServerEntry): ToolReadiness {
    const { listed, problem } = entry.connection;
    if (listed === undefined) return notReady('ServerUnavailable', `${name}: ${problem}`);
    const pin = this.#pinVerdict(name, entry, listed);
    return pin.pinned ? { ready: true } : notReady(pin.reason, `${name}: ${pin.message}`);
  }

  /** Digests are taken once for each list and lock: readiness is asked for at every reconcile. */
  #pinVerdict(name: string, entry: ServerEntry, listed: ListedTools): PinVerdict {
    if (entry.verdict?.of === listed && entry.verdict.lock === this.#lock) return entry.verdict.pin;
    // The built-in one is of this build, as whoever asks is.
    const pin = entry.isBuiltin ? PINNED : comparePins(this.#lock.servers[name], listed.tools);
    entry.verdict = { of: listed, lock: this.#lock, pin };
    return pin;
  }

  #isEnabled(name: string): boolean {
    const [, tool] = splitToolName(name);
    return this.#options.enabledTools.some((enabled) => enabled === name || enabled === tool);
  }

  #isForbidden(name: string): boolean {
    const untilMs = this.#forbidden.get(name);
    return untilMs !== undefined && this.#options.clock.bootMs() < untilMs;
  }

  #forgive(server: string): void {
    for (const name of this.#forbidden.keys()) {
      if (splitToolName(name)[0] === server) this.#forbidden.delete(name);
    }
  }

  async #callIntentTool(
    tool: string,
    intentId: string,
    signal: AbortSignal,
  ): Promise<ActionResult> {
    const entry = this.#servers.get(BUILTIN_SERVER);
    if (entry === undefined) return notExecuted('ToolUnknown', tool);
    const readiness = this.#serverReadiness(BUILTIN_SERVER, entry);
    if (!readiness.ready) return notExecuted(readiness.reason, readiness.message);
    const timeoutMs = RECOVER_TIMEOUT_MS;
    return this.#callBuiltin(entry, {
      server: BUILTIN_SERVER,
      tool,
      args: { intentId },
      timeoutMs,
      signal,
    });
  }

  async #callBuiltin(entry: ServerEntry, call: ServerCall): Promise<ActionResult> {
    return this.#counted(call, async () => {
      const answer = await entry.connection.call(call.tool, call.args, call);
      if (answer.kind === 'Ended') return answer.result;
      const { forbidden = false, ...result } = builtinResult(answer.result);
      if (forbidden) this.#forbid(call);
      return result;
    });
  }

  #forbid({ server, tool }: ServerCall): void {
    this.#forbidden.set(`${server}/${tool}`, this.#options.clock.bootMs() + FORBIDDEN_MS);
    this.#options.onChange?.(server);
  }

  /**
   * One call at a time. None waits for its turn: the gate has looked at the target a moment ago, and
   * what it saw would be old by then.
   */
  async #inTurn(entry: ServerEntry, call: ServerCall): Promise<ActionResult> {
    if (entry.isBusy) {
      return notExecuted('ServerUnavailable', `${call.server} is busy with another call`);
    }
    entry.isBusy = true;
    try {
      return await this.#callForeign(entry, call);
    } finally {
      entry.isBusy = false;
    }
  }

  async #callForeign(entry: ServerEntry, call: ServerCall): Promise<ActionResult> {
    return this.#counted(call, async () => {
      // The list may have changed while the call waited for its turn.
      const readiness = this.readiness(`${call.server}/${call.tool}`);
      if (!readiness.ready) return notExecuted(readiness.reason, readiness.message);
      const schemas = entry.connection.listed?.schemas.get(call.tool);
      const [problem] = schemas?.problems(call.args) ?? [];
      if (problem !== undefined) return notExecuted('ArgumentsInvalid', problem);
      const answer = await entry.connection.call(call.tool, call.args, call);
      return answer.kind === 'Ended' ? answer.result : foreignResult(answer.result, schemas);
    });
  }

  async #counted(call: ServerCall, work: () => Promise<ActionResult>): Promise<ActionResult> {
    const { clock, onCall } = this.#options;
    const beganMs = clock.bootMs();
    let result: ActionResult;
    try {
      result = await work();
    } catch (error) {
      // A bug: how far the call came is not known.
      result = { outcome: 'OutcomeUnknown', message: `internal error: ${String(error)}` };
    }
    onCall?.({
      server: call.server,
      tool: call.tool,
      outcome: result.outcome,
      durationMs: clock.bootMs() - beganMs,
    });
    return result;
  }
}

interface ServerCall {
  readonly server: string;
  readonly tool: string;
  readonly args: JsonObject;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What Sentinel binds to a call of a built-in tool; it wins over whatever the policy says. */
function bind({ tool, arguments: args, expect, intentId }: ActionCall): JsonObject {
  const [{ id: target }] = expect;
  const description = builtinTool(tool);
  if (description?.readOnly !== true) {
    return { ...args, target, intentId, expect: expect.map((it) => ({ ...it })) };
  }
  return tool === `${BUILTIN_SERVER}/list_containers` ? args : { ...args, target };
}

function notReady(
  reason: Extract<ToolReadiness, { ready: false }>['reason'],
  message: string,
): ToolReadiness {
  return { ready: false, reason, message };
}

function notExecuted(reason: string, message: string): ActionResult {
  return { outcome: 'NotExecuted', reason, message };
}
