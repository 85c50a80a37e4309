import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withoutAnsi } from './ansi.ts';

describe('withoutAnsi', () => {
  for (const [name, text, plain] of [
    ['colours', '\u001b[1;31mred\u001b[0m', 'red'],
    ['the one-byte introducer', '\u009b31mred', 'red'],
    ['cursor movements', 'a\u001b[2Kb\u001b[10;20Hc', 'abc'],
    ['a title', '\u001b]0;a title\u0007text', 'text'],
    ['a link', '\u001b]8;;https://example.com\u001b\\text', 'text'],
    ['a change of character set', '\u001b(Btext', 'text'],
  ] as const) {
    it(`takes out ${name}`, () => {
      assert.equal(withoutAnsi(text), plain);
    });
  }

  it('leaves text as it is', () => {
    assert.equal(withoutAnsi('array[0] = [1mB] (B) ü'), 'array[0] = [1mB] (B) ü');
  });
});
