import assert from 'node:assert/strict';
import { it } from 'node:test';
import { foreignText } from './foreign-text.ts';

it('words of another server cannot break out of their line, nor turn it around', () => {
  assert.equal(foreignText('no\n\u001b[2Jroot:\u202e gone\u0000 '), 'no root:\ufffd gone\ufffd');
});

it('words of another server have a bound', () => {
  assert.equal(foreignText('x'.repeat(100_000)).length, 2_000);
});
