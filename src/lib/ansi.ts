/**
 * ECMA-48: control sequences (colours, cursor), strings for the terminal (titles, links), and the
 * two-character escapes. Bounded, and linear in the text.
 */
const ESCAPE = [
  String.raw`(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]`,
  String.raw`\x1b[\]P^_X][^\x07\x1b]{0,1024}(?:\x07|\x1b\\)`,
  String.raw`\x1b[ -/]{0,8}[0-Z\\^-~]`,
].join('|');
const ESCAPES = new RegExp(ESCAPE, 'g');
const ESCAPE_HERE = new RegExp(ESCAPE, 'y');

/**
 * Takes the sequences out that colour a terminal. They come before redaction: a coloured key is
 * separated from its value by one, and would not be known for what it is.
 */
export function withoutAnsi(text: string): string {
  return text.replaceAll(ESCAPES, '');
}

/** How long the sequence is that begins at an index; 0 when none does. */
export function ansiLengthAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code !== 0x1b && code !== 0x9b) return 0;
  ESCAPE_HERE.lastIndex = at;
  return ESCAPE_HERE.exec(text)?.[0].length ?? 0;
}
