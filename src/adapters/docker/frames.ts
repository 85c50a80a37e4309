/**
 * The multiplexed stream of Docker's attach, logs and exec: each frame is a header of eight bytes
 * (stream, three zeros, length as big-endian 32 bits) and its payload. dockerode’s parser is
 * left aside: it copies its whole buffer per frame, and recurses once for each.
 */
export interface Frame {
  /** `engine`: not the container's words but the daemon's, which broke off. */
  readonly stream: 'stdout' | 'stderr' | 'engine';
  readonly payload: Buffer;
  /** True when the payload was longer than `payloadBytesMax`. */
  readonly cut: boolean;
}

export interface FrameParser {
  /** @throws {Error} the bytes are no multiplexed stream */
  push(chunk: Buffer): readonly Frame[];
  /** Whether the stream may end here: no frame is half read. */
  complete(): boolean;
}

const HEADER_BYTES = 8;
/** 0 is stdin, which echoes back in some attach modes; it counts as output, as in Docker's client. */
const STREAMS = ['stdout', 'stdout', 'stderr', 'engine'] as const;

export function createFrameParser(payloadBytesMax: number): FrameParser {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let pieces: Buffer[] = [];
  let kept = 0;
  let missing = 0;
  let cut = false;

  function readHeader(chunk: Buffer, from: number): number {
    const taken = chunk.copy(header, headerBytes, from, from + HEADER_BYTES - headerBytes);
    headerBytes += taken;
    if (headerBytes === HEADER_BYTES) {
      // Only what has arrived is ever kept, so a length of 4 GiB costs nothing.
      missing = header.readUInt32BE(4);
      if (header.readUInt8(0) >= STREAMS.length || header.readUIntBE(1, 3) !== 0) {
        throw new Error('not a multiplexed stream: a frame header was expected');
      }
    }
    return taken;
  }

  function readPayload(chunk: Buffer, from: number): number {
    const piece = chunk.subarray(from, from + missing);
    const room = payloadBytesMax - kept;
    if (piece.length > room) cut = true;
    if (room > 0) {
      pieces.push(piece.subarray(0, room));
      kept += Math.min(piece.length, room);
    }
    missing -= piece.length;
    return piece.length;
  }

  function takeFrame(): Frame {
    const stream = STREAMS[header.readUInt8(0)] ?? 'engine';
    const frame = { stream, payload: Buffer.concat(pieces), cut };
    headerBytes = 0;
    pieces = [];
    kept = 0;
    cut = false;
    return frame;
  }

  return {
    push(chunk) {
      const frames: Frame[] = [];
      let at = 0;
      while (at < chunk.length) {
        at += headerBytes < HEADER_BYTES ? readHeader(chunk, at) : readPayload(chunk, at);
        if (headerBytes === HEADER_BYTES && missing === 0) frames.push(takeFrame());
      }
      return frames;
    },
    complete: () => headerBytes === 0,
  };
}
