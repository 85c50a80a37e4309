const WIDTH_MIN = 60;
const WIDTH_MAX = 120;
/** Where output is piped there is no width; logs are read at about this. */
const WIDTH_PIPED = 110;

export type Style = 'plain' | 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'cyan';

const CODES: Readonly<Record<Exclude<Style, 'plain'>, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  cyan: '36',
};

/** Where the story is told: lines only, so that a pipe gets what a terminal shows, without colours. */
export interface Terminal {
  readonly width: number;
  /** The same text where colours are off. */
  readonly paint: (style: Style, text: string) => string;
  readonly print: (line?: string) => void;
}

/**
 * A terminal over a stream. Colours only on a TTY, and never with NO_COLOR (no-color.org).
 *
 * @param env the environment
 */
export function createTerminal(
  stream: Pick<NodeJS.WriteStream, 'write' | 'columns'> & { readonly isTTY?: boolean | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTty = stream.isTTY === true;
  const hasColours = isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    width: isTty ? Math.min(Math.max(stream.columns || 80, WIDTH_MIN), WIDTH_MAX) : WIDTH_PIPED,
    paint: (style, text) =>
      hasColours && style !== 'plain' ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text,
    print: (line = '') => void stream.write(`${line}\n`),
  };
}

/** Breaks text at blanks into lines of at most `width` characters; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}

/** Rows in columns as wide as their longest cell; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
}
