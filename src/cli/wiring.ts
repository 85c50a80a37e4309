import type { JournalRecord } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { CompiledPolicySet } from '#core/policy/compile.ts';
import type { DoctorProbes } from './doctor-probes.ts';

/** What `run` takes on its command line. */
export interface RunFlags {
  readonly policies?: string;
  readonly data?: string;
  readonly config?: string;
  readonly modeOverride?: 'Shadow';
  readonly once?: boolean;
}

export interface LoadedPolicies extends CompiledPolicySet {
  readonly files: number;
}

export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export interface JournalVerdict {
  readonly ok: boolean;
  readonly records: number;
  readonly segments: number;
  readonly problems: readonly {
    readonly segment: string;
    readonly line: number;
    readonly seq: number;
    readonly what: string;
  }[];
  readonly problemCount: number;
  readonly prunedBefore?: ChainHead;
  readonly head: ChainHead | undefined;
  readonly cannotCover: readonly string[];
}

/** The first place at which a journal cannot be read. */
export interface JournalDamage {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** The record that should stand there. */
  readonly seq: number;
  readonly what: string;
}

/** A journal on disk, read without a lock and beside a Sentinel that may be writing it. */
export interface JournalArchive {
  /** Up to the head, or to damage; see `damage`. */
  records(fromSeq: number): AsyncIterable<JournalRecord>;
  /** Folded from the newest segment that can be, up to damage in it. */
  state(): Promise<OperatorState>;
  /** Where what was read so far ends before the journal does; `undefined` while nothing was found. */
  damage(): JournalDamage | undefined;
  verify(head?: ChainHead): Promise<JournalVerdict>;
}

/**
 * What the commands need of the adapters, which the entry point alone knows. Each member loads what
 * it needs when it is called: a command pays only for what it uses.
 */
export interface Wiring {
  run(flags: RunFlags): Promise<number>;
  /** @param config path of a SentinelConfig, for tools that are enabled and notifiers */
  loadPolicies(paths: readonly string[], config: string | undefined): Promise<LoadedPolicies>;
  /** @throws {CliError} there is no journal in the data directory */
  openJournal(dataDirectory: string): Promise<JournalArchive>;
  /** @throws {ConfigError} the environment or the SentinelConfig cannot be used */
  doctor(): Promise<DoctorProbes>;
  /** @param onResult called for each seed, in no order */
  simulate(options: SimulateOptions, onResult: (result: SimulatedSeed) => void): Promise<void>;
  mcp: McpWiring;
}

export interface SimulateOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Of trouble, on the simulated clock. */
  readonly hours: number;
  readonly workloads: number;
}

/** What became of one seed. */
export interface SimulatedSeed {
  readonly seed: number;
  readonly violations: readonly {
    readonly invariant: string;
    readonly message: string;
    /** What should have held. */
    readonly sentence: string;
  }[];
  /** What happened, to read: the end of it where it is long. */
  readonly timeline: readonly string[];
  /** Of all that happened: the same for the same seed, on any machine. */
  readonly hash: string;
  readonly records: number;
  readonly calls: number;
  readonly happenings: Readonly<Record<string, number>>;
}

export interface McpWiring {
  /** Ends when the client goes, or by a signal. @param onListening told the address, over HTTP */
  serve(options: McpServeOptions, onListening: (url: string) => void): Promise<void>;
  /** @param config path of a SentinelConfig */
  servers(config: string | undefined): Promise<readonly McpServerListing[]>;
  pin(options: PinOptions): Promise<readonly PinnedServer[]>;
}

export interface McpServeOptions {
  readonly transport: 'stdio' | 'http';
  readonly readOnly: boolean;
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
}

export interface McpServerListing {
  readonly name: string;
  /** `Ready`, or the reason why its tools may not be called. */
  readonly status: string;
  readonly message: string;
  readonly tools: readonly {
    /** `server/tool`, as policies name it. */
    readonly name: string;
    readonly summary: string;
    readonly readOnly: boolean;
    readonly reversible: boolean;
    readonly needsEnable: boolean;
    /** Calls of the Docker Engine API that it needs: `POST /containers/[^/]+/restart`. */
    readonly dockerPaths: readonly string[];
  }[];
}

export interface PinOptions {
  readonly config?: string;
  /** Path of the lock; beside the policies unless given. */
  readonly lock?: string;
  /** All but the built-in one when empty. */
  readonly servers: readonly string[];
}

export interface PinnedServer {
  readonly name: string;
  readonly tools: readonly string[];
  readonly lock: string;
}
