const LINE_FEED = 0x0a;

/**
 * Cuts a byte stream at line feeds, whatever its chunks. A line longer than `lineBytesMax` keeps
 * its head; the rest is counted as cut, so that memory stays bounded.
 */
export interface LineSplitter {
  push(chunk: Buffer): readonly RawLine[];
  /** What came after the last line feed. */
  flush(): RawLine | undefined;
}

export interface RawLine {
  /** Without the line feed. */
  readonly bytes: Buffer;
  readonly cut: boolean;
}

export function createLineSplitter(lineBytesMax: number): LineSplitter {
  let pieces: Buffer[] = [];
  let kept = 0;
  let cut = false;
  let begun = false;

  function keep(piece: Buffer): void {
    if (piece.length === 0) return;
    begun = true;
    const room = lineBytesMax - kept;
    if (piece.length > room) cut = true;
    if (room <= 0) return;
    // Copied, so that a short line does not hold on to the whole chunk that it came in.
    pieces.push(Buffer.from(piece.subarray(0, room)));
    kept += Math.min(piece.length, room);
  }

  function take(): RawLine {
    const line = {
      bytes: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces),
      cut,
    };
    pieces = [];
    kept = 0;
    cut = false;
    begun = false;
    return line;
  }

  return {
    push(chunk) {
      const lines: RawLine[] = [];
      let from = 0;
      for (;;) {
        const end = chunk.indexOf(LINE_FEED, from);
        if (end < 0) break;
        keep(chunk.subarray(from, end));
        lines.push(take());
        from = end + 1;
      }
      keep(chunk.subarray(from));
      return lines;
    },
    flush: () => (begun ? take() : undefined),
  };
}
