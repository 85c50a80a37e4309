import {
  BASE64,
  DASH,
  DOT,
  EQUALS,
  LETTER,
  LOWER,
  runEnd,
  runStart,
  setsAt,
  UPPER,
  WORD,
} from './characters.ts';
import type { Found } from './found.ts';
import { shapeOf } from './shape.ts';

const RUN = WORD | BASE64 | DASH | DOT;
/** Shorter ones are identifiers as often as secrets. */
const LENGTH_MIN = 32;
/** Longer ones are rather data: certificates, images, compressed state. */
const LENGTH_MAX = 100;

/**
 * Long runs of letters of both cases and digits that change as often as only chance makes them: a
 * secret without a name. Hashes, UUIDs and trace ids are in hex and stay, and so does what is named
 * as an id or a digest.
 *
 * @param known what is found already, by its beginnings: what is within it needs no look
 */
export function randomRuns(text: string, known: readonly Found[]): Found[] {
  const found: Found[] = [];
  const ahead = new KnownAhead(known);
  let base = 0;
  while (base + LENGTH_MIN <= text.length) {
    // A run that begins from here on and is long enough would go through this place.
    const probe = base + LENGTH_MIN - 1;
    if ((setsAt(text, probe) & RUN) === 0) {
      base = probe + 1;
      continue;
    }
    const around = ahead.endingAfter(probe);
    if (around !== undefined && isWholeAround(text, around, probe)) {
      base = around.end + 1;
      continue;
    }
    const start = runStart(text, probe, RUN, LENGTH_MIN - 1);
    const end = runEnd(text, probe, RUN, text.length);
    const isKnown = (ahead.endingAfter(end - 1)?.start ?? end) <= start;
    if (end - start >= LENGTH_MIN && !isKnown) secretsIn(text, start, end, found);
    base = end + 1;
  }
  return found;
}

/** What is known, for a search that only goes forwards. */
class KnownAhead {
  readonly #known: readonly Found[];
  #next = 0;

  constructor(known: readonly Found[]) {
    this.#known = known;
  }

  endingAfter(at: number): Found | undefined {
    while (this.#next < this.#known.length && (this.#known[this.#next]?.end ?? 0) <= at) {
      this.#next += 1;
    }
    return this.#known[this.#next];
  }
}

/** Whether the run that a place is in ends where what is known there ends, or before. */
function isWholeAround(text: string, { start, end }: Found, at: number): boolean {
  return start <= at && (setsAt(text, start - 1) & RUN) === 0 && (setsAt(text, end) & RUN) === 0;
}

/** Three parts, the first of which holds a number in Base64: Discord's, which have no beginning. */
const THREE_PARTS = /^=?[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,40}$/;

function hasDot(text: string, from: number, to: number): boolean {
  return runEnd(text, from, RUN ^ DOT, to - from) < to;
}

/** Adds what is secret of a run to what was found. */
function secretsIn(text: string, from: number, to: number, found: Found[]): void {
  if (to - from <= LENGTH_MAX && hasDot(text, from, to)) {
    const run = text.slice(from, to);
    if (THREE_PARTS.test(run)) {
      if (shapeOf(run).wordiness <= 0.5)
        found.push({ start: from, end: to, kind: 'discord-token' });
      return;
    }
  }
  // Tokens with dots in them have forms of their own; here a dot parts what is judged.
  for (let start = from; start < to; ) {
    const end = runEnd(text, start, RUN ^ DOT, to - start);
    const length = end - start;
    if (length >= LENGTH_MIN && length <= LENGTH_MAX && isSecret(text, start, end)) {
      found.push({ start, end: runEnd(text, end, EQUALS, 2), kind: 'random' });
    }
    start = end + 1;
  }
}

function isSecret(text: string, start: number, end: number): boolean {
  const run = text.slice(start, end);
  const { lower, upper, digits, others, wordiness, entropy, length, hex } = shapeOf(run);
  const looksRandom =
    lower > 2 && upper > 2 && digits > 1 && !hex && others * 6 <= length && entropy > 4;
  if (!looksRandom || wordiness > 0.5 || changes(run) * 10 < length * 3) return false;
  return !PUBLIC.test(run) && !isNamedPublic(text, start) && !isPartOfPath(text, start, run);
}

/** How often the kind of character changes from one to the next: small, capital, other. */
function changes(run: string): number {
  let count = 0;
  let before = -1;
  for (let index = 0; index < run.length; index += 1) {
    const sets = setsAt(run, index);
    const kind = (sets & LOWER) !== 0 ? 0 : (sets & UPPER) !== 0 ? 1 : 2;
    if (kind !== before) count += 1;
    before = kind;
  }
  return count;
}

/** Digests that say what they are, and the beginnings of public keys, certificates, images, archives. */
const PUBLIC =
  /^(?:sha\d|pk_(?:live|test)_|md5|blake|iVBORw0KGgo|R0lGOD|UklGR|H4sI|JVBERi|AAAA[BCE]3Nz|AAAAE2Vj|MII[A-Z])/;
const PUBLIC_NAME =
  /(?:id|ids|id-\d|hash|digest|checksum|etag|integrity|fingerprint|sha\d{1,3}|md5|nonce|cursor|version|commit|revision|trace|span|request|subresource|public[_-]?(?:key|token)|pubkey|pub|cert|certificate|(?:csrf|xsrf|authenticity|verification)[_-]?token(?:["'] value)?|(?:primary|foreign|sort|cache|site|publishable)[_-]?key|block|uuid|name|path|file|url|iv|tag|aes256_gcm,data|class|method|user|session|thread)["'\])]{0,2}[ \t]{0,2}[:=#-]{1,2}[ \t]{0,2}["'[(]{0,2}$/i;

/** `ssh-ed25519 …`: a public key. */
const SSH_TYPE = /(?:ssh-[a-z0-9-]{3,20}|ecdsa-sha2-nistp\d{3}) $/;

/** The name may have been a part of what a placeholder stands for: it was judged with it then. */
const REDACTED_NAME = /#\d{1,9}\][\s:=#"'()[\]-]{0,6}$/;

function isNamedPublic(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 40), start);
  return PUBLIC_NAME.test(before) || SSH_TYPE.test(before) || REDACTED_NAME.test(before);
}

/** The length of the secret key of AWS, which has as many slashes as chance gave it. */
const AWS_SECRET = 40;

/** Part of a path, a file name or a host name. */
function isPartOfPath(text: string, start: number, run: string): boolean {
  const before = text.charAt(start - 1);
  const end = start + run.length;
  const isName = text[end] === '.' && (setsAt(text, end + 1) & LETTER) !== 0;
  if (run.startsWith('/') || isName || text[end] === '@') return true;
  return '.\\@%'.includes(before) || (hasFolders(run) && !'"\'='.includes(before));
}

function hasFolders(run: string): boolean {
  return run.length !== AWS_SECRET && run.indexOf('/') !== run.lastIndexOf('/');
}
