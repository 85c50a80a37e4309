import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordableText } from '#core/remediation/tool-result.ts';
import { cleanLine, cleanText } from './foreign-text.ts';

const COLOURED = '\u001b[1mpassword\u001b[0m=hunter2hunter2\nnext';

describe('text of others', () => {
  for (const [name, clean] of Object.entries({ cleanText, cleanLine, recordableText })) {
    it(`keeps no secret that colours hide, by ${name}`, () => {
      assert.doesNotMatch(clean(COLOURED), /hunter2/);
    });
  }

  it('keeps its lines, or becomes one', () => {
    assert.deepEqual([cleanText('a\nb'), cleanLine('a\nb')], ['a\nb', 'a b']);
  });
});
