import type { ContainerState } from '#core/workload/container.ts';
import type { JsonObject } from '#lib/json.ts';

export type { JsonObject, JsonValue } from '#lib/json.ts';

/** What a container must still be, or the tool must not touch it. */
export interface Expectation {
  readonly id: string;
  /** Epoch milliseconds on the daemon's clock; absent when it never ran. */
  readonly startedAtMs?: number;
  readonly state: ContainerState;
}

export interface ActionCall {
  /** `server/tool`, as the policy names it. */
  readonly tool: string;
  /** Complete, from the policy alone. A third-party tool's target is already among them. */
  readonly arguments: JsonObject;
  readonly intentId: string;
  /** The target first, then each container that the action also stops, restarts or recreates. */
  readonly expect: readonly [Expectation, ...Expectation[]];
  /** The call is cancelled, and its outcome unknown, when this has passed. */
  readonly timeoutMs: number;
}

/**
 * What became of a call.
 * - `Succeeded`: the tool says so. Never the proof that the workload is well.
 * - `Failed`: the tool says that it tried and could not; something may have been touched.
 * - `NotExecuted`: it is certain that nothing was touched.
 * - `OutcomeUnknown`: timeout, broken stream, an answer that makes no sense.
 */
export type ActionResult =
  | { readonly outcome: 'Succeeded'; readonly result: JsonObject }
  | { readonly outcome: 'Failed'; readonly message: string }
  | { readonly outcome: 'NotExecuted'; readonly reason: string; readonly message: string }
  | { readonly outcome: 'OutcomeUnknown'; readonly message: string };

/** Whether a tool may be called now, and why not. */
export type ToolReadiness =
  | { readonly ready: true }
  | {
      readonly ready: false;
      readonly reason:
        | 'ServerUnavailable'
        | 'ToolUnknown'
        | 'ToolNotPinned'
        | 'ToolManifestChanged'
        | 'ToolNotEnabled'
        | 'ToolForbidden';
      readonly message: string;
    };

/** Carries actions out, through MCP tools. */
export interface ActionRunner {
  /** Never throws: every way that a call can end is an outcome. Never repeats a call. */
  call(request: ActionCall, signal: AbortSignal): Promise<ActionResult>;
  /**
   * Returns to the containers that a multi-step tool set aside under this intent, and removes what
   * it made; safe to repeat, and to call when there is nothing to return to (`NotExecuted`).
   */
  recover(intentId: string, signal: AbortSignal): Promise<ActionResult>;
  /** Removes the containers that a verified multi-step action had set aside. Safe to repeat. */
  settle(intentId: string, signal: AbortSignal): Promise<ActionResult>;
  /** Synchronous: what is known now. A tool that nobody configured is `ToolUnknown`. */
  readiness(tool: string): ToolReadiness;
}
