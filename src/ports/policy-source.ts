import type { CompiledPolicy, PolicyProblem } from '#core/policy/compile.ts';

/** The policies in force. A set is loaded as a whole or not at all. */
export interface PolicySet {
  /**
   * In alphabetical order. After a failed load these are still the last good ones; before the first
   * good one there are none.
   */
  readonly policies: readonly CompiledPolicy[];
  /** Errors of the last attempt; empty when it succeeded. */
  readonly problems: readonly PolicyProblem[];
  /** Doubts of the last attempt. */
  readonly warnings: readonly PolicyProblem[];
  /**
   * Which version of a policy this is: it rises by one with each change of its digest, from 1 when
   * the source was opened, also when the policy was gone in between.
   *
   * @returns 0 for a policy that was never there
   */
  generationOf(name: string): number;
  /**
   * `main@sha1:…`, with `+dirty` where the files differ from the commit; empty outside a git
   * checkout, and before the first good load.
   */
  readonly lastAppliedRevision: string;
  readonly lastAttemptedRevision: string;
  /** Whether the last attempt succeeded. */
  readonly loadedOk: boolean;
  /**
   * Whether any set was ever loaded. Until then nobody knows what people want: `policies` is empty,
   * and nothing may be decided by it.
   */
  readonly isKnown: boolean;
  /**
   * Set while the last good set of an earlier run is in force, because none could be loaded since:
   * when it came into force, ISO 8601.
   */
  readonly keptSince?: string;
}

/** Where policies come from. */
export interface PolicySource extends AsyncDisposable {
  /** Never waits. The same object until something changes. */
  current(): PolicySet;
  /** Reads everything anew, and resolves with what then is current. Never rejects. */
  reload(): Promise<PolicySet>;
  /**
   * Calls back after each load that changed what is current (policies, problems or revision).
   *
   * @returns stops the calls
   */
  onChange(callback: (set: PolicySet) => void): () => void;
}
