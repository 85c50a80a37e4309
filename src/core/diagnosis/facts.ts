import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';

/** What an inspect says that a diagnosis looks at. */
export type ContainerFacts = Pick<
  ObservedContainer,
  | 'state'
  | 'exitCode'
  | 'oomKilled'
  | 'error'
  | 'limits'
  | 'readOnlyRootFilesystem'
  | 'envNames'
  | 'shares'
  | 'startedAtMs'
> & { readonly health?: ObservedContainer['health'] };

/** A workload that this one cannot work without, and that does not work. */
export interface FailingDependency {
  /** Its key, or the name of a service that has no container. */
  readonly name: WorkloadKey;
  /** `exited`, `unhealthy`, `missing`, … */
  readonly state: string;
  /** Keys in between, nearest first; empty when it is a direct dependency. */
  readonly by: readonly WorkloadKey[];
  /** All that lie between say that they are well, so it may not matter here. */
  readonly behindHealthy: boolean;
}

/** A difference between the container and the one that it replaced, or its creation alone. */
export interface Change {
  readonly what: 'image' | 'env' | 'config' | 'limits' | 'deploy';
  /** How long before the trouble began, in milliseconds. */
  readonly beforeMs: number;
  /** Names of variables that came or went; image references; empty when there is nothing to add. */
  readonly detail: string;
}

/** Where a text comes from: the first is Docker's own, the others are the container's. */
export type TextSource = 'error' | 'probe' | 'log';

/**
 * Everything that a diagnosis looks at. Texts are redacted and cleaned, one line each, oldest first:
 * what a container writes is not to be trusted, so nothing in here that is text proves anything.
 */
export interface DiagnosisFacts {
  readonly container?: ContainerFacts;
  /** The exit that belongs to this trouble. */
  readonly exit?: { readonly code: number; readonly byPerson: boolean };
  /** The kernel killed a process of the container in this trouble. */
  readonly oom: boolean;
  /** Signals that speak for the incident, of thresholds and of the inspect. */
  readonly signals: readonly string[];
  /** Numbers that are known right now: ratios from 0 to 1. */
  readonly gauges: Readonly<
    Partial<Record<'cpu.utilization' | 'cpu.throttled' | 'pids.utilization', number>>
  >;
  /** How long the container ran when the trouble began; absent when it did not run. */
  readonly ranMs?: number;
  readonly dependency?: FailingDependency;
  readonly changes: readonly Change[];
  /** The engine was restarted, or lost from sight, a moment ago. */
  readonly engineSettles: boolean;
  /** Workloads that began to fail at about the same time, this one among them, of all watched. */
  readonly together: { readonly failing: number; readonly of: number };
  readonly texts: Readonly<Partial<Record<TextSource, readonly string[]>>>;
}

/** Something that a rule found, to be kept as evidence: counts and words of ours, never text. */
export interface FoundFact {
  readonly signal: string;
  readonly value: string | number | boolean | null;
  readonly note?: string;
}

/** What a rule says. */
export interface Finding {
  /** PascalCase; see the catalogue. */
  readonly cause: string;
  readonly explanation: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** Signals of evidence that the incident has. */
  readonly cites: readonly string[];
  /** Evidence that it does not have yet. */
  readonly adds?: readonly FoundFact[];
  /** Tools that may help, the best first: one that the policy uses is suggested. */
  readonly remedies?: readonly string[];
}

/** A rule in code: finds one cause in facts, or nothing. */
export type Rule = (facts: DiagnosisFacts) => Finding | undefined;

export function isAbout({ signals }: DiagnosisFacts, ...prefixes: readonly string[]): boolean {
  return signals.some((signal) => prefixes.some((prefix) => signal.startsWith(prefix)));
}
