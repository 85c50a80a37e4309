import { isKeyBody, privateKeyEnd } from './pem.ts';
import { createRedactor, type Redactor } from './redactor.ts';

/**
 * Takes out what looks like a secret, and says in its place what it was and which of those in this
 * text: `password=[redacted:password#1]`. What neither has a known form nor stands where secrets
 * stand is not found.
 */
export function redact(text: string): string {
  return createRedactor().redact(text);
}

/**
 * An excerpt of a log: a secret may span its lines, and it may begin in the middle of a private
 * key, whose END then has no BEGIN.
 *
 * @param lines without line breaks
 * @returns the lines in their places; `undefined` for those that are nothing but a part of a secret
 */
export function redactExcerpt(
  lines: readonly string[],
  redactor: Redactor = createRedactor(),
): (string | undefined)[] {
  const kept = withoutKeyEnd(lines);
  const starts: number[] = [];
  let length = 0;
  for (const line of kept) {
    starts.push(length);
    length += line.length + 1;
  }
  const secrets = redactor.find(kept.join('\n'));
  let next = 0;
  return kept.map((line, index) => {
    const from = starts[index] ?? 0;
    const to = from + line.length;
    if (lines[index] !== line && line === '') return undefined;
    let redacted = '';
    let at = from;
    let isPart = false;
    // A secret that goes on to the next line is looked at again there.
    while (next < secrets.length) {
      const secret = secrets[next];
      if (secret === undefined || secret.start > to) break;
      if (secret.start >= from)
        redacted += pieceOf(line, from, at, secret.start) + secret.placeholder;
      at = Math.min(to, secret.end);
      isPart = secret.start < from;
      if (secret.end > to) break;
      next += 1;
    }
    redacted += pieceOf(line, from, at, to);
    return redacted === '' && isPart ? undefined : redacted;
  });
}

function pieceOf(line: string, from: number, start: number, end: number): string {
  return line.slice(start - from, end - from);
}

/** The lines with the rest of a private key that began before them made empty. */
function withoutKeyEnd(lines: readonly string[]): readonly string[] {
  const last = lines.findIndex((line) => privateKeyEnd(line) !== undefined);
  const end = privateKeyEnd(lines[last] ?? '');
  if (end === undefined || lines.slice(0, last + 1).some((line) => BEGIN.test(line))) return lines;
  let first = last;
  while (first > 0 && isKeyBody(lines[first - 1] ?? '')) first -= 1;
  return lines.map((line, index) => {
    if (index < first || index > last) return line;
    return index === last ? line.slice(end) : '';
  });
}

const BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;

/** Whether redaction would take something out of a literal: such a literal belongs into a secret. */
export function looksSecret(text: string, key: string): boolean {
  return redact(text) !== text || redact(`${key}=${text}`) !== `${key}=${text}`;
}
