import type { Registry } from 'prom-client';
import type { JournalRecord } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { World } from '#core/remediation/world.ts';
import type { ModelClient } from '#ports/model-client.ts';
import type { PolicySet } from '#ports/policy-source.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { ApiToken } from './tokens.ts';

/** What the API reads of the journal; the journal itself fits. */
export interface JournalReading {
  read(fromSeq: number): AsyncIterable<JournalRecord>;
  head(): { readonly seq: number; readonly hash: string };
  oldestSeq(): number;
  isAvailable(): boolean;
  unavailableReason(): string | undefined;
}

/** What decides whether Sentinel is ready. */
export interface ReadinessFacts {
  /** Everything was listed once, and intents that a crash left open are ended. */
  readonly synced: boolean;
  /** Milliseconds since a reconcile last ended well; `undefined` before the first. */
  readonly sinceLastReconcileMs: number | undefined;
  readonly dockerUp: boolean;
}

export interface HttpSources {
  state(): OperatorState;
  /** Everything that a decision would see now. */
  world(): World;
  readonly journal: JournalReading;
  policies(): PolicySet;
  /** Language models; absent: nothing asks any here. */
  readonly models?: Pick<ModelClient, 'readiness'>;
  readonly registry: Registry;
  readiness(): ReadinessFacts;
}

/** What an operator may order; each answer comes when the order is on record, durably. */
export interface OperatorCommands {
  pause(order: PauseOrder, actor: string): Promise<CommandResult>;
  resume(order: ResumeOrder, actor: string): Promise<CommandResult>;
  approve(order: ApprovalOrder, actor: string): Promise<CommandResult>;
  deny(order: DenialOrder, actor: string): Promise<CommandResult>;
}

export type PauseScope = 'all' | 'policy' | 'workload';
export interface ResumeOrder {
  readonly scope: PauseScope;
  /** Policy name or workload key; empty for `all`. */
  readonly name: string;
  readonly reason: string;
}
export interface PauseOrder extends ResumeOrder {
  /** Absent: until it is resumed. */
  readonly forMs?: number;
}
export interface ApprovalOrder {
  readonly incident: string;
  readonly candidate: string;
  /** Id of the container that was looked at: another one needs another approval. */
  readonly container: string;
}
export interface DenialOrder {
  readonly incident: string;
  readonly candidate: string;
  readonly reason: string;
}

export type CommandResult =
  | { readonly ok: true; readonly seq: number }
  | {
      readonly ok: false;
      readonly why: 'NotFound' | 'Conflict' | 'Unavailable';
      readonly message: string;
    };

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly auth: {
    readonly tokens: readonly ApiToken[];
    /** Further names (`host` or `host:port`) that requests may be for; loopback names always are. */
    readonly allowedHosts?: readonly string[];
  };
  readonly sources: HttpSources;
  readonly commands: OperatorCommands;
  readonly version: string;
  readonly log: Logger;
}
