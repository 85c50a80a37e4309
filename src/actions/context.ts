import type { ObservedContainer } from '#core/workload/container.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { Expectation } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerOperations } from '#ports/container-operations.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';

/** What the tools act through. */
export interface ActionContext {
  readonly runtime: ContainerRuntime;
  readonly operations: ContainerOperations;
  readonly clock: Clock;
}

/** One call of an acting tool, its arguments parsed. */
export interface ToolCall<Args> {
  readonly args: Args;
  readonly intentId: string;
  readonly expect: readonly Expectation[];
  /** Fires when the caller cancels or the tool's own deadline passes. */
  readonly signal: AbortSignal;
}

/** The containers of a call as they were right before it: the target, then its sharers. */
export interface Targets {
  readonly target: ObservedContainer;
  readonly sharers: readonly ObservedContainer[];
}

/** How long the one look after a lost answer may take. */
const LOOK_TIMEOUT_MS = 10_000;

/**
 * One inspect on a deadline of its own: the call's signal may have fired already.
 *
 * @returns `undefined` when the container is gone, `'unseen'` when the engine does not say
 */
export async function look(
  { runtime, clock }: ActionContext,
  id: string,
): Promise<ObservedContainer | undefined | 'unseen'> {
  try {
    return await withDeadline(clock, LOOK_TIMEOUT_MS, (signal) => runtime.inspect(id, signal));
  } catch {
    return 'unseen';
  }
}
