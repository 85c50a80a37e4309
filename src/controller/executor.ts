import { JournalUnavailableError } from '#core/errors.ts';
import {
  type Affected,
  type Attempt,
  type Incident,
  isHanging,
  type Outcome,
} from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { canonicalJson } from '#core/journal/record.ts';
import { redactorOf } from '#core/redaction/container-secrets.ts';
import { escalate } from '#core/remediation/act.ts';
import type { Considered } from '#core/remediation/choose.ts';
import { reconsider } from '#core/remediation/reconsider.ts';
import { handsOff, recoveryRefusal, rollbackRefusal } from '#core/remediation/rollback.ts';
import type { ResolvedArguments } from '#core/remediation/secrets.ts';
import { about, type Effect, type WorkloadMemory } from '#core/remediation/step.ts';
import { recordableResult, recordableText } from '#core/remediation/tool-result.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { World } from '#core/remediation/world.ts';
import type { ContainerState } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { withDeadline } from '#lib/deadline.ts';
import { formatDuration } from '#lib/duration.ts';
import type {
  ActionCall,
  ActionResult,
  ActionRunner,
  Expectation,
  JsonObject,
  ToolReadiness,
} from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeepEvidence } from './evidence-keeper.ts';
import type { OperatorJournal } from './journal-state.ts';

export interface ExecutorOptions {
  readonly clock: Clock;
  readonly journal: OperatorJournal;
  readonly actions: ActionRunner;
  readonly world: () => World;
  readonly memoryOf: (key: WorkloadKey) => WorkloadMemory | undefined;
  /** Inspects a workload's containers now. */
  readonly refresh: (key: WorkloadKey, signal: AbortSignal) => Promise<void>;
  /** Makes sure that an exit which looks like a crash is none of a person's doing. */
  readonly confirmCrash: (key: WorkloadKey, signal: AbortSignal) => Promise<void>;
  /** Its workload should be looked at again. */
  readonly onEnded: (key: WorkloadKey) => void;
  /** Fills `$secret` markers in, right before the call. */
  readonly resolveSecrets: (args: JsonObject) => ResolvedArguments;
  /** Keeps what the action may destroy; bounded in time, and never rejects. */
  readonly keepEvidence?: KeepEvidence;
  readonly onWarning: (message: string, cause: unknown) => void;
}

interface Ending {
  readonly outcome: Outcome;
  readonly reason?: string;
  readonly message?: string;
  readonly result?: Record<string, unknown>;
}

/** What came of one try to go back to the old container. */
type Tried =
  | { readonly kind: 'Ended'; readonly ending: Ending }
  /** The engine was not even asked: the containers cannot be looked at. */
  | { readonly kind: 'NotSeen'; readonly message: string }
  | { readonly kind: 'NoAnswer'; readonly message: string };

const THIRD_PARTY_TIMEOUT_MS = 60_000;
const LOOK_TIMEOUT_MS = 10_000;

/**
 * Carries intents out, beside the workers: waits until the intent is durable, looks at the live
 * state once more and asks the whole gate again, calls the tool, and records what became of it.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #underWay = new Set<Promise<void>>();
  /** Intents of this run whose tool was not called yet. */
  readonly #uncalled = new Set<string>();
  /** Intents whose set-aside containers are being removed. */
  readonly #settling = new Set<string>();
  readonly #stopping = new AbortController();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Starts an effect; `durable` is that of the step which asked for it. */
  start(key: WorkloadKey, incident: string, effect: Effect, durable: Promise<void>): void {
    if (effect.kind === 'Execute' || effect.kind === 'Rollback') this.#uncalled.add(effect.intent);
    const run = this.#run(key, incident, effect, durable)
      .catch((error: unknown) => this.#options.onWarning('an effect failed', error))
      .finally(() => {
        this.#underWay.delete(run);
        this.#uncalled.delete(effect.intent);
        this.#options.onEnded(key);
      });
    this.#underWay.add(run);
  }

  /** Whether the tool of an intent was called, as far as this run knows. */
  wasCalled(intent: string): boolean {
    return !this.#uncalled.has(intent);
  }

  isBusy(): boolean {
    return this.#underWay.size > 0;
  }

  /** Lets calls that were made end, for as long as `graceMs` says; new ones are not made. */
  async stop(grace: Promise<void>): Promise<void> {
    this.#stopping.abort();
    await Promise.race([Promise.allSettled(this.#underWay), grace]);
  }

  async #run(
    key: WorkloadKey,
    name: string,
    effect: Effect,
    durable: Promise<void>,
  ): Promise<void> {
    if (effect.kind === 'Settle') {
      await durable;
      await this.#settle(key, effect.intent);
      return;
    }
    const ending = await this.#endingOf(key, name, effect, durable);
    // Without one the attempt stays open, and the next start goes on with it.
    if (ending !== undefined) await this.#record(name, effect, ending);
  }

  /** Once at a time, and only where the policy of now lets Sentinel touch the workload. */
  async #settle(key: WorkloadKey, intent: string): Promise<void> {
    const { actions, world, onWarning } = this.#options;
    if (this.#settling.has(intent) || handsOff(world(), key) !== undefined) return;
    this.#settling.add(intent);
    try {
      const settled = await actions.settle(intent, NEVER);
      if (settled.outcome === 'Failed')
        onWarning('what was set aside could not be removed', settled.message);
    } finally {
      this.#settling.delete(intent);
    }
  }

  async #endingOf(
    key: WorkloadKey,
    name: string,
    effect: Exclude<Effect, { kind: 'Settle' }>,
    durable: Promise<void>,
  ): Promise<Ending | undefined> {
    // Beside the wait for the disk, so that it takes no time of its own.
    const kept = this.#keepEvidence(name, effect.intent);
    try {
      await durable;
    } catch (error) {
      return notExecuted('JournalUnavailable', messageOf(error));
    }
    await kept;
    if (this.#stopping.signal.aborted) return notExecuted('Stopping', 'Sentinel is stopping');
    const attempt = this.#attempt(name, effect.intent);
    if (attempt === undefined) return notExecuted('IncidentGone', 'the incident is no longer kept');
    try {
      if (effect.kind === 'Rollback') return await this.#rollBack(name, attempt, effect.rollbackOf);
      if (effect.kind === 'Execute') return await this.#execute(key, name, attempt);
      return await this.#recoverFrom(name, attempt, {
        outcome: 'OutcomeUnknown',
        message: effect.message,
      });
    } catch (error) {
      if (error instanceof JournalUnavailableError) throw error;
      // Nothing throws once a call was made: the runner makes an outcome of every failure, and the
      // recovery after it tries on.
      return notExecuted('LookFailed', messageOf(error));
    }
  }

  async #keepEvidence(name: string, intent: string): Promise<void> {
    const attempt = this.#attempt(name, intent);
    if (attempt !== undefined) await this.#options.keepEvidence?.(name, attempt);
  }

  async #execute(key: WorkloadKey, name: string, attempt: Attempt): Promise<Ending | undefined> {
    await this.#lookAt(attempt);

    // From here to the call there is no await: what the gate has seen is what the call meets.
    const world = this.#options.world();
    const considered = reconsider(world, key, {
      incident: name,
      attempt,
      memory: this.#options.memoryOf(key),
    });
    const no = refusalOf(considered, attempt, world);
    if (no !== undefined) return no;
    const call = this.#callFor(considered, attempt, world);
    if ('outcome' in call) return call;
    this.#uncalled.delete(attempt.intent);
    const ending = ended(await this.#options.actions.call(call, NEVER), world, attempt);
    return ending.outcome === 'OutcomeUnknown' ? this.#recoverFrom(name, attempt, ending) : ending;
  }

  /**
   * A multi-step tool whose fate is unknown may have stopped between two containers: it is told to
   * go back to the old one, for as long as it takes the engine to answer. That is no repetition; the
   * original intent permits it. An engine that hangs gets ever fewer calls, and people are told.
   *
   * @returns `undefined` when Sentinel stops before: the attempt is still open then
   */
  async #recoverFrom(name: string, attempt: Attempt, ending: Ending): Promise<Ending | undefined> {
    if (builtinTool(attempt.tool)?.multiStep !== true) return ending;
    const { clock } = this.#options;
    const beganMs = clock.bootMs();
    let asked = 0;
    let isTold = false;
    for (;;) {
      const tried = await this.#recoverOnce(attempt, ending, clock.bootMs() - beganMs);
      if (tried.kind === 'Ended') return tried.ending;
      if (tried.kind === 'NoAnswer') asked += 1;
      if (!isTold && (asked >= TELL_AFTER_ASKED || clock.bootMs() - beganMs >= TELL_AFTER_MS)) {
        isTold = await this.#tellHanging(name, attempt, tried.message);
      }
      // Looks queue nothing: after one that failed the next comes soon.
      const restMs = tried.kind === 'NotSeen' ? 0 : RECOVER_AGAIN_MS * 2 ** (asked - 1);
      const boundedMs = Math.min(Math.max(restMs, RECOVER_AGAIN_MS), RECOVER_AGAIN_MAX_MS);
      await clock.sleep(boundedMs, this.#stopping.signal);
      if (this.#stopping.signal.aborted) return undefined;
    }
  }

  async #recoverOnce(attempt: Attempt, ending: Ending, waitedMs: number): Promise<Tried> {
    try {
      await this.#lookAt(attempt);
    } catch (error) {
      return { kind: 'NotSeen', message: recordableText(messageOf(error)) };
    }
    const world = this.#options.world();
    const no = recoveryRefusal(world, attempt);
    if (no !== undefined) {
      const message = `${ending.message}; not recovered: ${no}`;
      return { kind: 'Ended', ending: { ...ending, message } };
    }
    const stopping = stillStopping(world, attempt, waitedMs);
    if (stopping !== undefined) {
      return { kind: 'NotSeen', message: `the engine may still be stopping ${stopping}` };
    }
    const result = await this.#options.actions.recover(attempt.intent, NEVER);
    const recovered = ended(result, world, attempt);
    const words = recovered.message ?? recovered.reason ?? 'the old container is back';
    if (recovered.outcome === 'OutcomeUnknown' || isNotReady(recovered)) {
      return { kind: 'NoAnswer', message: words };
    }
    const message = `${ending.message}; recovery ${recovered.outcome}: ${words}`;
    return { kind: 'Ended', ending: { ...ending, message } };
  }

  /** Once per run in the log, and once to people. @returns whether they were told */
  async #tellHanging(name: string, attempt: Attempt, why: string): Promise<boolean> {
    const { journal, world, onWarning } = this.#options;
    const incident = journal.state().incidents[name];
    const [target] = attempt.affects;
    if (incident === undefined || target === undefined) return true;
    await this.#lookAt(attempt).catch(() => undefined);

    const state = world().views.get(target.workload)?.container?.state ?? 'not there';
    const message = `${attempt.action} stopped half-way and could not be taken back yet: ${why}; ${target.name} is ${state}; it is tried again, at least every ${formatDuration(RECOVER_AGAIN_MAX_MS)}`;
    onWarning('the recovery of a workload hangs; trying on', message);
    if (isHanging(incident)) return true;
    const { drafts } = escalate(incident, 'Blocked', message);
    try {
      journal.append(drafts, { durable: true }).durable.catch((error: unknown) => {
        onWarning('a record is not on disk', error);
      });
      return true;
    } catch (error) {
      onWarning('people could not be told that a recovery hangs', error);
      return false;
    }
  }

  #callFor(
    considered: Considered | undefined,
    attempt: Attempt,
    world: World,
  ): ActionCall | Ending {
    const args = considered?.candidate.arguments;
    if (args?.ok !== true)
      return notExecuted('ArgumentsInvalid', 'the arguments have no value any more');
    const complete = this.#options.resolveSecrets(args.arguments);
    if (!complete.ok)
      return notExecuted('ArgumentsInvalid', `secret ${complete.missing} is not set`);
    const [target, ...others] = attempt.affects.map((one) => expectationOf(world, one));
    if (target === undefined) return notExecuted('TargetGone', 'there is no container to act on');
    return {
      tool: attempt.tool,
      arguments: complete.arguments,
      intentId: attempt.intent,
      expect: [target, ...others],
      timeoutMs: timeoutOf(world, attempt, args.arguments),
    };
  }

  /** Undoes an attempt: previous values are set again, or the container set aside comes back. */
  async #rollBack(name: string, attempt: Attempt, rollbackOf: string): Promise<Ending> {
    const original = this.#attempt(name, rollbackOf);
    if (original === undefined) return notExecuted('IncidentGone', 'the attempt is no longer kept');
    await this.#lookAt(original);
    const world = this.#options.world();
    const no = rollbackRefusal(world, original);
    if (no !== undefined) return notExecuted('RollbackRefused', no);
    if (builtinTool(original.tool)?.multiStep === true) {
      this.#uncalled.delete(attempt.intent);
      return ended(await this.#options.actions.recover(rollbackOf, NEVER), world, original);
    }
    const previous = original.result?.['previous'];
    const [target] = original.affects;
    if (typeof previous !== 'object' || previous === null || target === undefined) {
      return notExecuted('NothingToRestore', 'the tool did not say what held before');
    }
    const call: ActionCall = {
      tool: original.tool,
      arguments: previous as JsonObject,
      intentId: attempt.intent,
      expect: [expectationOf(world, target)],
      timeoutMs: timeoutOf(world, attempt, previous),
    };
    this.#uncalled.delete(attempt.intent);
    return ended(await this.#options.actions.call(call, NEVER), world, original);
  }

  /** Inspects every container that the attempt touches. */
  async #lookAt({ affects }: Attempt): Promise<void> {
    const { clock, refresh, confirmCrash } = this.#options;
    await withDeadline(clock, LOOK_TIMEOUT_MS, (signal) =>
      Promise.all(
        affects.map(async ({ workload }) => {
          await refresh(workload, signal);
          await confirmCrash(workload, signal);
        }),
      ),
    );
  }

  #attempt(name: string, intent: string): Attempt | undefined {
    return this.#options.journal
      .state()
      .incidents[name]?.attempts.find((one) => one.intent === intent);
  }

  /** Until it is recorded the attempt stays open: nothing else may be done on the workload. */
  async #record(
    name: string,
    effect: Exclude<Effect, { kind: 'Settle' }>,
    ending: Ending,
  ): Promise<void> {
    const { journal, clock, onWarning } = this.#options;
    for (let tries = 0; ; tries += 1) {
      const incident = journal.state().incidents[name];
      if (incident === undefined) return;
      try {
        const { durable } = journal.append([endOf(incident, effect, ending)], { durable: true });
        durable.catch((error: unknown) => {
          onWarning('the end of an action is not on disk yet', error);
        });
        return;
      } catch (error) {
        if (tries === 0) onWarning('the end of an action cannot be recorded; trying on', error);
        if (this.#stopping.signal.aborted) return;
        await clock.sleep(RECORD_AGAIN_MS, this.#stopping.signal);
      }
    }
  }
}

const RECORD_AGAIN_MS = 2_000;
const RECOVER_AGAIN_MS = 5_000;
const RECOVER_AGAIN_MAX_MS = 300_000;
/** Calls to go back without an answer after which people are told; or, where no look succeeds: */
/** Docker's own grace, for a container that declares none. */
const STOP_SECONDS_DEFAULT = 10;
const STOP_MARGIN_MS = 2_000;
/** Some containers declare that they are never to be killed. */
const STOP_MAX_MS = 600_000;

/**
 * The engine goes on with a stop whose caller is gone: what still runs may be in its grace, and would
 * be left down by whoever takes it for well. It is waited for, and people are asked again each time.
 *
 * @returns the name of such a container
 */
function stillStopping(world: World, { affects }: Attempt, waitedMs: number): string | undefined {
  return affects.find(({ workload, container: id }) => {
    const container = world.views.get(workload)?.container;
    if (container?.id !== id || container.state !== 'running') return false;
    const { stopTimeoutSeconds = STOP_SECONDS_DEFAULT } = container;
    const graceMs = stopTimeoutSeconds < 0 ? STOP_MAX_MS : stopTimeoutSeconds * 1_000;
    return waitedMs < Math.min(graceMs, STOP_MAX_MS) + STOP_MARGIN_MS;
  })?.name;
}

const TELL_AFTER_ASKED = 2;
const TELL_AFTER_MS = 60_000;

function endOf(
  incident: Incident,
  { kind, intent }: Exclude<Effect, { kind: 'Settle' }>,
  ending: Ending,
): Draft {
  if (kind !== 'Rollback') {
    return { type: 'remediation.completed', ...about(incident), data: { intent, ...ending } };
  }
  const message = ending.message ?? ending.reason ?? 'undone';
  const data = { intent, outcome: ending.outcome, message };
  return { type: 'rollback.completed', ...about(incident), data };
}

/** A call that was made is never cancelled from here: it has its own time-out. */
const NEVER = new AbortController().signal;

function refusalOf(
  considered: Considered | undefined,
  attempt: Attempt,
  world: World,
): Ending | undefined {
  if (considered === undefined) {
    return notExecuted('NoLongerNeeded', `${attempt.trigger} does not ask for it any more`);
  }
  const [refusal] = considered.blockedBy;
  if (refusal !== undefined) return notExecuted(refusal.reason, refusal.message);
  const intended = attempt.affects.map(({ workload }) => workload);
  if (canonicalJson(intended) !== canonicalJson(considered.candidate.affects)) {
    return notExecuted(
      'AffectsChanged',
      'it would now touch other workloads than when it was intended',
    );
  }
  for (const { workload, container, startedAtMs } of attempt.affects) {
    const now = world.views.get(workload)?.container;
    if (now?.id !== container || now.startedAtMs !== startedAtMs) {
      return notExecuted('TargetChanged', `${workload} has another container, or was started anew`);
    }
  }
  return undefined;
}

function expectationOf(world: World, affected: Affected): Expectation {
  const container = world.views.get(affected.workload)?.container;
  const startedAtMs = container?.startedAtMs ?? affected.startedAtMs;
  return {
    id: affected.container,
    state: container?.state ?? (affected.state as ContainerState),
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
  };
}

function timeoutOf(world: World, attempt: Attempt, args: unknown): number {
  const targets = attempt.affects.map(({ workload }) => world.views.get(workload)?.container ?? {});
  return builtinTool(attempt.tool)?.timeoutMs(args, targets) ?? THIRD_PARTY_TIMEOUT_MS;
}

/** What a tool said may quote the variables of the containers that it touched. */
function ended(result: ActionResult, world: World, { affects }: Attempt): Ending {
  const redactor = redactorOf(
    affects.map(({ workload }) => world.views.get(workload)?.container?.secrets),
  );
  switch (result.outcome) {
    case 'Succeeded':
      return { outcome: 'Succeeded', result: recordableResult(result.result, redactor) };
    case 'NotExecuted':
      return notExecuted(result.reason, recordableText(result.message, redactor));
    case 'Failed':
    case 'OutcomeUnknown':
      return { outcome: result.outcome, message: recordableText(result.message, redactor) };
  }
}

/** The tools could not be called at all: they may be later. */
function isNotReady({ outcome, reason = '' }: Ending): boolean {
  return outcome === 'NotExecuted' && NOT_READY.has(reason);
}

const NOT_READY: ReadonlySet<string> = new Set<NotReadyReason>([
  'ServerUnavailable',
  'ToolUnknown',
  'ToolNotPinned',
  'ToolManifestChanged',
  'ToolNotEnabled',
  'ToolForbidden',
]);
type NotReadyReason = Extract<ToolReadiness, { ready: false }>['reason'];

function notExecuted(reason: string, message: string): Ending {
  return { outcome: 'NotExecuted', reason, message };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
