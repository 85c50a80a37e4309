import type { Found } from './found.ts';
import { type KnownValue, knownValues } from './known-values.ts';
import {
  createPlaceholders,
  PLACEHOLDER_BEGIN,
  PLACEHOLDER_WITHIN,
  PLACEHOLDERS,
} from './placeholder.ts';
import { type LinePromise, lineStart, merged, scanText } from './scan.ts';

/** A secret in a text, and what stands in its place. */
export interface Secret extends Found {
  readonly placeholder: string;
}

/** Text that comes in pieces, redacted. */
export interface RedactionStream {
  /** @returns what is final by now: whole lines, as a rule all but the last one that broke off */
  push(text: string): string;
  /** The rest; nothing may be pushed afterwards. */
  end(): string;
}

/**
 * Redacts texts and remembers what it gave out: within one redactor the same secret is the same
 * placeholder in every text, and another secret is another one.
 */
export interface Redactor {
  redact(text: string): string;
  /** UTF-16 offsets, in order, apart from one another. */
  find(text: string): readonly Secret[];
  /**
   * For a text that comes in pieces. However it is cut, the result is the same, and the memory is
   * bounded: at most 64 Ki characters are held back.
   *
   * @param onSecret told of each secret in turn; offsets count from the beginning of the stream
   */
  stream(onSecret?: (secret: Secret) => void): RedactionStream;
}

export interface RedactorOptions {
  /** Values that are secret wherever they stand, in any of the usual encodings. */
  readonly values?: readonly KnownValue[];
}

/** A line longer than this is judged in parts, and no more than this is held back. */
export const HELD_BACK_MAX = 64 * 1024;
/** How far back from there a long line is searched for a place to part it. */
const PARTING_MAX = 8 * 1024;

export function createRedactor({ values = [] }: RedactorOptions = {}): Redactor {
  const placeholders = createPlaceholders();
  const known = knownValues(values);

  function scan(text: string, isEnd: boolean) {
    const looks = scanText(text, isEnd);
    const exact = known.scan(text, isEnd);
    const found = merged(withoutRedacted(text, [...exact.found, ...looks.found]));
    const settled = parted(text, Math.min(looks.settled, exact.settled), found, looks.promises);
    return { found, settled };
  }

  function stream(onSecret?: (secret: Secret) => void): RedactionStream {
    let pending = '';
    let offset = 0;
    let hasLine = false;

    /** Takes the next block out of what is pending; `undefined` when it must wait for more. */
    function nextBlock(isEnd: boolean): string | undefined {
      const isLong = pending.length >= HELD_BACK_MAX;
      const newline = pending.lastIndexOf('\n', isLong ? HELD_BACK_MAX - 1 : pending.length);
      const whole = newline + 1;
      if (whole === 0) {
        if (isLong) return released(partingOf(pending), true);
        return isEnd && pending !== '' ? released(pending.length, true) : undefined;
      }
      if (isEnd && !isLong) return released(pending.length, true);
      return released(whole, false) ?? (isLong ? released(whole, true) : undefined);
    }

    function released(length: number, isFinal: boolean): string | undefined {
      const text = pending.slice(0, length);
      const { found, settled } = scan(text, isFinal);
      const end = isFinal ? length : settled;
      if (end === 0) return undefined;
      pending = pending.slice(end);
      const redacted = replaced(text.slice(0, end), found);
      offset += end;
      return redacted;
    }

    function replaced(text: string, found: readonly Found[]): string {
      let redacted = '';
      let from = 0;
      for (const { start, end, kind } of found) {
        if (start >= text.length) break;
        const before = text.slice(from, start);
        placeholders.reserve(before);
        const placeholder = placeholders.placeholderFor(
          known.identity(text.slice(start, end)),
          kind,
        );
        onSecret?.({ start: offset + start, end: offset + end, kind, placeholder });
        redacted += before + placeholder;
        from = end;
      }
      const rest = text.slice(from);
      placeholders.reserve(rest);
      return redacted + rest;
    }

    function drain(isEnd: boolean): string {
      let redacted = '';
      for (;;) {
        const block = nextBlock(isEnd);
        if (block === undefined) return redacted;
        redacted += block;
      }
    }

    return {
      push(text) {
        pending += text;
        hasLine ||= text.includes('\n');
        if (!hasLine && pending.length < HELD_BACK_MAX) return '';
        hasLine = false;
        return drain(false);
      },
      end: () => drain(true),
    };
  }

  function redact(text: string): string {
    const whole = stream();
    return whole.push(text) + whole.end();
  }

  function find(text: string): readonly Secret[] {
    const secrets: Secret[] = [];
    const whole = stream((secret) => secrets.push(secret));
    whole.push(text);
    whole.end();
    return secrets;
  }

  return { redact, find, stream };
}

/**
 * Where a text is parted, at a place or before it: what spans lines stays whole, and a line stays
 * with the line before it that makes a promise for it.
 */
function parted(
  text: string,
  limit: number,
  found: readonly Found[],
  promises: readonly LinePromise[],
): number {
  let at = limit;
  for (let before = -1; before !== at; ) {
    before = at;
    for (const { start, end } of found) if (start < at && end > at) at = lineStart(text, start);
    at = promises.reduceRight((place, { from, to }) => (to === place ? from : place), at);
  }
  return at;
}

/**
 * Without what touches a placeholder: it was judged when that was put there, with what it hides.
 * This is what makes redacting twice the same as redacting once.
 */
function withoutRedacted(text: string, found: readonly Found[]): readonly Found[] {
  if (found.length === 0 || !text.includes(PLACEHOLDER_BEGIN)) return found;
  const ends = new Set<number>();
  const starts = new Set<number>();
  for (const { index, 0: placeholder } of text.matchAll(PLACEHOLDERS)) {
    starts.add(index);
    ends.add(index + placeholder.length);
  }
  return found.filter(({ start, end }) => {
    if (ends.has(start) || starts.has(end)) return false;
    return !PLACEHOLDER_WITHIN.test(text.slice(start, end));
  });
}

/** Where a line that is too long is parted: behind a blank, else between fields, else anywhere. */
function partingOf(line: string): number {
  const window = line.slice(HELD_BACK_MAX - PARTING_MAX, HELD_BACK_MAX);
  for (const border of [/[ \t]/g, /[,;&|]/g]) {
    let last = -1;
    for (const match of window.matchAll(border)) last = match.index;
    if (last >= 0) return HELD_BACK_MAX - PARTING_MAX + last + 1;
  }
  return HELD_BACK_MAX;
}
