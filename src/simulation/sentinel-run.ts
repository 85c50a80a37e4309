import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createMemoryActionRunner } from '#adapters/memory/memory-action-runner.ts';
import type { MemoryEventSink } from '#adapters/memory/memory-event-sink.ts';
import type { MemoryEvidenceStore } from '#adapters/memory/memory-evidence-store.ts';
import type { MemoryNotifier } from '#adapters/memory/memory-notifier.ts';
import {
  createMemoryPolicySource,
  type MemoryPolicySource,
} from '#adapters/memory/memory-policy-source.ts';
import type { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import type { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { Controller } from '#controller/controller.ts';
import type { Fleet } from '#controller/fleet.ts';
import { openJournal } from '#controller/journal/journal.ts';
import { type OperatorJournal, operatorReducer } from '#controller/journal-state.ts';
import { startNotifications } from '#controller/notifications.ts';
import { type Outbox, startOutbox } from '#controller/outbox.ts';
import { projectForSink } from '#core/projection/project-for-sink.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import { createOperatorCommands } from '#http/commands.ts';
import type { OperatorCommands } from '#http/options.ts';
import type { ActionCall, ActionResult, ActionRunner } from '#ports/action-runner.ts';
import type { ModelClient } from '#ports/model-client.ts';
import type { Disk } from './disk.ts';
import type { Docker } from './docker-door.ts';
import { Life, mortal, mortalClock, never } from './life.ts';

export const HOST = 'box';
export const MAX_ACTIONS = { max: 10, perMs: 600_000 };
/** Small, so that a run of hours goes through many rotations. */
const SEGMENT_BYTES = 64 * 1024;

/** What one run of Sentinel finds around it. */
export interface Surroundings {
  readonly clock: VirtualClock;
  /** @param isAlive whether somebody still hears what is told */
  readonly openDocker: (isAlive: () => boolean) => Docker;
  readonly disk: Disk;
  readonly sink: MemoryEventSink;
  readonly evidence: MemoryEvidenceStore;
  readonly notifier: MemoryNotifier;
  readonly prober: MemoryProber;
  readonly filesystem: MemoryFilesystem;
  readonly models: ModelClient;
  /** The policy folder when it was last in order, and as it is now. */
  readonly policies: { readonly lastGood: readonly object[]; readonly now: readonly object[] };
  readonly protectedContainers: (fleet: Fleet) => ReadonlyMap<string, string>;
  /** A name for the journal, should it be the first, or have to be renewed. */
  readonly newJournalId: () => string;
  /** An answer that a tool gives without having done anything. */
  readonly lie: (request: ActionCall) => ActionResult | undefined;
  readonly witness: RunWitness;
}

/** Sees what this run does. Nothing is told of what the dead do. */
export interface RunWitness {
  opened(run: SentinelRun, journal: OperatorJournal): Promise<void>;
  /** Its older segments were checked, too. */
  verified(journal: OperatorJournal): void;
  recorded(records: Parameters<Parameters<OperatorJournal['subscribe']>[0]>[0]): void;
  called(request: ActionCall): void;
  undoing(intent: string, how: 'recover' | 'settle'): void;
  ended(intent: string, result: ActionResult): void;
  warned(message: string, cause: unknown): void;
  died(): void;
  failed(error: unknown): void;
}

/**
 * Sentinel from one start to its end: the operator's own parts, composed as `main.ts` does, on a
 * host that is simulated.
 */
export class SentinelRun {
  readonly life: Life;
  readonly #around: Surroundings;
  journal: OperatorJournal | undefined;
  controller: Controller | undefined;
  policies: MemoryPolicySource | undefined;
  commands: OperatorCommands | undefined;
  #outbox: Outbox | undefined;
  #notifications: AsyncDisposable | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.life = new Life(() => around.witness.died());
  }

  /** Starts it, and lets it go: nobody waits for a process. */
  begin(): void {
    this.#boot().catch((error: unknown) => {
      if (this.life.isOver) return;
      this.#around.witness.failed(error);
      this.life.end();
    });
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    await this.controller?.stop('SIGTERM');
    await this.#notifications?.[Symbol.asyncDispose]();
    await this.#outbox?.close();
    await this.journal?.close();
    this.life.end();
  }

  async #boot(): Promise<void> {
    const { life } = this;
    const { disk, sink, witness, newJournalId } = this.#around;
    const clock = mortalClock(this.#around.clock, life);
    const onWarning = (message: string, cause: unknown) => {
      if (!life.isOver) witness.warned(message, cause);
    };
    const journal = await openJournal({
      storage: disk.seenBy(life),
      clock,
      reducer: operatorReducer,
      started: { version: 'simulated', host: HOST, mode: 'Policy' },
      newJournalId: newJournalId(),
      yieldToLoop: () => Promise.resolve(),
      options: { hasOutbox: true, segmentBytesMax: SEGMENT_BYTES },
      events: { onWarning },
    });
    this.journal = journal;
    await witness.opened(this, journal);
    journal.subscribe((records) => {
      if (!life.isOver) witness.recorded(records);
    });

    this.#outbox = startOutbox({
      journal,
      sink: mortal(sink, life),
      clock,
      reducer: operatorReducer,
      host: HOST,
      project: projectForSink,
      onCursorAhead: () => journal.renew(newJournalId()),
      events: { onWarning },
    });
    const policies = this.#openPolicies();
    this.policies = policies;
    this.#notifications = startNotifications({
      journal,
      clock,
      notifiers: [{ name: 'hook', notifier: mortal(this.#around.notifier, life), level: 'all' }],
      notifiersOf: () => ['hook'],
      events: { onWarning },
    });
    const controller = this.#createController(journal, policies, onWarning);
    this.controller = controller;
    this.commands = createOperatorCommands({
      append: (drafts, how) => journal.append(drafts, how),
      world: () => controller.worlds().build(),
      enqueue: (key) => controller.enqueue(key),
    });
    controller.start();
    await journal.verified;
    if (!life.isOver) witness.verified(journal);
  }

  #createController(
    journal: OperatorJournal,
    policies: MemoryPolicySource,
    onWarning: (message: string, cause: unknown) => void,
  ): Controller {
    const { life } = this;
    const { openDocker, prober, filesystem, evidence, models, protectedContainers } = this.#around;
    const docker = mortal(
      openDocker(() => !life.isOver),
      life,
    );
    return new Controller({
      runtime: docker,
      actions: this.#actions(docker),
      signals: { prober: mortal(prober, life), filesystem: mortal(filesystem, life) },
      models: mortal(models, life),
      policies,
      journal,
      evidence: mortal(evidence, life),
      clock: mortalClock(this.#around.clock, life),
      host: HOST,
      mac: (text) => `mac:${text.length}`,
      shadowAll: false,
      maxActions: MAX_ACTIONS,
      protectedContainers,
      resolveSecrets: (args) => ({ ok: true, arguments: args }),
      listener: { onWarning },
    });
  }

  #openPolicies(): MemoryPolicySource {
    const { lastGood, now } = this.#around.policies;
    const context = { tool: builtinTool, builtinTools: BUILTIN_TOOL_NAMES };
    const policies = createMemoryPolicySource(lastGood, context);
    policies.set(now);
    return policies;
  }

  #actions(docker: Docker): ActionRunner {
    const { life } = this;
    const { witness, lie } = this.#around;
    const clock = mortalClock(this.#around.clock, life);
    const actions = createBuiltinActions({ runtime: docker, operations: docker, clock });
    const runner = createMemoryActionRunner({ actions, clock });
    const heard = async (result: Promise<ActionResult>): Promise<ActionResult> => {
      const ended = await result;
      return life.cross() ? ended : never();
    };
    const seen = async (intent: string, result: Promise<ActionResult>): Promise<ActionResult> => {
      const ended = await heard(result);
      witness.ended(intent, ended);
      return ended;
    };
    return {
      readiness: (tool) => runner.readiness(tool),
      call: (request, signal) => {
        if (!life.cross()) return never();
        // What only reads needs no intent, and gives none of its containers away.
        if (builtinTool(request.tool)?.readOnly === true)
          return heard(runner.call(request, signal));
        witness.called(request);
        const lied = lie(request);
        const result = lied === undefined ? runner.call(request, signal) : Promise.resolve(lied);
        return seen(request.intentId, result);
      },
      recover: (intent, signal) => {
        if (!life.cross()) return never();
        witness.undoing(intent, 'recover');
        return seen(intent, runner.recover(intent, signal));
      },
      settle: (intent, signal) => {
        if (!life.cross()) return never();
        witness.undoing(intent, 'settle');
        return seen(intent, runner.settle(intent, signal));
      },
    };
  }
}
