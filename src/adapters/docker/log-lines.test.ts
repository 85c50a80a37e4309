import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RuntimeUnavailableError } from '#core/errors.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import { cuts, inChunks, nearBytes, runs } from '../../../test/support/fuzz.ts';
import { createLogAssembler } from './log-lines.ts';
import { parseNanos } from './rfc3339.ts';

const T1 = '2026-11-24T05:51:19.675165858Z';
const T2 = '2026-11-24T05:51:19.675165859Z';
const T3 = '2026-11-24T05:51:20.000000001Z';

function frame(stream: 1 | 2 | 3, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

function assemble(
  chunks: readonly Buffer[],
  options: Partial<Parameters<typeof createLogAssembler>[0]> = {},
): LogLine[] {
  const assembler = createLogAssembler({ tty: false, lineBytesMax: 100, ...options });
  return [...chunks.flatMap((chunk) => assembler.push(chunk)), ...assembler.flush()];
}

const textsOf = (lines: readonly LogLine[]) => lines.map(({ text }) => text);

describe('lines of a container without a terminal', () => {
  it('joins the pieces of a line, each stream for itself', () => {
    const chunks = [
      frame(1, `${T1} out-`),
      frame(2, `${T2} err\n`),
      frame(1, `${T1} put\n`),
      frame(1, `${T3} \n`),
    ];

    const lines = assemble(chunks);

    assert.deepEqual(lines, [
      { timestamp: T2, stream: 'stderr', text: 'err', truncated: false },
      { timestamp: T1, stream: 'stdout', text: 'out-put', truncated: false },
      { timestamp: T3, stream: 'stdout', text: '', truncated: false },
    ]);
  });

  it('ends a line that never got its line break when another instant begins', () => {
    const lines = assemble([frame(1, `${T1} unterminated`), frame(1, `${T3} next run\n`)]);

    assert.deepEqual(textsOf(lines), ['unterminated', 'next run']);
  });

  it('cuts a line at the cap, over all its pieces', () => {
    const pieces = ['a', 'b', 'c'].map((letter) => frame(1, `${T1} ${letter.repeat(60)}`));

    const lines = assemble([...pieces, frame(1, `${T1} end\n`), frame(1, `${T3} short\n`)]);

    assert.equal(lines[0]?.text, 'a'.repeat(60) + 'b'.repeat(40));
    assert.deepEqual(
      lines.map(({ truncated }) => truncated),
      [true, false],
    );
  });

  it('leaves out what is not later than the line that it resumes after', () => {
    const chunks = [T1, T2, T3].map((stamp) => frame(1, `${stamp} ${stamp}\n`));

    const after = parseNanos(T2);
    const lines = assemble(chunks, after === undefined ? {} : { after });

    assert.deepEqual(textsOf(lines), [T3]);
  });

  it('fails when the daemon says in the stream that it cannot go on', () => {
    const chunks = [frame(1, `${T1} fine\n`), frame(3, 'error from daemon in stream: broken\n')];

    assert.throws(() => assemble(chunks), RuntimeUnavailableError);
  });

  it('replaces bytes that are no text, and keeps control characters for others to judge', () => {
    const line = Buffer.concat([
      Buffer.from(`${T1} `),
      Buffer.from([0xff, 0x1b, 0x5b, 0x41, 0x0a]),
    ]);
    const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, line.length]);

    const lines = assemble([Buffer.concat([header, line])]);

    assert.deepEqual(textsOf(lines), ['\uFFFD\u001B[A']);
  });
});

describe('lines of a container with a terminal', () => {
  it('takes off the carriage return, and knows one stream', () => {
    const chunks = [Buffer.from(`${T1} one\r\n${T2} tw`), Buffer.from(`o\r\n${T3} prompt>`)];

    const lines = assemble(chunks, { tty: true });

    assert.deepEqual(textsOf(lines), ['one', 'two', 'prompt>']);
    assert.ok(lines.every(({ stream, truncated }) => stream === 'stdout' && !truncated));
  });

  it('takes out the timestamp before each further piece of a long line', () => {
    const piece = 'x'.repeat(16_384);
    const raw = Buffer.from(`${T1} ${piece}${T1} ${piece}${T1} end\r\n`);

    const [line] = assemble([raw], { tty: true, lineBytesMax: 40_000 });

    assert.equal(line?.text, `${piece}${piece}end`);
    assert.equal(line?.truncated, false);
  });

  it('finds the first line of the next run behind an unterminated one', () => {
    const raw = Buffer.from(`${T1} unterminated${T3} next run\r\n`);
    const after = parseNanos(T1);

    const resumed = assemble([raw], { tty: true, ...(after !== undefined && { after }) });
    const whole = assemble([raw], { tty: true });

    assert.deepEqual(textsOf(resumed), ['next run']);
    // Elsewhere the container itself may have written what looks like a timestamp.
    assert.deepEqual(textsOf(whole), [`unterminated${T3} next run`]);
  });

  it('cuts a line at the cap', () => {
    const raw = Buffer.from(`${T1} ${'y'.repeat(300)}\r\n${T2} z\r\n`);

    const lines = assemble([raw], { tty: true });

    assert.deepEqual(
      lines.map(({ text, truncated }) => [text.length, truncated]),
      [
        [100, true],
        [1, false],
      ],
    );
  });
});

describe('a log stream that arrives anyhow', () => {
  const word = fc.string({ unit: fc.constantFrom('a', ' ', 'ü', '\r', '🚑'), maxLength: 30 });
  const messages = fc.array(fc.tuple(fc.constantFrom(1, 2), word, fc.boolean()), { maxLength: 12 });

  it('gives the same lines as in one piece, with a terminal and without', () => {
    const isSame = fc.property(messages, cuts, fc.boolean(), (written, lengths, tty) => {
      const bytes = tty ? rawLog(written) : framedLog(written);

      const whole = assemble([bytes], { tty });
      const pieces = assemble(inChunks(bytes, lengths), { tty });

      assert.deepEqual(pieces, whole);
    });

    fc.assert(isSame, runs(100));
  });

  it('is refused as unusable, or gives lines no longer than they may be', () => {
    const valid = fc.tuple(messages, fc.boolean());
    const stream = valid.chain(([written, tty]) =>
      fc.record({
        tty: fc.constant(tty),
        bytes: nearBytes(tty ? rawLog(written) : framedLog(written)),
        after: fc.constantFrom(undefined, parseNanos(T1)),
      }),
    );
    const isBounded = fc.property(stream, cuts, ({ tty, bytes, after }, lengths) => {
      const options = { tty, lineBytesMax: 20, ...(after === undefined ? {} : { after }) };
      try {
        for (const { text, timestamp } of assemble(inChunks(bytes, lengths), options)) {
          assert.notEqual(parseNanos(timestamp), undefined);
          assert.ok(!text.includes('\n') || !tty);
          // A character that was cut becomes U+FFFD: up to three bytes for one.
          assert.ok(Buffer.byteLength(text) <= 3 * 20);
        }
      } catch (error) {
        assert.ok(error instanceof RuntimeUnavailableError);
      }
    });

    fc.assert(isBounded, runs(100));
  });
});

type Written = readonly (readonly [stream: number, text: string, ends: boolean])[];

function framedLog(written: Written): Buffer {
  return Buffer.concat(
    written.map(([stream, text, ends]) =>
      frame(stream === 1 ? 1 : 2, `${T1} ${text}${ends ? '\n' : ''}`),
    ),
  );
}

function rawLog(written: Written): Buffer {
  return Buffer.from(written.map(([, text]) => `${T1} ${text}\r\n`).join(''));
}
