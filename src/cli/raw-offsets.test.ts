import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withoutAnsi } from '#lib/ansi.ts';
import { RawOffsets } from './raw-offsets.ts';

it('a place in plain text is found in the text that it was made of', () => {
  const raw = '\x1b[1mé😀\x1b[0m=\x1b]0;título\x07\x1b[31mvalue\x1b[0m end';
  const plain = withoutAnsi(raw);
  const from = plain.indexOf('value');
  const offsets = new RawOffsets();
  offsets.push(raw.slice(0, 12));
  offsets.forgetTo(2);
  offsets.push(raw.slice(12));

  const place = [offsets.startOf(from), offsets.endOf(from + 'value'.length)];

  assert.equal(plain, 'é😀=value end');
  assert.equal(
    Array.from(raw)
      .slice(...place)
      .join(''),
    'value',
  );
});
