import type { ToolInput } from '#core/remediation/tool-arguments.ts';
import type { ResourceLimits } from '#core/workload/container.ts';
import { parseQuantity } from '#lib/quantity.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import type { EngineInfo } from '#ports/container-runtime.ts';
import { checkTargets } from './check-targets.ts';
import type { ActionContext, ToolCall } from './context.ts';
import { afterFailedWrite } from './engine-failure.ts';
import { notReached, succeeded } from './outcome.ts';

const NANO = 1e9;
const UNLIMITED = -1;

type Input = ToolInput<'update_resources'>;

/**
 * Sets limits of a running or stopped container, and returns the previous ones under `previous`:
 * as arguments of this tool they undo the change. The values end with the container.
 */
export async function updateResources(
  context: ActionContext,
  call: ToolCall<Input>,
): Promise<BuiltinResult> {
  let host: EngineInfo | undefined;
  try {
    // Before the last look at the target: nothing is to lie between that and the update.
    host = await hostIfNeeded(context, call);
  } catch (error) {
    return notReached(error);
  }
  const checked = await checkTargets(context, call);
  if ('refusal' in checked) return checked.refusal;

  const { target } = checked.targets;
  const limits = limitsFrom(call.args, target.limits);
  try {
    await context.operations.updateResources(target.id, limits, call.signal);
  } catch (error) {
    return afterFailedWrite(context, target, error);
  }
  const previous = previousArguments(call.args, target.limits, host);
  return succeeded({ intentId: call.intentId, limits: { ...limits }, previous });
}

/** Docker can raise a memory or CPU limit but not take it away: all that the host has is as good. */
async function hostIfNeeded(
  { runtime }: ActionContext,
  { args, expect, signal }: ToolCall<Input>,
): Promise<EngineInfo | undefined> {
  const seen = await runtime.inspect(expect[0]?.id ?? '', signal);
  const lacks =
    (args.memory !== undefined && seen?.limits.memoryBytes === undefined) ||
    (args.cpus !== undefined && seen?.limits.nanoCpus === undefined);
  return lacks ? runtime.info(signal) : undefined;
}

function limitsFrom(args: Input, before: ResourceLimits): ResourceLimits {
  const memoryBytes = typeof args.memory === 'string' ? parseQuantity(args.memory) : args.memory;
  return {
    ...(memoryBytes === undefined
      ? {}
      : { memoryBytes, memorySwapBytes: args.memorySwap ?? swapFor(memoryBytes, before) }),
    ...(args.cpus === undefined ? {} : { nanoCpus: Math.round(args.cpus * NANO) }),
    ...(args.pids === undefined ? {} : { pids: args.pids }),
  };
}

/**
 * Docker refuses a memory limit above the swap limit that stands, so both are always sent:
 * unlimited stays so, the headroom for swap is kept, and where there was none there is none.
 */
function swapFor(memoryBytes: number, before: ResourceLimits): number {
  const { memoryBytes: memoryBefore, memorySwapBytes: swapBefore } = before;
  if (swapBefore === UNLIMITED) return UNLIMITED;
  if (memoryBefore === undefined || swapBefore === undefined) return memoryBytes;
  return memoryBytes + Math.max(0, swapBefore - memoryBefore);
}

function previousArguments(
  args: Input,
  before: ResourceLimits,
  host: EngineInfo | undefined,
): JsonObject {
  return {
    ...(args.memory === undefined ? {} : previousMemory(before, host?.memoryBytes)),
    ...(args.cpus === undefined ? {} : previousCpus(before, host?.cpus)),
    ...(args.pids === undefined ? {} : { pids: before.pids ?? UNLIMITED }),
  };
}

function previousMemory(before: ResourceLimits, hostBytes: number | undefined): JsonObject {
  const { memoryBytes, memorySwapBytes } = before;
  if (memoryBytes !== undefined) {
    return { memory: memoryBytes, memorySwap: memorySwapBytes ?? memoryBytes };
  }
  // With swap as Docker gives it by default. Unlimited swap (-1) is refused by cgroup v1 while a
  // lower swap limit stands.
  return hostBytes === undefined ? {} : { memory: hostBytes, memorySwap: 2 * hostBytes };
}

function previousCpus({ nanoCpus }: ResourceLimits, hostCpus: number | undefined): JsonObject {
  const cpus = nanoCpus === undefined ? hostCpus : nanoCpus / NANO;
  return cpus === undefined ? {} : { cpus };
}
