import { RuntimeForbiddenError } from '#core/errors.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import type { ContainerBlueprint, CreateOptions } from '#ports/container-operations.ts';
import { checkTargets } from './check-targets.ts';
import { type ActionContext, look, type Targets, type ToolCall } from './context.ts';
import {
  failed,
  forbidden,
  messageOf,
  notExecuted,
  notReached,
  outcomeUnknown,
  succeeded,
} from './outcome.ts';
import { recoverIntent } from './recover.ts';
import { findReplacements, madeName, REPLACEMENT_LABEL, setAsideName } from './set-aside.ts';
import { changeOf } from './sharers.ts';
import { waitUntilWell } from './wait.ts';

/** It becomes part of container names, where its alphabet tells it from the rest. */
const INTENT_ID = /^[a-z0-9]{1,64}$/;

/** What is different in the new container; all else is kept. */
type Change = Pick<CreateOptions, 'image' | 'env'>;

/** Replaces a container by one of the same configuration. */
export function recreateContainer(
  context: ActionContext,
  call: ToolCall<unknown>,
): Promise<BuiltinResult> {
  return replaceContainers(context, call, async () => ({}));
}

/** The same with variables set. Their values are on the new container, as with any recreation. */
export function updateEnvVars(
  context: ActionContext,
  call: ToolCall<{ readonly set: Readonly<Record<string, string>> }>,
): Promise<BuiltinResult> {
  return replaceContainers(context, call, async () => ({ env: call.args.set }));
}

/** The same from another image of the host. Nothing is pulled. */
export function rollbackImage(
  context: ActionContext,
  call: ToolCall<{ readonly image?: string | undefined }>,
): Promise<BuiltinResult> {
  return replaceContainers(context, call, async ({ target }) => {
    const image = call.args.image ?? (await previousImage(context, target, call.signal));
    return image === undefined
      ? notExecuted('NoPreviousImage', `the host has no older image for ${target.image}`)
      : { image };
  });
}

/** The newest image of the same repository that is older than the one in use. */
async function previousImage(
  { operations }: ActionContext,
  { image, imageId }: ObservedContainer,
  signal: AbortSignal,
): Promise<string | undefined> {
  const newestFirst = await operations.imageHistory(image, signal);
  const current = newestFirst.findIndex(({ id }) => id === imageId);
  return newestFirst.slice(current + 1).find(({ id }) => id !== imageId)?.id;
}

async function replaceContainers(
  context: ActionContext,
  call: ToolCall<unknown>,
  changeFor: (targets: Targets) => Promise<Change | BuiltinResult>,
): Promise<BuiltinResult> {
  if (!INTENT_ID.test(call.intentId)) {
    return notExecuted('ArgumentsInvalid', 'an intent is named by 1 to 64 of a-z and 0-9');
  }
  let change: Change | BuiltinResult;
  // First everything that only reads: until the first creation, nothing is touched.
  try {
    const checked = await checkTargets(context, call, { refusesAutoRemove: true });
    if ('refusal' in checked) return checked.refusal;
    change = await changeFor(checked.targets);
    const all = await context.runtime.list(call.signal);
    if (findReplacements(all, call.intentId).length > 0) {
      return notExecuted('IntentPending', 'containers of this intent are on the engine already');
    }
  } catch (error) {
    return notReached(error);
  }
  if ('outcome' in change) return change;
  // The reads above took time: this look is the last before the engine is told to do something.
  const checked = await checkTargets(context, call, { refusesAutoRemove: true });
  if ('refusal' in checked) return checked.refusal;

  const progress: Progress = { step: 'create', mayBeStopping: false, replaced: {} };
  try {
    return await replaceAll({ context, call, change, progress }, checked.targets);
  } catch (error) {
    return takeBack(context, call, progress, error);
  }
}

/** Where the work is, so that a failure can say it, and who was replaced by whom. */
interface Progress {
  step: string;
  /** The engine may have been told to stop an old container, and not have answered. */
  mayBeStopping: boolean;
  /** Old id → new id. */
  replaced: Record<string, string>;
}

interface Work {
  readonly context: ActionContext;
  readonly call: ToolCall<unknown>;
  readonly change: Change;
  readonly progress: Progress;
}

class DidNotComeUpError extends Error {
  override readonly name = 'DidNotComeUpError';
}

/** The target first; then its sharers, told who the new owner of their namespace is. */
async function replaceAll(work: Work, { target, sharers }: Targets): Promise<BuiltinResult> {
  const newId = await replaceOne(work, target, work.change);
  for (const sharer of sharers) await replaceOne(work, sharer, {});
  return succeeded({
    intentId: work.call.intentId,
    previous: { id: target.id, name: setAsideName(target.name, work.call.intentId) },
    container: { id: newId, name: target.name },
    replaced: { ...work.progress.replaced },
  });
}

/**
 * Created before the old one is stopped, so that a configuration which Docker refuses costs no
 * downtime; started only after, since the old one holds addresses, ports and aliases while it runs.
 */
async function replaceOne(
  { context, call, progress }: Work,
  old: ObservedContainer,
  change: Change,
): Promise<string> {
  const { operations } = context;
  const { intentId, signal } = call;
  const step = (name: string) => {
    progress.step = `${name} of ${old.name}`;
    if (signal.aborted) throw new Error('cancelled');
  };

  step('reading the configuration');
  const blueprint = await blueprintOf(context, old, signal);
  step('creation of the new container');
  const newId = await operations.createFrom(
    blueprint,
    {
      ...change,
      name: madeName(old.name, intentId),
      labels: {
        [REPLACEMENT_LABEL.intent]: intentId,
        [REPLACEMENT_LABEL.replaces]: old.id,
        [REPLACEMENT_LABEL.wasRunning]: String(isUp(old)),
      },
      replacedOwners: progress.replaced,
    },
    signal,
  );
  step('switching off the restart policy');
  if (old.restartPolicy.name !== 'no') {
    await operations.updateRestartPolicy(old.id, { name: 'no', maximumRetryCount: 0 }, signal);
  }
  step('last look');
  const touched = await changeOf(context, old, signal);
  if (touched !== undefined) throw new Error(`${old.name} ${touched}`);
  step('stop');
  progress.mayBeStopping = true;
  await operations.stop(old.id, undefined, signal);
  progress.mayBeStopping = false;
  step('setting aside');
  await operations.rename(old.id, setAsideName(old.name, intentId), signal);
  step('naming the new container');
  await operations.rename(newId, old.name, signal);
  step('start of the new container');
  await operations.start(newId, signal);
  progress.replaced[old.id] = newId;
  step('waiting for the new container');
  await mustComeUp(context, newId, signal);
  return newId;
}

async function blueprintOf(
  { operations }: ActionContext,
  old: ObservedContainer,
  signal: AbortSignal,
): Promise<ContainerBlueprint> {
  const blueprint = await operations.blueprint(old.id, signal);
  if (blueprint === undefined) throw new DidNotComeUpError(`${old.name} is gone`);
  return blueprint;
}

async function mustComeUp(context: ActionContext, id: string, signal: AbortSignal): Promise<void> {
  const waited = await waitUntilWell(context, id, signal);
  if (waited.kind === 'Cancelled') throw new Error('cancelled');
  if (waited.kind === 'Down') throw new DidNotComeUpError(waited.message);
  if (waited.kind === 'Up') {
    throw new DidNotComeUpError(`it is ${waited.container.health?.status ?? 'not settled'}`);
  }
}

/**
 * A step failed: back to the old container, unless the caller has given up. Then the work stands
 * still where it is, and `recover` goes back from there.
 */
async function takeBack(
  context: ActionContext,
  call: ToolCall<unknown>,
  progress: Progress,
  error: unknown,
): Promise<BuiltinResult> {
  const { step } = progress;
  const reason = `${step}: ${await explain(context, call, error)}`;
  if (call.signal.aborted) return outcomeUnknown(`cancelled at ${reason}`);

  // The engine may go on with the stop: whoever calls waits that out, and lets it be taken back then.
  if (progress.mayBeStopping) return outcomeUnknown(reason);
  const back = await recoverIntent(context, call.intentId, call.signal);
  const isForbidden = error instanceof RuntimeForbiddenError;
  if (back.outcome === 'Succeeded' || back.outcome === 'NotExecuted') {
    // What was made is gone again. If the old container was never reached, nothing was touched.
    if (isForbidden && (await isUntouched(context, call))) return forbidden(reason);
    const result = failed(`${reason}; the old container is back`);
    return isForbidden ? { ...result, forbidden: true } : result;
  }
  const result = outcomeUnknown(`${reason}; could not go back: ${back.message}`);
  return isForbidden ? { ...result, forbidden: true } : result;
}

async function isUntouched(
  context: ActionContext,
  { expect }: ToolCall<unknown>,
): Promise<boolean> {
  for (const { id, startedAtMs, state } of expect) {
    const seen = await look(context, id);
    if (seen === undefined || seen === 'unseen') return false;
    if (seen.startedAtMs !== startedAtMs || seen.state !== state) return false;
  }
  return true;
}

/** Docker's own words, where the new container has any. */
async function explain(
  { runtime }: ActionContext,
  { intentId, signal }: ToolCall<unknown>,
  error: unknown,
): Promise<string> {
  const message = messageOf(error);
  if (error instanceof DidNotComeUpError || signal.aborted) return message;
  try {
    const made = findReplacements(await runtime.list(signal), intentId).at(-1)?.made;
    const seen = made === undefined ? undefined : await runtime.inspect(made.id, signal);
    const said = seen?.error ?? '';
    return said === '' || message.includes(said) ? message : `${message}: ${said}`;
  } catch {
    return message;
  }
}

function isUp({ state }: ObservedContainer): boolean {
  return state === 'running' || state === 'restarting';
}
