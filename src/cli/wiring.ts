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

/** A journal on disk, read without a lock and beside a Sentinel that may be writing it. */
export interface JournalArchive {
  /** @throws {JournalUnavailableError} a record is damaged */
  records(fromSeq: number): AsyncIterable<JournalRecord>;
  /** Folded from the newest segment. @throws {JournalUnavailableError} a record is damaged */
  state(): Promise<OperatorState>;
  verify(head?: ChainHead): Promise<JournalVerdict>;
}

export interface PinnedServer {
  readonly name: string;
  readonly tools: readonly string[];
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
  doctor(): Promise<DoctorProbes>;
  mcp: McpWiring;
}

export interface McpWiring {
  serve(options: {
    readonly transport: 'stdio' | 'http';
    readonly readOnly: boolean;
    readonly host: string;
    readonly port: number;
    readonly tokenFile?: string;
  }): Promise<number>;
  /** Tools of the built-in server, and of those in a SentinelConfig. */
  tools(config: string | undefined): Promise<readonly McpToolListing[]>;
  /** Writes the pins of the servers. @returns what was pinned */
  pin(options: {
    readonly config: string;
    readonly lock: string;
    readonly servers: readonly string[];
  }): Promise<readonly PinnedServer[]>;
}

export interface McpToolListing {
  readonly name: string;
  readonly readOnly: boolean;
  readonly reversible: boolean;
  readonly needsEnable: boolean;
  readonly summary: string;
  /** Calls of the Docker Engine API that it needs, `POST /containers/[^/]+/restart`. */
  readonly dockerPaths: readonly string[];
}
