import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainJson, quoted, shortened } from './plain-text.ts';

describe('plain JSON', () => {
  it('holds no character that a terminal acts on, and is the same value', () => {
    const tag = String.fromCodePoint(0xe0041);
    const value = {
      'k\u202e': ['\u001b[31m', '\u009b31m', `\u2066${tag}`, 'é 🚑', 'a\n\tb', '\\u009b'],
    };

    const compact = plainJson(value);
    const indented = plainJson(value, 2);

    assert.doesNotMatch(compact, /[\p{Cc}\p{Cf}]/u);
    assert.doesNotMatch(indented, /(?!\n)[\p{Cc}\p{Cf}]/u);
    assert.match(compact, /"\\u009b31m".*\\udb40\\udc41.*"é 🚑"/);
    assert.deepEqual(JSON.parse(compact), value);
    assert.deepEqual(JSON.parse(indented), value);
  });

  it('is what JSON makes of everything else', () => {
    const value = { a: [1, null, 'b'], c: undefined };

    assert.equal(plainJson(value), JSON.stringify(value));
    assert.equal(plainJson(value, 2), JSON.stringify(value, null, 2));
  });
});

describe('a shortened text', () => {
  for (const [name, text, expected] of [
    ['is itself where it is short enough', 'ten chars.', 'ten chars.'],
    ['ends with a word', 'one two three', 'one two…'],
    ['ends with a word that just fits', 'one two 34 five', 'one two 34…'],
    ['ends within a word that is too long', 'a incomprehensible', 'a incompre…'],
    ['holds no half of a character', '123456789🚑', '123456789…'],
  ] as const) {
    it(name, () => {
      assert.equal(shortened(text, 10), expected);
    });
  }
});

describe('a quotation', () => {
  it('is on one line, bounded, and ends where it ends', () => {
    assert.equal(quoted(' a”\n"b"\u001b «c» '.concat('x'.repeat(99)), 14), '“a’ ’b’\ufffd ’c’…”');
  });
});
