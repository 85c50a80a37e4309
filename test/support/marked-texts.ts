import { readFileSync } from 'node:fs';
import { fixturePath } from './fixtures.ts';

/** A text, and where its secret stands; UTF-16 offsets, `undefined` for a text that has none. */
export interface MarkedText {
  readonly text: string;
  readonly secret: { readonly start: number; readonly end: number } | undefined;
}

/**
 * Reads a fixture of one text to a line, in which `\n` is a line break, `\\` a backslash, and the
 * secret stands between `«` and `»`.
 */
export function readMarkedTexts(name: string): MarkedText[] {
  const lines = readFileSync(fixturePath(name), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map(parseMarkedText);
}

function parseMarkedText(line: string): MarkedText {
  const marked = line.replaceAll(/\\[\\n]/g, (escape) => (escape === '\\n' ? '\n' : '\\'));
  const text = marked.replaceAll(/[«»]/g, '');
  const start = marked.indexOf('«');
  return { text, secret: start < 0 ? undefined : { start, end: marked.indexOf('»') - 1 } };
}
