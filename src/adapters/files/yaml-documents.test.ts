import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import { parseYamlFile } from './yaml-documents.ts';

function parse(text: string) {
  return parseYamlFile('p.yaml', Buffer.from(text));
}

describe('parseYamlFile', () => {
  it('knows where every value and key stands', () => {
    const text = ['# comment', 'a: &x [1, {b: "c"}]', 'd: *x', '---', 'e:', '  - f: |', '      g'];
    const [first, second] = parse(text.join('\n')).documents;

    assert.deepEqual(first?.value, { a: [1, { b: 'c' }], d: [1, { b: 'c' }] });
    assert.deepEqual(first?.positionOf([]), { line: 2, column: 1 });
    assert.deepEqual(first?.positionOf(['a', 0]), { line: 2, column: 8 });
    assert.deepEqual(first?.positionOf(['a', 1, 'b']), { line: 2, column: 15 });
    assert.deepEqual(first?.positionOf(['a', 1, 'b'], 'key'), { line: 2, column: 12 });
    assert.deepEqual(first?.positionOf(['d']), { line: 3, column: 4 });
    // Inside an alias: where the anchor was written.
    assert.deepEqual(first?.positionOf(['d', 1, 'b']), { line: 2, column: 15 });
    assert.deepEqual(second?.positionOf(['e', 0], 'key'), { line: 6, column: 5 });
  });

  it('gives the nearest place that exists for what does not', () => {
    const [document] = parse('a:\n  b: 1\n').documents;

    assert.deepEqual(document?.positionOf(['a', 'x', 'y']), { line: 2, column: 3 });
    assert.deepEqual(document?.positionOf(['a', 'b', 'y']), { line: 2, column: 6 });
  });

  it('reads YAML 1.2: yes is a string, 0o17 is 15', () => {
    assert.deepEqual(parse('[yes, 0o17, 0x1f, ~, 1e3, 2026-01-01]').documents[0]?.value, [
      'yes',
      15,
      31,
      null,
      1000,
      '2026-01-01',
    ]);
  });

  it('leaves out documents without content', () => {
    const { documents, problems } = parse('# nothing\n---\n---\na: 1\n...\n---\n# the end\n');

    assert.deepEqual(
      documents.map(({ value }) => value),
      [{ a: 1 }],
    );
    assert.deepEqual(problems, []);
  });

  for (const [text, line, column, message] of [
    ['a: 1\nb: 2\na: 3', 3, 1, 'the key a stands here twice'],
    ['a: 1\n1: 2\n"1": 3', 3, 1, 'the key 1 stands here twice'],
    ['a: [1,', 1, 7, 'unexpected end of the stream within a flow collection'],
    ['a: !python/object x', 1, 4, 'unknown scalar tag !<!python/object>'],
    ['a: "x\\ud800"', 1, 4, 'holds half of a surrogate pair'],
    ['a: 1\n"\\udc00": 2', 2, 1, 'holds half of a surrogate pair'],
    ['a: *nope', 1, 4, 'there is no anchor nope before this'],
    ['a: &x [1, *x]', 1, 11, 'the alias x stands inside what it stands for'],
    ['a:\n  ? [1]\n  : 2', 2, 5, 'a key must be a plain text'],
    ['a:\n  __proto__: 1', 2, 3, 'no key may be called __proto__'],
    ['a:\n  <<: {b: 1}', 2, 3, 'YAML 1.2 knows no merge key <<'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const { documents, problems } = parse(text);

      assert.deepEqual(documents, []);
      assert.deepEqual(problems, [
        { file: 'p.yaml', line, column, path: '', message, severity: 'error' },
      ]);
    });
  }

  it('refuses what is too large, too deep or too many', () => {
    const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let index = 1; index < 8; index += 1) {
      const alias = `*a${index - 1}`;
      laughs.push(`a${index}: &a${index} [${Array.from({ length: 9 }, () => alias).join(', ')}]`);
    }
    const cases = [
      ['x'.repeat(1_048_577), 'is larger than 1048576 bytes'],
      ['---\na: 1\n'.repeat(257), 'holds more than 256 documents'],
      [laughs.join('\n'), 'holds more than 100000 values'],
      [`a: &x 1\nb: [${Array.from({ length: 65 }, () => '*x').join(', ')}]`, 'aliases'],
      ['['.repeat(100), 'nest'],
    ] as const;

    for (const [text, message] of cases) {
      const { documents, problems } = parse(text);

      assert.deepEqual(documents, []);
      assert.match(problems[0]?.message ?? '', new RegExp(message));
    }
  });

  it('refuses bytes that are not UTF-8', () => {
    const { problems } = parseYamlFile('p.yaml', Uint8Array.of(0x61, 0x3a, 0x20, 0xff));

    assert.equal(problems[0]?.message, 'is not UTF-8');
  });

  it('never throws, whatever the bytes', () => {
    const words =
      'a|: |\n|- |[|]|{|}|&x |*x|!t |"|\'|>|\t|? |#|---\n|...\n|%YAML 1.2\n|\0|\r|, |<<|0|\u{1F600}';
    const bits = fc.constantFrom(...words.split('|'), '|');
    const texts = fc.array(bits, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')));
    const bytes = fc.oneof(texts, fc.uint8Array({ maxLength: 200 }));
    const isToldOrRead = fc.property(bytes, (input) => {
      const { documents, problems } = parseYamlFile('p.yaml', input);
      for (const document of documents) document.positionOf(['a', 0, 'b']);
      return problems.every(({ line, column }) => line >= 1 && column >= 1);
    });

    fc.assert(isToldOrRead, runs(3_000));
  });

  it('finds a value at the place that it gives', () => {
    const key = fc.stringMatching(/^[a-z]{1,8}$/);
    const rows = fc.uniqueArray(fc.tuple(key, key), { selector: ([name]) => name, minLength: 1 });
    const pointsThere = fc.property(rows, fc.nat(4), (pairs, blanks) => {
      const text = `${'\n'.repeat(blanks)}top:\n${pairs.map(([k, v]) => `  ${k}:   v${v}\n`).join('')}`;
      const lines = text.split('\n');
      const [document] = parse(text).documents;
      for (const [name, value] of pairs) {
        const { line, column } = document?.positionOf(['top', name]) ?? { line: 0, column: 0 };
        assert.equal(lines[line - 1]?.slice(column - 1), `v${value}`);
      }
    });

    fc.assert(pointsThere, runs());
  });
});
