import type { BuiltinResult } from '#ports/builtin-actions.ts';
import { checkTargets, type Requirements } from './check-targets.ts';
import { type ActionContext, look, type Targets, type ToolCall } from './context.ts';
import { afterFailedWrite } from './engine-failure.ts';
import { failed, outcomeUnknown, succeeded } from './outcome.ts';
import { ownerAfterSignal, restartSharers } from './sharers.ts';
import { endOf } from './wait.ts';

type NoArguments = Readonly<Record<string, never>>;
interface StopArguments {
  readonly timeoutSeconds?: number | undefined;
}

/** One call to the engine. Never a stop and a start: that would delete one with AutoRemove. */
export function restartContainer(
  context: ActionContext,
  call: ToolCall<StopArguments>,
): Promise<BuiltinResult> {
  const { timeoutSeconds } = call.args;
  return writeOnce(context, call, {
    write: ({ target }) => context.operations.restart(target.id, timeoutSeconds, call.signal),
    after: (targets) => upAgain(context, call, targets),
  });
}

export function startContainer(
  context: ActionContext,
  call: ToolCall<NoArguments>,
): Promise<BuiltinResult> {
  return writeOnce(context, call, {
    write: ({ target }) => context.operations.start(target.id, call.signal),
    after: (targets) => upAgain(context, call, targets),
  });
}

export function stopContainer(
  context: ActionContext,
  call: ToolCall<StopArguments>,
): Promise<BuiltinResult> {
  const { timeoutSeconds } = call.args;
  return writeOnce(context, call, {
    requirements: { refusesAutoRemove: true },
    write: ({ target }) => context.operations.stop(target.id, timeoutSeconds, call.signal),
  });
}

export function pauseContainer(
  context: ActionContext,
  call: ToolCall<NoArguments>,
): Promise<BuiltinResult> {
  return writeOnce(context, call, {
    write: ({ target }) => context.operations.pause(target.id, call.signal),
  });
}

export function unpauseContainer(
  context: ActionContext,
  call: ToolCall<NoArguments>,
): Promise<BuiltinResult> {
  return writeOnce(context, call, {
    requirements: { acceptsPaused: true },
    write: ({ target }) => context.operations.unpause(target.id, call.signal),
  });
}

/**
 * Docker counts a kill as done by hand: its restart policy does not bring the container back. So
 * sharers are restarted only where something did, and left alone where the process lives on.
 */
export function killContainer(
  context: ActionContext,
  call: ToolCall<{ readonly signal: string }>,
): Promise<BuiltinResult> {
  return writeOnce(context, call, {
    requirements: { refusesAutoRemove: true },
    write: ({ target }) => context.operations.kill(target.id, call.args.signal, call.signal),
    after: async (targets) => {
      const owner = await ownerAfterSignal(context, targets.target);
      return owner === 'OtherRun'
        ? upAgain(context, call, targets)
        : succeeded({ intentId: call.intentId, sharersRestarted: [] });
    },
  });
}

interface Write {
  readonly requirements?: Requirements;
  readonly write: (targets: Targets) => Promise<void>;
  /** What follows a write that the engine confirmed; nothing unless given. */
  readonly after?: (targets: Targets) => Promise<BuiltinResult>;
}

async function writeOnce(
  context: ActionContext,
  call: ToolCall<unknown>,
  { requirements, write, after }: Write,
): Promise<BuiltinResult> {
  const checked = await checkTargets(context, call, requirements);
  if ('refusal' in checked) return checked.refusal;
  try {
    await write(checked.targets);
  } catch (error) {
    return afterFailedWrite(context, checked.targets.target, error);
  }
  return after?.(checked.targets) ?? succeeded({ intentId: call.intentId });
}

/** The target was started: did it stay, and do its sharers have to follow? */
async function upAgain(
  context: ActionContext,
  call: ToolCall<unknown>,
  targets: Targets,
): Promise<BuiltinResult> {
  const { target } = targets;
  const seen = await look(context, target.id);
  if (seen !== undefined && seen !== 'unseen' && seen.state !== 'running' && seen.error !== '') {
    return failed(`${target.name}: ${endOf(seen)}`);
  }
  const { restarted, ownerWell, problem } = await restartSharers(context, targets, call.signal);
  if (problem !== undefined) {
    const message = `${target.name} was started; ${problem.message}`;
    return problem.isUnknown ? outcomeUnknown(message) : failed(message);
  }
  return succeeded({
    intentId: call.intentId,
    ...(seen === undefined || seen === 'unseen'
      ? {}
      : { state: seen.state, startedAtMs: seen.startedAtMs ?? null }),
    sharersRestarted: restarted,
    ...(targets.sharers.length === 0 ? {} : { ownerWell }),
  });
}
