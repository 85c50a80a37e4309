import { LABEL, type ObservedContainer } from '#core/workload/container.ts';
import type { Expectation } from '#ports/action-runner.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import type { ActionContext, Targets, ToolCall } from './context.ts';
import { notExecuted, notReached } from './outcome.ts';

/** What a tool cannot be used on. */
export interface Requirements {
  /** The tool would delete a container with AutoRemove, or cannot recreate it. */
  readonly refusesAutoRemove?: boolean;
  /** Docker's restart wakes a paused container silently: only `unpause` acts on those. */
  readonly acceptsPaused?: boolean;
}

/**
 * The last look before the engine is called: every container of the call is still what the gate
 * saw. The target is looked at last, so that nothing but one round trip lies between.
 */
export async function checkTargets(
  { runtime }: ActionContext,
  { expect, signal }: ToolCall<unknown>,
  requirements: Requirements = {},
): Promise<{ readonly targets: Targets } | { readonly refusal: BuiltinResult }> {
  const [first, ...others] = expect;
  if (first === undefined) {
    return { refusal: notExecuted('ArgumentsInvalid', 'no target was bound to the call') };
  }
  try {
    const sharers: ObservedContainer[] = [];
    for (const expected of others) {
      const checked = check(await runtime.inspect(expected.id, signal), expected, requirements);
      if ('refusal' in checked) return checked;
      sharers.push(checked.container);
    }
    const checked = check(await runtime.inspect(first.id, signal), first, requirements);
    if ('refusal' in checked) return checked;
    return { targets: { target: checked.container, sharers } };
  } catch (error) {
    return { refusal: notReached(error) };
  }
}

function check(
  container: ObservedContainer | undefined,
  expected: Expectation,
  requirements: Requirements,
): { readonly container: ObservedContainer } | { readonly refusal: BuiltinResult } {
  if (container === undefined) {
    return { refusal: notExecuted('TargetGone', `container ${expected.id} is gone`) };
  }
  const difference = differenceFrom(container, expected);
  if (difference !== undefined) {
    return { refusal: notExecuted('TargetChanged', `${container.name}: ${difference}`) };
  }
  const unsupported = unsupportedBecause(container, requirements);
  if (unsupported !== undefined) {
    return { refusal: notExecuted('Unsupported', `${container.name} ${unsupported}`) };
  }
  return { container };
}

function differenceFrom(container: ObservedContainer, expected: Expectation): string | undefined {
  if (container.id !== expected.id) return `id is ${container.id}, expected ${expected.id}`;
  if (container.state !== expected.state) {
    return `state is ${container.state}, expected ${expected.state}`;
  }
  if (container.startedAtMs !== expected.startedAtMs) {
    return `started at ${container.startedAtMs}, expected ${expected.startedAtMs}`;
  }
  return undefined;
}

function unsupportedBecause(
  container: ObservedContainer,
  { refusesAutoRemove = false, acceptsPaused = false }: Requirements,
): string | undefined {
  if (container.labels[LABEL.swarmTask] !== undefined) return 'is a Swarm task: Swarm acts on it';
  if (refusesAutoRemove && container.autoRemove) return 'has AutoRemove: it would be deleted';
  if (!acceptsPaused && container.state === 'paused') return 'is paused';
  return undefined;
}
