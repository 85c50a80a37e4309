import { hash } from 'node:crypto';
import { canonicalJson, type JournalRecord } from '#core/journal/record.ts';

/**
 * A line is the canonical JSON of the record without its hash, and the hash as last member:
 *
 *     {"actor":…,"boot":…,…,"workload":…,"hash":"64 hex digits"}
 *
 * So a reader checks a line by hashing bytes that it already holds, and every byte of the line counts;
 * sorting the members of 100,000 records again would cost more than all the rest of a start.
 */
const HASH_MEMBER = ',"hash":"';
const HASH_DIGITS = 64;
const HASH_TAIL_BYTES = HASH_MEMBER.length + HASH_DIGITS + '"}'.length;
const HEX = /^[0-9a-f]{64}$/;
const CLOSING_BRACE = 0x7d;

export interface EncodedRecord {
  /** What a reader of the line gets: sharing nothing with the draft that it came from. */
  readonly record: JournalRecord;
  /** The line with its newline. */
  readonly bytes: Buffer;
}

export type DecodedLine =
  | { readonly kind: 'record'; readonly record: JournalRecord }
  | { readonly kind: 'damaged'; readonly what: string };

/** @throws {TypeError} the record holds something that JSON cannot hold (NaN, a cycle, a bigint) */
export function encodeRecord(body: Omit<JournalRecord, 'hash'>): EncodedRecord {
  const text = canonicalText(body);
  const digest = hash('sha256', body.prev + text);
  const line = `${text.slice(0, -1)}${HASH_MEMBER}${digest}"}`;
  return { record: JSON.parse(line) as JournalRecord, bytes: Buffer.from(`${line}\n`) };
}

/** Reads one line, without its newline, and checks it against its own hash. */
export function decodeLine(line: Buffer): DecodedLine {
  const bodyBytes = line.length - HASH_TAIL_BYTES;
  if (bodyBytes < 1) return damaged('the line is too short for a record');
  const parsed = parseObject(line);
  if (parsed === undefined) return damaged('the line is not a JSON object');

  const tail = line.toString('latin1', bodyBytes);
  const record = parsed as Partial<JournalRecord>;
  const { prev, hash: stated } = record;
  if (typeof prev !== 'string' || !HEX.test(prev)) return damaged('the record has no prev hash');
  if (typeof stated !== 'string' || tail !== `${HASH_MEMBER}${stated}"}` || !HEX.test(stated)) {
    return damaged('the line does not end with its hash');
  }
  if (hashOfBody(prev, line, bodyBytes) !== stated) {
    return damaged('the content does not match its hash');
  }
  if (!isRecord(record)) return damaged('the record lacks a member');
  return { kind: 'record', record };
}

/** The seq that a line states, read without trusting the rest of it; for messages about damage. */
export function statedSeq(line: Buffer): number | undefined {
  const seq = (parseObject(line) as { seq?: unknown } | undefined)?.seq;
  return Number.isSafeInteger(seq) ? (seq as number) : undefined;
}

function hashOfBody(prev: string, line: Buffer, bodyBytes: number): string {
  const input = Buffer.allocUnsafe(HASH_DIGITS + bodyBytes + 1);
  input.write(prev, 'latin1');
  line.copy(input, HASH_DIGITS, 0, bodyBytes);
  input[HASH_DIGITS + bodyBytes] = CLOSING_BRACE;
  return hash('sha256', input);
}

function parseObject(line: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(line.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(record: Partial<JournalRecord>): record is JournalRecord {
  return (
    Number.isSafeInteger(record.seq) &&
    typeof record.time === 'string' &&
    typeof record.type === 'string' &&
    typeof record.data === 'object' &&
    record.data !== null
  );
}

function damaged(what: string): DecodedLine {
  return { kind: 'damaged', what };
}

/**
 * Canonical JSON has no form for half a surrogate pair, which a log line cut in the middle of a
 * character leaves behind. It becomes U+FFFD: a record must not be lost for a broken emoji.
 */
function canonicalText(body: object): string {
  try {
    return canonicalJson(body);
  } catch (error) {
    const text = JSON.stringify(body);
    const wellFormed = text.replaceAll(LONE_SURROGATE, '$<before>\\ufffd');
    if (wellFormed === text) throw error;
    return canonicalJson(JSON.parse(wellFormed));
  }
}

/** JSON.stringify writes pairs as they are, so an escape is a half; an even run of \ precedes it. */
const LONE_SURROGATE = /(?<before>(?<!\\)(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g;
