import type { ObservedContainer } from '#core/workload/container.ts';
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
  const deadline = new AbortController();
  const cancel = clock.after(LOOK_TIMEOUT_MS, () => deadline.abort());
  try {
    return await runtime.inspect(id, deadline.signal);
  } catch {
    return 'unseen';
  } finally {
    cancel();
  }
}

/** A signal that also fires after `timeoutMs`; `dispose` when the work is over. */
export function withDeadline(
  clock: Clock,
  signal: AbortSignal,
  timeoutMs: number,
): { readonly signal: AbortSignal; readonly dispose: () => void } {
  const deadline = new AbortController();
  const cancel = clock.after(timeoutMs, () => deadline.abort());
  return { signal: AbortSignal.any([signal, deadline.signal]), dispose: cancel };
}
