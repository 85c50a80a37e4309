import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LogMiner } from './log-miner.ts';
import { LogScanner } from './log-scan.ts';
import { currentTemplate, templateText } from './log-template.ts';

/** The texts of the templates that a new miner finds in the lines, in the order of appearance. */
function textsOf(...lines: readonly string[]): string[] {
  const miner = new LogMiner();
  for (const line of lines) miner.add(line);
  return miner.templates().map(templateText);
}

/** Words, values and marks as lines have them, so that patterns meet. */
const aLine = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'user',
        'alice',
        'bob',
        'for',
        'failed',
        'the',
        'IDLE',
        '=',
        ':',
        '(',
        '"',
        '/',
      ),
      fc.constantFrom('17', '10.0.0.1', 'node-3', '/etc/x', '0xff', 'a@b.example', '12:30:01', ''),
      fc.string({ maxLength: 5 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(' '));

describe('the template of one line', () => {
  for (const [name, line, text] of [
    ['numbers, with sign and unit', 'took -1.5 s, 40ms, 30%', 'took <*> s, <*>, <*>%'],
    ['hexadecimal numbers', 'at 0x7ffe, id 9f8a03bc', 'at <*>, id <*>'],
    ['paths', 'open /etc/hosts. ~/x ./y', 'open <*>. <*> <*>'],
    ['a path on a drive', 'in C:\\Temp\\a.txt now', 'in <*> now'],
    ['addresses with ports', 'from 10.0.0.1:80 to db.example:5432', 'from <*>:<*> to <*>:<*>'],
    ['an address behind a scheme', 'GET https://a.example/b?c=1 now', 'GET https://<*> now'],
    ['accounts at hosts', 'mail bob@b.example sent', 'mail <*> sent'],
    ['MAC and IPv6 addresses', 'dev fa:ca:de:00:11:22 via fe80::1:2:3:4', 'dev <*> via <*>'],
    ['times of day', 'at 07:07:00', 'at <*>:<*>:<*>'],
    ['dates as one value', 'at Fri Jun 17 07:07:00 2005 x', 'at <*>:<*>:<*> <*> x'],
    ['numbered names', 'node-17 cpu#3 core.12', 'node-<*> cpu#<*> core.<*>'],
    ['ranges', 'nodes 10-20', 'nodes <*>-<*>'],
    ['lists', 'fans 1 2 3 and 4, 5', 'fans <*> <*> <*> and <*>, <*>'],
    ['what is too long for a word', `got ${'x'.repeat(200)} now`, 'got <*> now'],
    ['values that look like words', 'set to null by ROOT', 'set to <*> by <*>'],
  ] as const) {
    it(`has a place for ${name}`, () => {
      assert.deepEqual(textsOf(line), [text]);
    });
  }

  for (const line of [
    'L2 ssh2 HttpServer2$Inner',
    'f() a=() -> ...',
    'I/O error or n/a',
    'cannot',
  ]) {
    it(`leaves ${line} as it is`, () => {
      assert.deepEqual(textsOf(line), [line]);
    });
  }
});

describe('the templates of several lines', () => {
  it('have a value where a key or a user has another one', () => {
    const keys = textsOf('job ended code=a by x', 'job ended code=b by x');
    const users = textsOf('session opened for user alice', 'session opened for user bob');

    assert.deepEqual(keys, ['job ended code=<*> by x']);
    assert.deepEqual(users, ['session opened for user <*>']);
  });

  it('have a value where one line has a number and another a name', () => {
    const texts = textsOf('container web-1 has started', 'container worker has started');

    assert.deepEqual(texts, ['container <*> has started']);
  });

  it('take a word for a value only when enough others stood there', () => {
    const line = (word: string) => `the ${word} rule was applied here`;

    const few = textsOf(...['red', 'blue', 'green'].map(line));
    const many = textsOf(...['red', 'blue', 'green', 'grey'].map(line));

    assert.equal(few.length, 3);
    assert.deepEqual(many, [line('<*>')]);
  });

  it('keep apart lines that begin with other words, also after a time and a level', () => {
    const lines = ['Loading', 'Parsing', 'Checking', 'Merging', 'Writing'].map(
      (verb, at) => `2026-11-24 12:00:0${at} INFO ${verb} the tables of the shop`,
    );

    assert.equal(textsOf(...lines).length, lines.length);
  });

  it('never join lines that say how it went', () => {
    const lines = ['ok', 'failed', 'denied', 'refused', 'aborted'].map(
      (verdict) => `the request of user 5 ${verdict} with status=${verdict}`,
    );

    assert.equal(textsOf(...lines).length, lines.length);
  });

  it('keep states apart, whatever their names', () => {
    const texts = textsOf(
      'pod=a state=Running now',
      'pod=b state=Running now',
      'pod=b state=Evicted now',
    );

    assert.deepEqual(texts, ['pod=<*> state=Running now', 'pod=b state=Evicted now']);
  });

  it('keep apart what happened, and join to whom', () => {
    const texts = textsOf(
      '{"msg":"started","host":"a"}',
      '{"msg":"drained","host":"a"}',
      '{"msg":"drained","host":"b"}',
    );

    assert.deepEqual(texts, ['{"msg":"started","host":"a"}', '{"msg":"drained","host":"<*>"}']);
  });

  it('join lists of any length and values that are missing', () => {
    const texts = textsOf(
      'deleted 1',
      'deleted 1 2 3',
      'from 10.0.0.1 (a7.example) x',
      'from 10.0.0.1 () x',
    );

    assert.deepEqual(texts, ['deleted <*>', 'from <*> (<*>) x']);
  });

  it('take a changing unit into the value', () => {
    assert.deepEqual(textsOf('saved 5 kB now', 'saved 7 MB now'), ['saved <*> now']);
  });

  it('tell what an earlier template became', () => {
    const miner = new LogMiner();
    const [first] = ['ann', 'ben', 'cy', 'dan'].map((name) =>
      miner.add(`the colour ${name} is in use`),
    );
    assert.ok(first);

    const current = currentTemplate(first);

    assert.equal(templateText(current), 'the colour <*> is in use');
    assert.equal(current.count, 4);
  });
});

describe('a miner', () => {
  it('takes any text', () => {
    const anyText = fc.oneof(
      fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
      fc.string(),
      fc.constantFrom('', ' ', '\0', '\ud800', 'x'.repeat(100_000), '= '.repeat(9_999)),
    );
    const takes = fc.property(fc.array(anyText), (lines) => {
      const miner = new LogMiner();
      for (const line of lines) templateText(miner.add(line));
    });

    fc.assert(takes, { numRuns: 30 });
  });

  it('gives equal lines the same template, whatever came between', () => {
    const same = fc.property(aLine, fc.array(aLine, { maxLength: 30 }), (line, others) => {
      const miner = new LogMiner();
      const before = miner.add(line);
      for (const other of others) miner.add(other);
      return currentTemplate(before) === miner.add(line);
    });

    fc.assert(same);
  });

  it('tells patterns apart that have half of the key in common', () => {
    const lines = ['kbk oksf went away', 'xop xatf went away'] as const;
    const scanner = new LogScanner();
    const keys = lines.map((line) => {
      scanner.read(line);
      return scanner.keyHigh;
    });
    assert.equal(keys[0], keys[1], 'find other lines: the key is computed in another way now');

    assert.deepEqual(textsOf(...lines), lines);
  });

  it('counts each line once and lists no merged template', () => {
    const counts = fc.property(fc.array(aLine, { maxLength: 30 }), (lines) => {
      const miner = new LogMiner();
      for (const line of lines) miner.add(line);
      const templates = miner.templates();
      assert.equal(
        templates.reduce((sum, { count }) => sum + count, 0),
        lines.length,
      );
      assert.ok(templates.every((template) => currentTemplate(template) === template));
    });

    fc.assert(counts);
  });

  it('finds the same in the same lines', () => {
    const deterministic = fc.property(fc.array(aLine), (lines) => {
      assert.deepEqual(textsOf(...lines), textsOf(...lines));
    });

    fc.assert(deterministic);
  });

  for (const limits of [
    { patternsMax: 50, tokensMax: 10_000 },
    { patternsMax: 10_000, tokensMax: 400 },
  ]) {
    it(`stays within ${JSON.stringify(limits)} when no line is like another`, () => {
      const bounded = fc.property(fc.array(aLine, { minLength: 200, maxLength: 300 }), (lines) => {
        const miner = new LogMiner(limits);
        for (const line of lines) {
          miner.add(line);
          const { patterns, tokens } = miner.size();
          assert.ok(patterns <= limits.patternsMax && tokens <= limits.tokensMax);
        }
        const kept = miner.templates().map((template) => template.tokens.length);
        assert.equal(
          kept.reduce((sum, tokens) => sum + tokens, 0),
          miner.size().tokens,
        );
      });

      fc.assert(bounded, { numRuns: 10 });
    });
  }

  it('forgets what it has not seen for longest', () => {
    const miner = new LogMiner({ patternsMax: 8, tokensMax: 1_000 });
    const often = miner.add('a b');
    const once = miner.add('c d');
    for (const letter of 'efghijklmnop') {
      miner.add(`${letter} z`);
      miner.add('a b');
    }

    const [again, anew] = [miner.add('a b'), miner.add('c d')];

    assert.equal(again, often);
    assert.notEqual(anew, once);
  });
});
