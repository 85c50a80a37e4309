import type { ActionResult, Expectation, JsonObject } from './action-runner.ts';

/** What Sentinel binds to a call of a built-in tool; a policy never writes it. */
export interface BoundCall {
  readonly intentId: string;
  /** The target first. Empty only for tools that read, which take `target` instead. */
  readonly expect: readonly Expectation[];
  /** Id or name, for tools that read. */
  readonly target?: string;
}

/** A result, and whether the engine (or a proxy before it) answered 403 on the way. */
export type BuiltinResult = ActionResult & { readonly forbidden?: boolean };

/**
 * The built-in tools' logic, over one container engine: what the MCP server offers. Its methods
 * never throw and never repeat a call to the engine.
 */
export interface BuiltinActions {
  /** @param tool without the server: `restart_container` */
  call(
    tool: string,
    args: JsonObject,
    bound: BoundCall,
    signal: AbortSignal,
  ): Promise<BuiltinResult>;
  /** See ActionRunner. */
  recover(intentId: string, signal: AbortSignal): Promise<BuiltinResult>;
  /** See ActionRunner. */
  settle(intentId: string, signal: AbortSignal): Promise<BuiltinResult>;
}
