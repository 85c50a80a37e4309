import { RuntimeUnavailableError } from '#core/errors.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { type ActionContext, look, type Targets } from './context.ts';
import { messageOf } from './outcome.ts';
import { waitUntilWell } from './wait.ts';

export interface SharersRestarted {
  /** Names, in the order of their restarts. */
  readonly restarted: readonly string[];
  /** False when the owner was up but not healthy when its HEALTHCHECK's deadline passed. */
  readonly ownerWell: boolean;
  /** Why some were left as they are. */
  readonly problem?: { readonly isUnknown: boolean; readonly message: string };
}

const NONE: SharersRestarted = { restarted: [], ownerWell: true };

/**
 * Restarts those who share a namespace of the target, once the target runs again: a new run of the
 * owner has new namespaces, and whoever joined the old ones keeps running without a network.
 * Healthy first, so that they find it working; but an owner that stays up unhealthy is joined all
 * the same, since only then do they recover together with it. Without a running owner nothing is
 * restarted: it could not start again.
 */
export async function restartSharers(
  context: ActionContext,
  { target, sharers }: Targets,
  signal: AbortSignal,
): Promise<SharersRestarted> {
  if (sharers.length === 0) return NONE;
  const restarted: string[] = [];
  let ownerWell = false;
  const stoppedAt = (message: string, isUnknown = false): SharersRestarted => ({
    restarted,
    ownerWell,
    problem: { isUnknown, message },
  });
  try {
    const owner = await waitUntilWell(context, target.id, signal);
    if (owner.kind === 'Cancelled') return stoppedAt('cancelled before the sharers', true);
    if (owner.kind === 'Down') {
      return stoppedAt(`${target.name} did not stay up (${owner.message}): sharers left alone`);
    }
    ownerWell = owner.kind === 'Well';
    for (const sharer of sharers) {
      const change = await changeOf(context, sharer, signal);
      if (change !== undefined) return stoppedAt(`${sharer.name} ${change}: left alone`);
      await context.operations.restart(sharer.id, undefined, signal);
      restarted.push(sharer.name);
    }
    return { restarted, ownerWell };
  } catch (error) {
    return stoppedAt(
      `a sharer was not restarted: ${messageOf(error)}`,
      error instanceof RuntimeUnavailableError,
    );
  }
}

/**
 * What somebody else has done to a container since it was looked at, while its owner came up or its
 * successor was made: then it is theirs.
 */
export async function changeOf(
  { runtime }: ActionContext,
  before: ObservedContainer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const seen = await runtime.inspect(before.id, signal);
  if (seen === undefined) return 'is gone';
  if (seen.startedAtMs !== before.startedAtMs) return 'was started by someone else';
  // The first process of a pid namespace takes the others along: that end is our doing.
  const diedWithOwner = before.shares.some(({ kind }) => kind === 'pid') && seen.state === 'exited';
  return seen.state === before.state || diedWithOwner ? undefined : `is now ${seen.state}`;
}

/** Whether the owner is in another run than before, or still in the same, or down. */
export async function ownerAfterSignal(
  context: ActionContext,
  before: ObservedContainer,
): Promise<'SameRun' | 'OtherRun' | 'Down'> {
  const seen = await look(context, before.id);
  if (seen === undefined || seen === 'unseen' || seen.state !== 'running') return 'Down';
  return seen.startedAtMs === before.startedAtMs ? 'SameRun' : 'OtherRun';
}
