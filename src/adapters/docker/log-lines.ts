import { RuntimeUnavailableError } from '#core/errors.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import { createFrameParser, type Frame } from './frames.ts';
import { createLineSplitter, type RawLine } from './lines.ts';
import { parseNanos } from './rfc3339.ts';

/** Turns the bytes of a log stream with timestamps into lines. */
export interface LogAssembler {
  push(chunk: Buffer): readonly LogLine[];
  /** What is left when the stream has ended: last lines without a line break. */
  flush(): readonly LogLine[];
}

/** Docker cuts what a container writes into messages of at most this many bytes. */
const MESSAGE_BYTES = 16_384;
/** A timestamp of Docker's logs has 30 characters; Podman's, with a zone, up to 35. */
const STAMP_BYTES_MAX = 40;
/** `2026-11-24T05:51:19.675165858Z `, wherever it stands in a line. */
const STAMP_INSIDE = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /g;

/**
 * @param after lines up to this timestamp are left out (epoch nanoseconds)
 */
export function createLogAssembler(options: {
  readonly tty: boolean;
  readonly lineBytesMax: number;
  readonly after?: bigint;
}): LogAssembler {
  const { lineBytesMax, after } = options;
  const assembler = options.tty
    ? createRawAssembler(lineBytesMax, after)
    : createFramedAssembler(lineBytesMax);
  if (after === undefined) return assembler;

  const isLater = ({ timestamp }: LogLine) => (parseNanos(timestamp) ?? after) > after;
  return {
    push: (chunk) => assembler.push(chunk).filter(isLater),
    flush: () => assembler.flush().filter(isLater),
  };
}

interface Pending {
  readonly timestamp: string;
  readonly pieces: Buffer[];
  bytes: number;
  truncated: boolean;
}

/**
 * One frame is one message of the log driver, with its own timestamp. Messages of one long line
 * carry the same timestamp; a different one means that the line before never got its line break,
 * because its process ended.
 */
function createFramedAssembler(lineBytesMax: number): LogAssembler {
  const parser = createFrameParser(lineBytesMax + STAMP_BYTES_MAX + MESSAGE_BYTES);
  const pending = new Map<LogLine['stream'], Pending>();

  function take(stream: LogLine['stream']): LogLine[] {
    const line = pending.get(stream);
    if (line === undefined) return [];
    pending.delete(stream);
    const { timestamp, truncated } = line;
    return [{ timestamp, stream, text: toText(Buffer.concat(line.pieces)), truncated }];
  }

  function read(frame: Frame): LogLine[] {
    if (frame.stream === 'engine') {
      throw new RuntimeUnavailableError(`log stream broke: ${frame.payload.toString().trim()}`);
    }
    const { stream, payload } = frame;
    const { timestamp, rest } = splitStamp(payload);
    const ends = rest.at(-1) === 0x0a;
    const text = ends ? rest.subarray(0, -1) : rest;

    const lines = pending.get(stream)?.timestamp === timestamp ? [] : take(stream);
    const line = pending.get(stream) ?? { timestamp, pieces: [], bytes: 0, truncated: false };
    pending.set(stream, line);
    const room = lineBytesMax - line.bytes;
    line.truncated ||= text.length > room || frame.cut;
    if (room > 0) line.pieces.push(Buffer.from(text.subarray(0, room)));
    line.bytes += Math.min(text.length, Math.max(room, 0));
    return ends || frame.cut ? [...lines, ...take(stream)] : lines;
  }

  return {
    push(chunk) {
      try {
        return parser.push(chunk).flatMap(read);
      } catch (cause) {
        if (cause instanceof RuntimeUnavailableError) throw cause;
        throw new RuntimeUnavailableError('log stream is not what was asked for', { cause });
      }
    },
    flush: () => [...take('stdout'), ...take('stderr')],
  };
}

/** A terminal has one stream, no frames, and ends its lines with a carriage return too. */
function createRawAssembler(lineBytesMax: number, after: bigint | undefined): LogAssembler {
  const messages = Math.ceil(lineBytesMax / MESSAGE_BYTES) + 1;
  const splitter = createLineSplitter(lineBytesMax + messages * STAMP_BYTES_MAX + 1);

  function read(raw: RawLine): LogLine {
    const { timestamp, rest } = splitStamp(pastResumption(raw.bytes, after));
    const joined = joinMessages(rest, timestamp);
    const text = joined.at(-1) === 0x0d ? joined.subarray(0, -1) : joined;
    return {
      timestamp,
      stream: 'stdout',
      text: toText(text.subarray(0, lineBytesMax)),
      truncated: raw.cut || text.length > lineBytesMax,
    };
  }

  return {
    push: (chunk) => splitter.push(chunk).map(read),
    flush() {
      const rest = splitter.flush();
      return rest === undefined ? [] : [read(rest)];
    },
  };
}

/**
 * The line that a follow is resumed after may lack its line break, since its process ended; the
 * first line of the next run then stands right behind it. Only there is a timestamp inside a line
 * taken for Docker's: everywhere else the container may have written it.
 */
function pastResumption(line: Buffer, after: bigint | undefined): Buffer {
  if (after === undefined || parseNanos(splitStamp(line).timestamp) !== after) return line;
  for (const { index, 0: stamp } of line.toString('latin1').matchAll(STAMP_INSIDE)) {
    if ((parseNanos(stamp.trimEnd()) ?? after) > after) return line.subarray(index);
  }
  return line;
}

/** Takes out the timestamp that stands again before each further message of one long line. */
function joinMessages(line: Buffer, timestamp: string): Buffer {
  const stamp = Buffer.from(`${timestamp} `);
  const pieces: Buffer[] = [];
  let rest = line;
  while (rest.subarray(MESSAGE_BYTES, MESSAGE_BYTES + stamp.length).equals(stamp)) {
    pieces.push(rest.subarray(0, MESSAGE_BYTES));
    rest = rest.subarray(MESSAGE_BYTES + stamp.length);
  }
  return pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
}

function splitStamp(message: Buffer): { timestamp: string; rest: Buffer } {
  const end = message.indexOf(0x20);
  const timestamp = message.subarray(0, Math.max(end, 0)).toString('latin1');
  if (end <= STAMP_BYTES_MAX && parseNanos(timestamp) !== undefined) {
    return { timestamp, rest: message.subarray(end + 1) };
  }
  throw new RuntimeUnavailableError('log stream holds a message without its timestamp');
}

/** Bytes that are no UTF-8 become U+FFFD, a character cut by the cap included. */
function toText(bytes: Buffer): string {
  return bytes.toString('utf8');
}
