import type { RawLogLine } from '#core/diagnosis/evidence-text.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Governing } from '#core/policy/select.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import type { JsonObject } from '#lib/json.ts';
import type { ToolDescription } from './tools.ts';

/** Whether a tool may be called; the reason is what its server said or lacks. */
export type Readiness =
  | { readonly ready: true }
  | { readonly ready: false; readonly reason: string; readonly message: string };

/**
 * Everything that a decision may look at, at one instant. A decision is a function of this and of
 * nothing else; the shell puts it together afresh for every reconcile.
 */
export interface World {
  /** Controller time. */
  readonly nowMs: number;
  /** Wall clock, for cron windows only. */
  readonly wallMs: number;
  readonly state: OperatorState;
  readonly policies: readonly CompiledPolicy[];
  readonly views: ReadonlyMap<WorkloadKey, WorkloadView>;
  /** Which policy governs a workload, or why none does. */
  readonly governing: (key: WorkloadKey) => Governing<CompiledPolicy>;
  /** The workload that a container is, by id or name; `undefined`: no such container. */
  readonly workloadOf: (container: string) => WorkloadKey | undefined;
  /** Containers that must never be acted on: id → what they are (`Sentinel itself`, `its Redis`). */
  readonly protected: ReadonlyMap<string, string>;
  /** After a restart of the daemon or amid missed events, until when everything is left to settle. */
  readonly settlingUntilMs?: number;
  readonly journalAvailable: boolean;
  /** `--mode-override Shadow` or AUTO_HEAL_ENABLED=false: nothing is executed, whatever policies say. */
  readonly shadowAll: boolean;
  /** Most intents on this host, above all policies. */
  readonly maxActions: { readonly max: number; readonly perMs: number };
  /** Rises when the policy's digest changes. */
  readonly generationOf: (policy: string) => number;
  /** HMAC of a canonical text with the secret of this data directory, hex. */
  readonly mac: (text: string) => string;
  /** The first `$secret` of these arguments that is not set. */
  readonly missingSecret: (args: JsonObject) => string | undefined;
  /**
   * The newest lines of its workload's log that were fetched for this bout of an incident, raw, oldest
   * first; `undefined` while there are none.
   */
  readonly logOf?: (incident: Incident) => readonly RawLogLine[] | undefined;
  readonly tool: (name: string) => ToolDescription | undefined;
  readonly readiness: (tool: string) => Readiness;
}
