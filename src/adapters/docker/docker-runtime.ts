import { LogsUnavailableError, RuntimeUnavailableError } from '#core/errors.ts';
import type { RawSample } from '#core/health/sample.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine, LogQuery } from '#ports/container-runtime.ts';
import { containerPath, isContainerRef, readBody } from './answers.ts';
import { compareVersions } from './api-version.ts';
import { createCgroupSource } from './cgroup-source.ts';
import type { DockerConnection } from './connection.ts';
import { EVENT_FILTERS, keptSince, parseEvent } from './events.ts';
import { parseInfo } from './info-body.ts';
import { parseInspect } from './inspect-body.ts';
import { createLineSplitter, type RawLine } from './lines.ts';
import { parseListing } from './listing-body.ts';
import { createLogAssembler } from './log-lines.ts';
import { formatSince, parseNanos } from './rfc3339.ts';
import { readSecretFiles } from './secret-files.ts';
import { parseStats } from './stats-body.ts';

export interface DockerRuntimeOptions {
  readonly connection: DockerConnection;
  /** Stamps the samples: their `atMs` are boot milliseconds. */
  readonly clock: Pick<Clock, 'bootMs'>;
  /**
   * Where the host's `proc` and `sys/fs/cgroup` are found; default `/`. Containers whose files are
   * not visible there are asked for through the stats API.
   */
  readonly hostRoot?: string;
  /** Longer log lines are cut. Default 16 KiB. */
  readonly logLineBytesMax?: number;
}

const LOG_LINE_BYTES_MAX = 16 * 2 ** 10;
/** An event carries all labels of its container. */
const EVENT_BYTES_MAX = 2 ** 20;
/** The engine version that takes a sample without waiting for a second one. */
const ONE_SHOT_SINCE = '1.41';

/** The reading side of one Docker (or Podman) engine. */
export function createDockerRuntime(options: DockerRuntimeOptions): ContainerRuntime {
  const { connection, clock, logLineBytesMax = LOG_LINE_BYTES_MAX } = options;
  const cgroups = createCgroupSource(options);
  const get = (path: string, query: Readonly<Record<string, string>>, signal: AbortSignal) =>
    connection.request({ method: 'GET', path, query }, signal);

  return {
    async info(signal) {
      const version = await connection.negotiate(signal);
      const answer = await connection.request({ method: 'GET', path: '/info' }, signal);
      return readBody(answer, connection, '/info', (body) => parseInfo(body, version));
    },
    async list(signal) {
      const answer = await get('/containers/json', { all: '1' }, signal);
      return readBody(answer, connection, '/containers/json', parseListing);
    },
    async inspect(ref, signal) {
      if (!isContainerRef(ref)) return undefined;
      const path = containerPath(ref, '/json');
      const answer = await connection.request({ method: 'GET', path }, signal);
      return answer.status === 404 ? undefined : readBody(answer, connection, path, parseInspect);
    },
    readSecretFiles: (container, signal) => readSecretFiles(connection, container, signal),
    async *events({ onOpen }, signal) {
      const chunks = await openEvents(connection, { filters: EVENT_FILTERS }, signal);
      onOpen();
      yield* readEvents(connection, chunks);
    },
    async pastEvents(sinceNano, untilMs, signal) {
      const span = {
        filters: EVENT_FILTERS,
        // Docker replays what is later than `since`.
        since: formatSince(BigInt(sinceNano) - 1n),
        until: formatSince(BigInt(Math.ceil(untilMs)) * 1_000_000n),
      };
      const chunks = await openEvents(connection, span, signal);
      return Array.fromAsync(readEvents(connection, chunks));
    },
    async eventsKeptSince(signal) {
      const { systemTimeMs } = await this.info(signal);
      const span = { since: '1', until: formatSince(BigInt(systemTimeMs) * 1_000_000n) };
      const splitter = createLineSplitter(EVENT_BYTES_MAX);
      let oldest: string | undefined;
      for await (const chunk of await openEvents(connection, span, signal)) {
        for (const { bytes } of splitter.push(chunk)) {
          if (bytes.length > 0) oldest ??= bytes.toString();
        }
      }
      return keptSince(oldest);
    },
    async sample(container, signal, wanted) {
      if (container.state !== 'running' && container.state !== 'paused') return undefined;
      return cgroups.sample(container, wanted) ?? sampleByApi(connection, clock, container, signal);
    },
    logs: (id, query, signal) =>
      readLogs(connection, id, { ...query, lineBytesMax: logLineBytesMax }, signal),
  };
}

async function openEvents(
  connection: DockerConnection,
  span: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AsyncIterable<Buffer>> {
  const opened = await connection.open({ method: 'GET', path: '/events', query: span }, signal);
  if (!('chunks' in opened)) throw refused(connection, '/events', opened);
  return opened.chunks;
}

async function* readEvents(
  connection: DockerConnection,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<RuntimeEvent> {
  const splitter = createLineSplitter(EVENT_BYTES_MAX);
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) {
      const event = readEvent(connection, line);
      if (event !== undefined) yield event;
    }
  }
}

function readEvent(connection: DockerConnection, line: RawLine): RuntimeEvent | undefined {
  if (line.bytes.length === 0 || line.cut) return undefined;
  try {
    return parseEvent(line.bytes.toString());
  } catch (cause) {
    throw new RuntimeUnavailableError(`${connection.label} /events: no usable event`, { cause });
  }
}

async function sampleByApi(
  connection: DockerConnection,
  clock: Pick<Clock, 'bootMs'>,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<RawSample | undefined> {
  const { startedAtMs } = container;
  if (startedAtMs === undefined) return undefined;
  const version = await connection.version(signal);
  const oneShot = compareVersions(version, ONE_SHOT_SINCE) >= 0;
  const path = containerPath(container.id, '/stats');
  const query = { stream: 'false', ...(oneShot && { 'one-shot': 'true' }) };
  const answer = await connection.request({ method: 'GET', path, query }, signal);
  if (answer.status === 404) return undefined;
  const at = { atMs: clock.bootMs(), startedAtMs };
  return readBody(answer, connection, path, (body) => parseStats(body, at));
}

interface LogRequest extends Omit<LogQuery, 'after'> {
  /** Epoch nanoseconds, exclusive. */
  readonly after: bigint | undefined;
  readonly lineBytesMax: number;
}

async function* readLogs(
  connection: DockerConnection,
  id: string,
  query: LogQuery & { readonly lineBytesMax: number },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const after = query.after === undefined ? undefined : parseNanos(query.after);
  if (query.after !== undefined && after === undefined) {
    throw new TypeError(`no RFC 3339 timestamp: ${query.after}`);
  }
  let last = after;
  for await (const line of streamLogs(connection, id, { ...query, after }, signal)) {
    last = parseNanos(line.timestamp);
    yield line;
  }
  if (!query.follow || signal.aborted) return;
  // When a container ends, the daemon may close the stream before the last line is in it: mostly
  // the one without a line break, which tells why. It is in the log by then.
  const rest = { ...query, after: last, follow: false };
  yield* streamLogs(connection, id, rest, signal);
}

async function* streamLogs(
  connection: DockerConnection,
  id: string,
  { tty, follow, tail, after, lineBytesMax }: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const path = containerPath(id, '/logs');
  const query = {
    stdout: '1',
    stderr: '1',
    timestamps: '1',
    follow: follow ? '1' : '0',
    tail: tail === undefined ? 'all' : String(tail),
    // Inclusive: the line of that very instant comes again, and is left out here.
    ...(after !== undefined && { since: formatSince(after) }),
  };
  const opened = await connection.open({ method: 'GET', path, query }, signal);
  if (!('chunks' in opened)) {
    // Gone in the meantime: there are no lines, which is an ordinary answer.
    if (opened.status === 404) return;
    throw refused(connection, path, opened);
  }

  const assembler = createLogAssembler({
    tty,
    lineBytesMax,
    ...(after !== undefined && { after }),
  });
  for await (const chunk of opened.chunks) yield* assembler.push(chunk);
  if (!signal.aborted) yield* assembler.flush();
}

function refused(
  connection: DockerConnection,
  path: string,
  { status, message }: { readonly status: number; readonly message: string },
): Error {
  const text = `${connection.label} ${path}: ${status} ${message}`;
  // Docker: "configured logging driver does not support reading".
  return status === 501 ? new LogsUnavailableError(text) : new RuntimeUnavailableError(text);
}
