/**
 * What Sentinel throws: conditions that the caller cannot decide on. What a caller must decide on
 * (a refused action, an invalid policy) is returned instead.
 */
export abstract class SentinelError extends Error {
  /** Stable and documented: metric label, log field, CLI exit reason. `message` is for people. */
  abstract readonly code: `SENTINEL_${string}`;
  /** Whether the same call may succeed later without anybody changing anything. */
  abstract readonly retryable: boolean;
}

/** The container engine gave no usable answer: away, too slow, or talking nonsense. */
export class RuntimeUnavailableError extends SentinelError {
  override readonly name = 'RuntimeUnavailableError';
  readonly code = 'SENTINEL_RUNTIME_UNAVAILABLE';
  readonly retryable = true;
}

/** The engine, or a socket proxy before it, answered 403. */
export class RuntimeForbiddenError extends SentinelError {
  override readonly name = 'RuntimeForbiddenError';
  readonly code = 'SENTINEL_RUNTIME_FORBIDDEN';
  readonly retryable = false;
}

/** The engine knows no container of this id: it was removed or recreated. */
export class ContainerGoneError extends SentinelError {
  override readonly name = 'ContainerGoneError';
  readonly code = 'SENTINEL_CONTAINER_GONE';
  readonly retryable = false;
}

/** The engine understood the operation and said no; the message holds its words. */
export class OperationRefusedError extends SentinelError {
  override readonly name = 'OperationRefusedError';
  readonly code = 'SENTINEL_OPERATION_REFUSED';
  readonly retryable = false;
}

/** The container's log driver cannot be read. */
export class LogsUnavailableError extends SentinelError {
  override readonly name = 'LogsUnavailableError';
  readonly code = 'SENTINEL_LOGS_UNAVAILABLE';
  readonly retryable = false;
}

/** A probe has no way to its target: nothing is found out about the service. */
export class ProbeUnroutableError extends SentinelError {
  override readonly name = 'ProbeUnroutableError';
  readonly code = 'SENTINEL_PROBE_UNROUTABLE';
  readonly retryable = true;
}

/** The journal is damaged or cannot be written: nothing may be done. */
export class JournalUnavailableError extends SentinelError {
  override readonly name = 'JournalUnavailableError';
  readonly code = 'SENTINEL_JOURNAL_UNAVAILABLE';
  readonly retryable = true;
}

/** Another Sentinel holds the data directory. */
export class DataDirectoryLockedError extends SentinelError {
  override readonly name = 'DataDirectoryLockedError';
  readonly code = 'SENTINEL_DATA_LOCKED';
  readonly retryable = false;
}

/** Evidence could not be kept: what it stands for goes on without it. */
export class EvidenceUnavailableError extends SentinelError {
  override readonly name = 'EvidenceUnavailableError';
  readonly code = 'SENTINEL_EVIDENCE_UNAVAILABLE';
  readonly retryable = true;
}

/** The place that incidents are published to cannot be reached. */
export class SinkUnavailableError extends SentinelError {
  override readonly name = 'SinkUnavailableError';
  readonly code = 'SENTINEL_SINK_UNAVAILABLE';
  readonly retryable = true;
}

/** Environment or configuration that Sentinel cannot run with. */
export class ConfigError extends SentinelError {
  override readonly name = 'ConfigError';
  readonly code = 'SENTINEL_CONFIG_INVALID';
  readonly retryable = false;
}
