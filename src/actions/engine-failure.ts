import { ContainerGoneError, OperationRefusedError, RuntimeForbiddenError } from '#core/errors.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import { type ActionContext, look } from './context.ts';
import { failed, forbidden, messageOf, notExecuted, outcomeUnknown } from './outcome.ts';

/**
 * What became of a tool's one write to the engine that did not answer "done". It looks once and
 * never writes again: a second call would queue behind one that may still be at work.
 */
export async function afterFailedWrite(
  context: ActionContext,
  target: ObservedContainer,
  error: unknown,
): Promise<BuiltinResult> {
  if (error instanceof RuntimeForbiddenError) return forbidden(error.message);

  const seen = await look(context, target.id);
  if (error instanceof ContainerGoneError && seen === undefined) {
    return notExecuted('TargetGone', `container ${target.name} is gone`);
  }
  // A 404 while the target exists is about another: the owner of its namespace, a network.
  if (error instanceof ContainerGoneError || error instanceof OperationRefusedError) {
    return failed(`${target.name}: ${startErrorOf(seen, target) ?? error.message}`);
  }
  return outcomeUnknown(`${messageOf(error)}; ${describeSeen(seen, target)}`);
}

/** Docker's `State.Error`, where this call left it. */
function startErrorOf(
  seen: ObservedContainer | undefined | 'unseen',
  before: ObservedContainer,
): string | undefined {
  if (seen === undefined || seen === 'unseen' || seen.state === 'running') return undefined;
  return seen.error === '' || seen.error === before.error ? undefined : seen.error;
}

function describeSeen(
  seen: ObservedContainer | undefined | 'unseen',
  before: ObservedContainer,
): string {
  if (seen === 'unseen') return `${before.name} cannot be looked at`;
  if (seen === undefined) return `${before.name} is gone`;
  const run = seen.startedAtMs === before.startedAtMs ? 'in the same run' : 'in another run';
  return `${before.name} is now ${seen.state}, ${run}`;
}
