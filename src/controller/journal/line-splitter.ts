const NEWLINE = 0x0a;

/** Cuts chunks into lines. What follows the last newline stays until the next chunk. */
export interface LineSplitter {
  /** The lines that this chunk completed, without their newlines. */
  feed(chunk: Uint8Array): Buffer[];
  /** Bytes after the last newline. */
  rest(): Buffer;
}

export function createLineSplitter(): LineSplitter {
  let pieces: Buffer[] = [];

  return {
    feed(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const lines: Buffer[] = [];
      let start = 0;
      for (;;) {
        const end = bytes.indexOf(NEWLINE, start);
        if (end === -1) break;
        const piece = bytes.subarray(start, end);
        lines.push(pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]));
        pieces = [];
        start = end + 1;
      }
      if (start < bytes.length) pieces.push(bytes.subarray(start));
      return lines;
    },
    rest: () => Buffer.concat(pieces),
  };
}
