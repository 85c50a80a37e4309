const PRIME = 0x01000193;

/** Start of a word's hash: FNV-1a, over code units. */
export const WORD_HASH_SEED = 0x811c9dc5 | 0;

export function hashUnit(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, PRIME);
}

/** The hash of a part of a text. */
export function hashPart(text: string, start: number, end: number): number {
  let hash = WORD_HASH_SEED;
  for (let at = start; at < end; at += 1) hash = hashUnit(hash, text.charCodeAt(at));
  return hash;
}

/** Values that look like words: truth, absence, and the accounts that every system has. */
const VALUES = ['true', 'false', 'null', 'root', 'admin'];
/** With a capital only: `may` and `sun` are words of the language too. */
const DATE_WORDS =
  'Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

const DATE_HASHES = hashesOf(DATE_WORDS);
const VALUE_HASHES = new Set([
  ...DATE_HASHES,
  ...hashesOf(VALUES),
  ...hashesOf(VALUES.map((word) => word.toUpperCase())),
  ...hashesOf(VALUES.map((word) => word.charAt(0).toUpperCase() + word.slice(1))),
]);
/** Answers for most words without a look into the set. */
const SIEVE = sieve();

function hashesOf(words: readonly string[]): ReadonlySet<number> {
  return new Set(words.map((word) => hashPart(word, 0, word.length)));
}

function sieve(): Uint8Array {
  const table = new Uint8Array(4_096);
  for (const hash of VALUE_HASHES) table[hash & 4_095] = 1;
  return table;
}

/** Whether a word with this hash is a value wherever it stands. */
export function isValueHash(hash: number): boolean {
  return SIEVE[hash & 4_095] === 1 && VALUE_HASHES.has(hash);
}

/** Whether it is the name of a day or a month, as dates have it. */
export function isDateHash(hash: number): boolean {
  return DATE_HASHES.has(hash);
}

const UNITS = words(`
  B kB KB MB GB TB KiB MiB GiB TiB byte bytes ns us ms s sec secs second seconds min minutes h hours
`);
/**
 * Tell how it went, or how grave it is. Lines that differ in one of them say different things, however
 * alike they are: `login failed` and `login succeeded`.
 */
const VERDICTS = words(`
  trace debug info notice warn warning error errors err critical alert fatal panic emergency severe
  ok success successful successfully succeeded fail failed fails failing failure failures unsuccessful
  pass passed accepted allowed granted denied refused rejected valid invalid yes no not none unknown
  start started starting stop stopped stopping up down on off online offline active inactive
  open opened opening close closed closing enable enabled disable disabled ready timeout abort aborted
  killed connect connected disconnect disconnected login logout healthy unhealthy created deleted
  added removed sent send received receive read write
`);
/** The word after one of these is often a name, which a line can have many of. */
const CLASSIFIERS = words(`
  user host from id name node device domain interface file service process address account group
  container pod image volume session client server class module table topic queue job
`);
const PREPOSITIONS = words('for to at on in with via by');
/** Keys whose value says what happened, rather than to what. */
const EVENT_KEYS = words(`
  msg message event error err reason action type exception level lvl severity
  state status phase result outcome condition
`);

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Whether it says what the number before it counts, and so may change with it: `512 kB`. */
export function isUnit(word: string): boolean {
  return UNITS.has(word);
}

export function isVerdict(word: string): boolean {
  return VERDICTS.has(word.toLowerCase());
}

export function isClassifier(word: string): boolean {
  return CLASSIFIERS.has(word.toLowerCase());
}

export function isPreposition(word: string): boolean {
  return PREPOSITIONS.has(word.toLowerCase());
}

export function isEventKey(word: string): boolean {
  return EVENT_KEYS.has(word.toLowerCase());
}

/** All capitals, as constants and states are written: `IN_PROGRESS`. */
export function isConstantName(word: string): boolean {
  return /^[A-Z_]+$/.test(word);
}

/** Made rather than written: `my-host.example`, `sessionId`, `a_b`. */
export function isIdentifier(word: string): boolean {
  return /[\d_.\-@$\\/#]|[a-z][A-Z]/.test(word);
}
