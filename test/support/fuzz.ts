import assert from 'node:assert/strict';
import fc from 'fast-check';

const { FUZZ_TIMES = '1', FUZZ_SEED, FUZZ_PATH } = process.env;

/**
 * How a property is run: as often as usual, times `FUZZ_TIMES`; with `FUZZ_SEED`, and `FUZZ_PATH`
 * for the shrunk case alone, as a failure has printed them.
 */
export function runs(
  usual = 100,
): Pick<fc.Parameters, 'numRuns' | 'seed' | 'path' | 'endOnFailure'> {
  const numRuns = Math.ceil(usual * Number(FUZZ_TIMES));
  // Otherwise a property would pass without a run.
  if (!(numRuns > 0)) throw new Error(`FUZZ_TIMES=${FUZZ_TIMES}: must be a number above zero`);
  return {
    numRuns,
    ...(FUZZ_SEED === undefined ? {} : { seed: Number(FUZZ_SEED) }),
    ...(FUZZ_PATH === undefined ? {} : { path: FUZZ_PATH, endOnFailure: true }),
  };
}

const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype];
const PROTOTYPE_KEYS = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype));

/** No input may have changed what every object inherits. */
export function assertUnpolluted(): void {
  for (const [index, prototype] of PROTOTYPES.entries()) {
    assert.deepEqual(Reflect.ownKeys(prototype), PROTOTYPE_KEYS[index]);
  }
}

/** Words that are a property of every object, or mean something to a parser on the way. */
const AWKWARD_WORDS = ['__proto__', 'constructor', 'toString', 'valueOf', 'then', '', '0', 'a.b'];
const AWKWARD_NUMBERS = [0, -0, -1, 0.5, 1e21, -1e308, 2 ** 53, Number.MAX_VALUE, 5e-324];
const AWKWARD_TEXTS = [
  ...AWKWARD_WORDS,
  ' ',
  '\0',
  '\ud800',
  '\u202e\u001b[2J',
  'null',
  '-1',
  '9'.repeat(400),
  'x'.repeat(5_000),
];
const POLLUTION = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';

/** What may stand anywhere in a JSON document and is seldom expected there. */
export const awkwardValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, ...AWKWARD_NUMBERS),
  fc.constantFrom(...AWKWARD_TEXTS),
  fc.string({ maxLength: 12 }),
  fc.constantFrom<unknown>([], {}, [[]], [null], { a: { b: {} } }),
  fc.constant(POLLUTION).map((text): unknown => JSON.parse(text)),
  fc.constant(2_000).map((depth): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))),
);

type Edit =
  | { readonly do: 'replace'; readonly at: number; readonly value: unknown }
  | { readonly do: 'remove' | 'repeat' | 'wrap'; readonly at: number }
  | { readonly do: 'rename'; readonly at: number; readonly key: string }
  | { readonly do: 'copy'; readonly at: number; readonly from: number };

const at = fc.nat(10_000);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ do: fc.constant('replace' as const), at, value: awkwardValue }),
  fc.record({ do: fc.constantFrom('remove' as const, 'repeat' as const, 'wrap' as const), at }),
  fc.record({
    do: fc.constant('rename' as const),
    at,
    key: fc.oneof(fc.constantFrom(...AWKWARD_WORDS), fc.string({ maxLength: 8 })),
  }),
  fc.record({ do: fc.constant('copy' as const), at, from: at }),
);

/** A valid JSON document with one to four changes: values, keys, places. */
export function nearJson(document: unknown): fc.Arbitrary<unknown> {
  return fc
    .array(edit, { minLength: 1, maxLength: 4 })
    .map((edits) => edits.reduce(edited, document));
}

type Path = readonly string[];

function edited(document: unknown, change: Edit): unknown {
  const places = [...pathsOf(document)];
  const path = places[change.at % places.length] ?? [];
  switch (change.do) {
    case 'replace':
      return changedAt(document, path, ([key]) => [[key, change.value]]);
    case 'remove':
      return changedAt(document, path, () => []);
    case 'repeat':
      return changedAt(document, path, ([key, value]) => [
        [key, value],
        [`${key}2`, value],
      ]);
    case 'wrap':
      return changedAt(document, path, ([key, value]) => [[key, [value]]]);
    case 'rename':
      return changedAt(document, path, ([, value]) => [[change.key, value]]);
    case 'copy': {
      const from = places[change.from % places.length] ?? [];
      return changedAt(document, path, ([key]) => [[key, valueAt(document, from)]]);
    }
  }
}

/** Every place but the root; not beyond a depth that a change has made. */
function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null || path.length > 20) return;
  for (const [key, child] of Object.entries(value)) {
    yield [...path, key];
    yield* pathsOf(child, [...path, key]);
  }
}

function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined) return value;
  const child = Object.entries(Object(value)).find(([name]) => name === key)?.[1];
  return valueAt(child, rest);
}

type Entry = readonly [key: string, value: unknown];

/** As `JSON.parse` would have made it: a key called `__proto__` is one like any other. */
function changedAt(
  value: unknown,
  [key, ...rest]: Path,
  change: (entry: Entry) => readonly Entry[],
): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap((entry): readonly Entry[] => {
    if (entry[0] !== key) return [entry];
    return rest.length === 0 ? change(entry) : [[key, changedAt(entry[1], rest, change)]];
  });
  return Array.isArray(value) ? entries.map(([, item]) => item) : Object.fromEntries(entries);
}

type ByteEdit = {
  readonly do: 'flip' | 'cut' | 'repeat' | 'swap' | 'insert';
  readonly at: number;
  readonly length: number;
  readonly bytes: Uint8Array;
};

const byteEdit: fc.Arbitrary<ByteEdit> = fc.record({
  do: fc.constantFrom('flip', 'cut', 'repeat', 'swap', 'insert'),
  at: fc.nat(1_000_000),
  length: fc.integer({ min: 1, max: 64 }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
    fc.constantFrom('{', '}', '"', '\n', '\0', ':', ',', '[', '\\', '\u00e9').map(toBytes),
  ),
});

/** Bytes with one to six changes: flipped, cut out, repeated, swapped, put in. */
export function nearBytes(content: Uint8Array): fc.Arbitrary<Buffer> {
  return fc
    .array(byteEdit, { minLength: 1, maxLength: 6 })
    .map((edits) => edits.reduce(withByteEdit, Buffer.from(content)));
}

function withByteEdit(content: Buffer, change: ByteEdit): Buffer {
  const from = change.at % (content.length + 1);
  const to = Math.min(content.length, from + change.length);
  const [before, piece, after] = [
    content.subarray(0, from),
    content.subarray(from, to),
    content.subarray(to),
  ];
  switch (change.do) {
    case 'flip':
      return Buffer.concat([before, piece.map((byte) => byte ^ (change.bytes[0] ?? 1)), after]);
    case 'cut':
      return Buffer.concat([before, after]);
    case 'repeat':
      return Buffer.concat([before, piece, piece, after]);
    case 'swap':
      return Buffer.concat([before, after.subarray(0, 64), piece, after.subarray(64)]);
    case 'insert':
      return Buffer.concat([before, change.bytes, piece, after]);
  }
}

/** Text with the same changes; bytes that are no UTF-8 any more become U+FFFD. */
export function nearText(text: string): fc.Arbitrary<string> {
  return nearBytes(Buffer.from(text)).map((bytes) => bytes.toString());
}

function toBytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Where a stream of bytes is cut into chunks; see {@link inChunks}. */
export const cuts = fc.array(fc.nat(40), { maxLength: 12 });

/** The bytes in pieces of the given lengths, the last one taking what is left. */
export function inChunks(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(from, from + length));
    from += length;
  }
  return [...chunks, bytes.subarray(from)];
}
