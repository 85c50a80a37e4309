import { ContainerGoneError, OperationRefusedError, RuntimeForbiddenError } from '#core/errors.ts';
import type { ContainerSummary, ObservedContainer } from '#core/workload/container.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import type { ActionContext } from './context.ts';
import { failed, forbidden, messageOf, notExecuted, outcomeUnknown, succeeded } from './outcome.ts';
import {
  findReplacements,
  madeName,
  REPLACEMENT_LABEL,
  type Replacement,
  setAsideName,
} from './set-aside.ts';

/** A replacement whose old container is known, with both as they are now. */
interface Return {
  readonly name: string;
  readonly old: ObservedContainer;
  readonly made?: ObservedContainer;
}

interface Inspected {
  readonly returns: readonly Return[];
  /** Workloads whose old container is gone, and of which only what was made is left. */
  readonly orphans: readonly string[];
  /** What was made for workloads that somebody else has given another container since. */
  readonly superseded: readonly ObservedContainer[];
}

/**
 * Returns to the containers that were set aside under an intent, from the engine's state alone: it
 * may be called after a crash at any step of the replacement, or of itself. What was made goes
 * last, since its label is the trace by which all of this is found. The engine must not be stopping an
 * old one any more: what it ends afterwards would stay down.
 */
export async function recoverIntent(
  context: ActionContext,
  intentId: string,
  signal: AbortSignal,
): Promise<BuiltinResult> {
  const { operations } = context;
  try {
    const all = await context.runtime.list(signal);
    const found = findReplacements(all, intentId);
    const inspected = await inspectAll(context, found, all, signal);
    for (const { id } of inspected.superseded) await operations.remove(id, { force: true }, signal);
    const nothing = nothingToReturnTo(inspected, intentId);
    if (nothing !== undefined) return nothing;
    const { returns } = inspected;
    // The new ones hold the ports and addresses that the old ones need.
    for (const { id } of returns.toReversed().flatMap(upMade)) {
      await operations.stop(id, undefined, signal);
    }
    for (const it of returns) await goBack(context, it, intentId, signal);
    for (const { old } of returns.filter(wasRunning)) {
      if (old.state !== 'running') await operations.start(old.id, signal);
    }
    for (const { old } of returns) await restartStranded(context, old.id, signal);
    for (const { id } of returns.flatMap(({ made }) => made ?? [])) {
      await operations.remove(id, { force: true }, signal);
    }
    return succeeded({ intentId, restored: returns.map(({ name }) => name) });
  } catch (error) {
    return afterFailure(error);
  }
}

function nothingToReturnTo(
  { returns, orphans, superseded }: Inspected,
  intentId: string,
): BuiltinResult | undefined {
  if (orphans.length > 0) {
    return failed(`what ${orphans.join(', ')} replaced is gone: nothing to go back to`);
  }
  if (returns.length > 0) return undefined;
  return superseded.length > 0
    ? succeeded({ intentId, restored: [] })
    : notExecuted('NothingToRecover', 'no old container of this intent is on the engine');
}

/**
 * Removes what was set aside under an intent, once the replacement is verified. A set-aside
 * container whose successor does not run is kept: it is the last one.
 */
export async function settleIntent(
  { runtime, operations }: ActionContext,
  intentId: string,
  signal: AbortSignal,
): Promise<BuiltinResult> {
  try {
    const all = await runtime.list(signal);
    const removed: string[] = [];
    const kept: string[] = [];
    for (const { name, old } of findReplacements(all, intentId)) {
      if (old?.name !== setAsideName(name, intentId)) continue;
      if (hasRunningSuccessor(all, name)) {
        await operations.remove(old.id, { force: false }, signal);
        removed.push(old.name);
      } else {
        kept.push(old.name);
      }
    }
    if (kept.length > 0) return failed(`kept ${kept.join(', ')}: nothing runs in its place`);
    return succeeded({ intentId, removed });
  } catch (error) {
    return afterFailure(error);
  }
}

function hasRunningSuccessor(all: readonly ContainerSummary[], name: string): boolean {
  return all.some((it) => it.name === name && it.state === 'running');
}

async function inspectAll(
  { runtime }: ActionContext,
  found: readonly Replacement[],
  all: readonly ContainerSummary[],
  signal: AbortSignal,
): Promise<Inspected> {
  const returns: Return[] = [];
  const orphans: string[] = [];
  const superseded: ObservedContainer[] = [];
  for (const { name, old: oldSummary, made: madeSummary } of found) {
    const old = oldSummary && (await runtime.inspect(oldSummary.id, signal));
    const made = madeSummary && (await runtime.inspect(madeSummary.id, signal));
    if (old !== undefined) returns.push({ name, old, ...(made === undefined ? {} : { made }) });
    // With the workload's own name and no predecessor left, the replacement was settled.
    else if (made !== undefined && made.name !== name) {
      if (all.some((it) => it.name === name)) superseded.push(made);
      else orphans.push(name);
    }
  }
  return { returns: ownersFirst(returns), orphans, superseded };
}

/** An old sharer can start only when the old owner of its namespace runs. */
function ownersFirst(returns: readonly Return[]): readonly Return[] {
  const waiting = [...returns];
  const ordered: Return[] = [];
  while (waiting.length > 0) {
    const ready = waiting.findIndex((it) => !waiting.some((other) => sharesWith(it.old, other)));
    // A circle cannot start in any order; taking the first still returns what can be.
    ordered.push(...waiting.splice(Math.max(0, ready), 1));
  }
  return ordered;
}

function sharesWith(sharer: ObservedContainer, { name, old }: Return): boolean {
  return (
    sharer.id !== old.id &&
    sharer.shares.some(({ owner }) => owner === old.id || owner === old.name || owner === name)
  );
}

/** What was made, where it must be stopped. */
function upMade({ made }: Return): ObservedContainer[] {
  const isUp = ['running', 'paused', 'restarting'].includes(made?.state ?? '');
  return made !== undefined && isUp ? [made] : [];
}

async function goBack(
  { operations }: ActionContext,
  { name, old, made }: Return,
  intentId: string,
  signal: AbortSignal,
): Promise<void> {
  // The new one was created with the restart policy that the old one had.
  if (made !== undefined && made.restartPolicy.name !== old.restartPolicy.name) {
    await operations.updateRestartPolicy(old.id, made.restartPolicy, signal);
  }
  if (made?.name === name) await operations.rename(made.id, madeName(name, intentId), signal);
  if (old.name !== name) await operations.rename(old.id, name, signal);
}

function wasRunning({ made }: Return): boolean {
  return made?.labels[REPLACEMENT_LABEL.wasRunning] === 'true';
}

/**
 * Sharers that the replacement had not reached yet run on in the namespaces of an earlier run of
 * the owner, cut off: they belong to the same intent, and follow their owner.
 */
async function restartStranded(
  { runtime, operations }: ActionContext,
  ownerId: string,
  signal: AbortSignal,
): Promise<void> {
  const owner = await runtime.inspect(ownerId, signal);
  if (owner?.state !== 'running') return;
  for (const { id, state } of await runtime.list(signal)) {
    if (state !== 'running' || id === ownerId) continue;
    const it = await runtime.inspect(id, signal);
    if (it !== undefined && isStranded(it, owner)) await operations.restart(id, undefined, signal);
  }
}

function isStranded(it: ObservedContainer, owner: ObservedContainer): boolean {
  return (
    (it.startedAtMs ?? 0) < (owner.startedAtMs ?? 0) &&
    it.shares.some((share) => share.owner === owner.id || share.owner === owner.name)
  );
}

function afterFailure(error: unknown): BuiltinResult {
  if (error instanceof RuntimeForbiddenError) return forbidden(error.message);
  // The engine has answered: it is known where the work stands, and it can be taken up again.
  const isKnown = error instanceof OperationRefusedError || error instanceof ContainerGoneError;
  return isKnown ? failed(error.message) : outcomeUnknown(messageOf(error));
}
