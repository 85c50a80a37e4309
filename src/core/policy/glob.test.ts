import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import { compileGlob } from './glob.ts';

function matches(glob: string, text: string, separator = false): boolean {
  const result = compileGlob(glob, separator);
  if (!result.ok) assert.fail(result.message);
  return result.matches(text);
}

describe('compileGlob', () => {
  for (const [glob, text, expected] of [
    ['web', 'web', true],
    ['web', 'web-1', false],
    ['web-*', 'web-', true],
    ['*', '', true],
    ['a*c', 'a/b/c', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a[bc]d', 'abd', true],
    ['a[!bc]d', 'abd', false],
    ['a[0-9]', 'a7', true],
    ['a[^0-9]', 'a7', false],
    ['{web,api}-{1,2}', 'api-2', true],
    ['{web,api}-{1,2}', 'api-3', false],
    ['{a,b{c,d}}', 'bd', true],
    ['{,x}y', 'y', true],
    ['a.c', 'abc', false],
    ['(a|b)', 'a', false],
    ['a+', 'aa', false],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['!a', '!a', true],
    ['a,b', 'a,b', true],
    ['a*', 'a\nb', true],
  ] as const) {
    it(`${glob} ${expected ? 'takes' : 'does not take'} ${JSON.stringify(text)}`, () => {
      assert.equal(matches(glob, text), expected);
    });
  }

  for (const [glob, text, expected] of [
    ['ghcr.io/*', 'ghcr.io/acme', true],
    ['ghcr.io/*', 'ghcr.io/acme/web', false],
    ['ghcr.io/**', 'ghcr.io/acme/web', true],
    ['**/web', 'web', true],
    ['**/web', 'ghcr.io/acme/web', true],
    ['**/web', 'cobweb', false],
    ['a?b', 'a/b', false],
    ['a[!x]b', 'a/b', false],
  ] as const) {
    it(`${glob} ${expected ? 'takes' : 'does not take'} the image ${text}`, () => {
      assert.equal(matches(glob, text, true), expected);
    });
  }

  for (const [glob, message] of [
    ['a[b', 'has a [ without its ]'],
    ['a{b', 'has a { without its }'],
    ['a}b', 'has a } without its {'],
    ['a\\', 'ends with a backslash'],
    ['[z-a]', 'holds an invalid set in brackets'],
  ] as const) {
    it(`refuses ${glob}`, () => {
      assert.deepEqual(compileGlob(glob, false), { ok: false, message });
    });
  }

  it('takes a name with no special character, and no other', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_./:@+|()$^-]{1,20}$/);
    const isItself = fc.property(name, name, (glob, text) => {
      assert.equal(matches(glob, text), glob === text);
      assert.equal(matches(glob, glob), true);
    });

    fc.assert(isItself, runs());
  });

  it('is compiled or refused, whatever it is', () => {
    const isEither = fc.property(fc.string({ maxLength: 40 }), fc.boolean(), (glob, separator) => {
      const result = compileGlob(glob, separator);
      return result.ok ? typeof result.matches('a/b') === 'boolean' : result.message !== '';
    });

    fc.assert(isEither, runs(1_000));
  });

  it('cannot be kept busy by a long name', () => {
    // A backtracking engine does not come to an end of this.
    const glob = '{*,*}*a{*,*}*a{*,*}*a*a*a*b';

    assert.equal(matches(glob, 'a'.repeat(5_000)), false);
  });
});
