import type { Found } from './found.ts';
import { type KnownValue, type KnownValues, knownValues } from './known-values.ts';
import {
  createPlaceholders,
  PLACEHOLDER_BEGIN,
  PLACEHOLDER_WITHIN,
  PLACEHOLDERS,
  type Placeholders,
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

export interface LearningRedactor extends Redactor {
  /** More values, for texts and streams that begin from now on. Those known before stay known. */
  learn(values: readonly KnownValue[]): void;
}

export interface RedactorOptions {
  /** Values that are secret wherever they stand, in any of the usual encodings. */
  readonly values?: readonly KnownValue[];
}

/** A line longer than this is judged in parts, and no more than this is held back. */
export const HELD_BACK_MAX = 64 * 1024;
/** How far back from there a long line is searched for a place to part it. */
const PARTING_MAX = 8 * 1024;

export function createRedactor({ values = [] }: RedactorOptions = {}): LearningRedactor {
  const placeholders = createPlaceholders();
  let all = values;
  let known = knownValues(all);

  function stream(onSecret?: (secret: Secret) => void): RedactionStream {
    return new Stream(known, placeholders, onSecret);
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

  function learn(more: readonly KnownValue[]): void {
    all = [...all, ...more];
    known = knownValues(all);
  }

  return { redact, find, stream, learn };
}

/**
 * Works in blocks of whole lines. A block's last lines wait for the next one when what they are
 * depends on it; nothing else passes from block to block, so that the borders do not matter.
 */
class Stream implements RedactionStream {
  readonly #known: KnownValues;
  readonly #placeholders: Placeholders;
  readonly #onSecret: ((secret: Secret) => void) | undefined;
  #pending = '';
  /** What came before `#pending`. */
  #offset = 0;
  #hasNewLine = false;

  constructor(
    known: KnownValues,
    placeholders: Placeholders,
    onSecret: ((secret: Secret) => void) | undefined,
  ) {
    this.#known = known;
    this.#placeholders = placeholders;
    this.#onSecret = onSecret;
  }

  push(text: string): string {
    this.#pending += text;
    this.#hasNewLine ||= text.includes('\n');
    if (!this.#hasNewLine && this.#pending.length < HELD_BACK_MAX) return '';
    this.#hasNewLine = false;
    return this.#drain(false);
  }

  end(): string {
    return this.#drain(true);
  }

  #drain(isEnd: boolean): string {
    let redacted = '';
    for (;;) {
      const block = this.#nextBlock(isEnd);
      if (block === undefined) return redacted;
      redacted += block;
    }
  }

  /** Takes the next block out of what is pending; `undefined` when it must wait for more. */
  #nextBlock(isEnd: boolean): string | undefined {
    const pending = this.#pending;
    if (pending.length >= HELD_BACK_MAX) return this.#nextOfMany();
    if (isEnd) return pending === '' ? undefined : this.#release(pending.length, true);
    const lines = pending.lastIndexOf('\n') + 1;
    return lines === 0 ? undefined : this.#release(lines, false);
  }

  /** As many lines as may be held back, and if those must wait, they have waited enough. */
  #nextOfMany(): string | undefined {
    const lines = this.#pending.lastIndexOf('\n', HELD_BACK_MAX - 1) + 1;
    if (lines === 0) return this.#release(partingOf(this.#pending), true);
    return this.#release(lines, false) ?? this.#release(lines, true);
  }

  #release(length: number, isFinal: boolean): string | undefined {
    const text = flat(this.#pending.slice(0, length));
    const looks = scanText(text, isFinal);
    const exact = this.#known.scan(text, isFinal);
    const found = merged(withoutRedacted(text, [...exact.found, ...looks.found]));
    const settled = Math.min(looks.settled, exact.settled);
    const end = isFinal ? length : parted(text, settled, found, looks.promises);
    if (end === 0) return undefined;
    this.#pending = this.#pending.slice(end);
    const redacted = this.#replace(text.slice(0, end), found);
    this.#offset += end;
    return redacted;
  }

  #replace(text: string, found: readonly Found[]): string {
    let redacted = '';
    let from = 0;
    const hasPlaceholders = text.includes(PLACEHOLDER_BEGIN);
    for (const { start, end, kind } of found) {
      if (start >= text.length) break;
      const before = text.slice(from, start);
      if (hasPlaceholders) this.#placeholders.reserve(before);
      const secret = this.#known.identity(text.slice(start, end));
      const placeholder = this.#placeholders.placeholderFor(secret, kind);
      const offset = this.#offset;
      this.#onSecret?.({ start: offset + start, end: offset + end, kind, placeholder });
      redacted += before + placeholder;
      from = end;
    }
    const rest = text.slice(from);
    this.#placeholders.reserve(rest);
    return redacted + rest;
  }
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
const BYTES = new Uint8Array(3 * HELD_BACK_MAX);
/** A shorter text is read through before it would be copied. */
const FLATTENED_MIN = 256;

/**
 * The same text as a string of its own: from a part of another string each character takes half as
 * long again to read, and each is read several times.
 */
function flat(text: string): string {
  if (text.length < FLATTENED_MIN || !text.isWellFormed()) return text;
  const { written } = ENCODER.encodeInto(text, BYTES);
  return DECODER.decode(BYTES.subarray(0, written));
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
