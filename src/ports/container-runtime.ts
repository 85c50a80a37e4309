import type { RawSample, SampleGroup } from '#core/health/sample.ts';
import type { SecretFile } from '#core/redaction/secret-files.ts';
import type { ContainerSummary, ObservedContainer } from '#core/workload/container.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';

export interface EngineInfo {
  /** The engine's own id: two endpoints with one id are the same engine. */
  readonly engineId: string;
  /** The daemon's hostname. */
  readonly hostname: string;
  readonly serverVersion: string;
  /** The version that was negotiated for every call. */
  readonly apiVersion: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly cgroupVersion: 1 | 2;
  /** The daemon's wall clock, epoch milliseconds. */
  readonly systemTimeMs: number;
}

export interface LogLine {
  /** Nanosecond timestamp by the daemon, RFC 3339: where a broken follow is resumed. */
  readonly timestamp: string;
  readonly stream: 'stdout' | 'stderr';
  /** Without the line break, capped at `maxLineBytes`. Raw text of the container: hostile. */
  readonly text: string;
  /** True when the cap cut the line. */
  readonly truncated: boolean;
}

export interface LogQuery {
  readonly tty: boolean;
  /** Only lines after this timestamp (RFC 3339, nanoseconds); exclusive. Absent: from the start. */
  readonly after?: string;
  /** At most this many of the newest lines before following; absent: all. */
  readonly tail?: number;
  /** Ends when the container stops, or with `signal`. Without it the call ends at the last line. */
  readonly follow: boolean;
}

export interface SecretFilesRead {
  /** For redaction alone: the texts belong nowhere else. */
  readonly files: readonly SecretFile[];
  /** What of them is not known and was expected to be, for people; without a word of what is in them. */
  readonly problems: readonly string[];
}

/**
 * Reading side of one container engine. No call changes anything. Every call is bounded by the
 * adapter's own timeout as well as by `signal`; the streams (`events`, a following `logs`) are not.
 *
 * All methods throw {@link RuntimeUnavailableError} when the engine gives no usable answer, and
 * {@link RuntimeForbiddenError} when it (or a proxy before it) answers 403.
 */
export interface ContainerRuntime {
  /** Also renegotiates the API version: called first, and again after every reconnect. */
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** Every container, running or not. */
  list(signal: AbortSignal): Promise<readonly ContainerSummary[]>;
  /**
   * Reads one container's live state from the daemon, never from a cache.
   *
   * @param ref id or name
   * @returns `undefined` when the container is gone: an ordinary answer, not an error
   */
  inspect(ref: string, signal: AbortSignal): Promise<ObservedContainer | undefined>;
  /**
   * Reads the files that hold secrets of a container, running or not. Bounded in number and size: what
   * is too large, no text, no plain file, absent, or forbidden to be read is left out.
   *
   * @param container where they are is in its `secretFiles`
   */
  readSecretFiles(container: ObservedContainer, signal: AbortSignal): Promise<SecretFilesRead>;
  /**
   * Events from now on. `onOpen` is called once the daemon has accepted the stream; it ends when the
   * daemon closes it and throws when it breaks.
   */
  events(
    options: { readonly onOpen: () => void },
    signal: AbortSignal,
  ): AsyncIterable<RuntimeEvent>;
  /**
   * What the daemon still has of the past, in order: a few hundred events at most, none from before
   * its own start.
   *
   * @param sinceNano decimal nanoseconds on the daemon's clock, inclusive
   * @param untilMs epoch milliseconds on the daemon's clock; the answer comes when that has passed
   */
  pastEvents(
    sinceNano: string,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<readonly RuntimeEvent[]>;
  /**
   * Since when the daemon has forgotten no event, decimal nanoseconds on its clock: it keeps a few
   * hundred of all kinds, health checks make three each, and none outlives its own restart.
   */
  eventsKeptSince(signal: AbortSignal): Promise<string>;
  /**
   * @param wanted parts that are needed; others may be left out. All unless given
   * @returns `undefined` when the container is gone, not running, or has no sample yet
   */
  sample(
    container: ObservedContainer,
    signal: AbortSignal,
    wanted?: ReadonlySet<SampleGroup>,
  ): Promise<RawSample | undefined>;
  /** @throws {LogsUnavailableError} the log driver cannot be read (Docker answers 501) */
  logs(id: string, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine>;
}
