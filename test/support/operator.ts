import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createMemoryActionRunner } from '#adapters/memory/memory-action-runner.ts';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import {
  createMemoryEvidenceStore,
  type MemoryEvidenceStore,
} from '#adapters/memory/memory-evidence-store.ts';
import {
  createMemoryJournalStorage,
  type MemoryJournalStorage,
} from '#adapters/memory/memory-journal-storage.ts';
import { createMemoryPolicySource } from '#adapters/memory/memory-policy-source.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { Controller, type ControllerOptions } from '#controller/controller.ts';
import { openJournal } from '#controller/journal/journal.ts';
import { type OperatorJournal, operatorReducer } from '#controller/journal-state.ts';
import {
  type Notifications,
  type NotifierEntry,
  startNotifications,
} from '#controller/notifications.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import type { ActionCall, ActionRunner } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient } from '#ports/model-client.ts';
import { Life, mortal, mortalClock } from '#simulation/life.ts';

export interface OperatorOptions {
  readonly clock?: VirtualClock;
  readonly engine?: MemoryEngine;
  readonly storage?: MemoryJournalStorage;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where evidence from before an action goes; in memory unless given. */
  readonly evidence?: MemoryEvidenceStore;
  /** Who is told; nobody unless given. */
  readonly notifiers?: readonly NotifierEntry[];
  /** Collects signals with these; without them there are none. */
  readonly signals?: ControllerOptions['signals'];
  /** Most actions on the host; 10 in 10 minutes unless given. */
  readonly maxActions?: ControllerOptions['maxActions'];
  /** Whether files of secrets are read; they are unless told otherwise. */
  readonly readSecretFiles?: boolean;
  /** Answers what policies ask of models; without it there are none. */
  readonly models?: (clock: Clock) => ModelClient;
  /** Text of the Compose file that policies name; none unless given. */
  readonly composeFile?: string;
}

/**
 * The whole operator on adapters in memory and a clock that the test moves: the real controller,
 * core, journal and tools. `kill` leaves it as a SIGKILL would; another one may then be opened on
 * the same engine and storage.
 */
export class MemoryOperator {
  readonly clock: VirtualClock;
  readonly life: Life;
  readonly engine: MemoryEngine;
  readonly storage: MemoryJournalStorage;
  readonly evidence: MemoryEvidenceStore;
  readonly warnings: string[] = [];
  /** What was called, in order. */
  readonly calls: ActionCall[] = [];
  readonly actions: ActionRunner;
  readonly policies: ReturnType<typeof createMemoryPolicySource>;
  readonly journal: OperatorJournal;
  readonly controller: Controller;
  readonly notifications: Notifications;
  readonly records: JournalRecord[] = [];

  private constructor(
    parts: Pick<MemoryOperator, 'clock' | 'engine' | 'storage' | 'journal' | 'life'>,
    policies: readonly object[],
    options: OperatorOptions,
  ) {
    const { signals, models, composeFile, notifiers = [], readSecretFiles = true } = options;
    const { evidence = createMemoryEvidenceStore() } = options;
    const { journal, life } = parts;
    const clock = mortalClock(parts.clock, life);
    const engine = mortal(parts.engine, life);
    this.life = life;
    this.clock = parts.clock;
    this.engine = parts.engine;
    this.storage = parts.storage;
    this.evidence = evidence;
    this.journal = journal;
    const builtin = createBuiltinActions({ runtime: engine, operations: engine, clock });
    const runner = createMemoryActionRunner({ actions: builtin, clock });
    this.actions = {
      ...runner,
      call: (request, signal) => {
        this.calls.push(request);
        return runner.call(request, signal);
      },
    };
    this.policies = createMemoryPolicySource(policies, {
      tool: builtinTool,
      builtinTools: BUILTIN_TOOL_NAMES,
    });
    const [problem] = this.policies.current().problems;
    if (problem !== undefined) throw new Error(`${problem.path}: ${problem.message}`);
    journal.subscribe((records) => this.records.push(...records));
    this.notifications = startNotifications({
      journal,
      clock,
      notifiers,
      notifiersOf: (name) =>
        this.policies.current().policies.find((policy) => policy.name === name)?.spec.notify ?? [],
      events: {
        onWarning: (message, cause) => this.warnings.push(`${message}: ${String(cause)}`),
      },
    });
    this.controller = new Controller({
      runtime: engine,
      actions: this.actions,
      ...(signals === undefined ? {} : { signals }),
      ...(models === undefined ? {} : { models: models(clock) }),
      ...(composeFile === undefined ? {} : { composeFileOf: async () => composeFile }),
      policies: this.policies,
      journal,
      evidence,
      clock,
      host: 'box',
      mac: (text) => createHash('sha256').update(text).digest('hex'),
      shadowAll: false,
      maxActions: options.maxActions ?? { max: 10, perMs: 600_000 },
      protectedContainers: () => new Map(),
      resolveSecrets: (args) => ({ ok: true, arguments: args }),
      readSecretFiles,
      listener: {
        onWarning: (message, cause) => this.warnings.push(`${message}: ${String(cause)}`),
      },
    });
  }

  /** Opens and starts it, and lets it look at everything once. */
  static async open(
    policies: readonly object[],
    options: OperatorOptions = {},
  ): Promise<MemoryOperator> {
    const clock = options.clock ?? new VirtualClock();
    const engine = options.engine ?? new MemoryEngine(clock);
    const storage = options.storage ?? createMemoryJournalStorage();
    const life = new Life();
    const journal = await clock.run(
      openJournal({
        storage: mortal(storage, life),
        clock: mortalClock(clock, life),
        reducer: operatorReducer,
        started: { version: 'test', host: 'box', mode: 'Policy' },
        newJournalId: 'journal',
        yieldToLoop: () => setImmediate(),
      }),
    );
    const parts = { clock, engine, storage, journal, life };
    const operator = new MemoryOperator(parts, policies, options);
    operator.controller.start();
    await clock.advance(100);
    return operator;
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  types(): string[] {
    return this.records.map(({ type }) => type);
  }

  incidents(): Incident[] {
    return Object.values(this.journal.state().incidents);
  }

  /** Ends it as SIGKILL does: at whatever it awaits, nothing more comes of it. */
  kill(): void {
    this.life.end();
  }

  async stop(): Promise<void> {
    await this.clock.run(this.controller.stop('test'));
    await this.clock.run(this.notifications.close());
    await this.clock.run(this.journal.close());
  }
}
