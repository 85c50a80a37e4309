import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePattern } from './pattern.ts';

describe('compilePattern', () => {
  for (const [pattern, text, expected] of [
    ['FATAL|OutOfMemory', 'java.lang.OutOfMemoryError', true],
    ['(?i)fatal', 'Fatal error', true],
    ['^\\d+ ERROR', 'x 12 ERROR', false],
    ['\\bdeadlock\\b', 'a deadlock was found', true],
  ] as const) {
    it(`${pattern} ${expected ? 'is' : 'is not'} in ${text}`, () => {
      const result = compilePattern(pattern);

      assert.equal(result.ok && result.pattern.matches(text), expected);
    });
  }

  for (const [pattern, position, message] of [
    ['ok(', 0, 'not a pattern in RE2 syntax: missing closing )'],
    ['ab[c', 2, 'not a pattern in RE2 syntax: missing closing ] in [c'],
    ['a(?=b)', 1, 'not a pattern in RE2 syntax: invalid or unsupported Perl syntax in (?='],
    ['(a)\\1', 3, 'not a pattern in RE2 syntax: invalid escape sequence in \\1'],
    ['x{1001}', 1, 'not a pattern in RE2 syntax: invalid repeat count in {1001}'],
    ['((a{100}){100}){100}', 15, 'not a pattern in RE2 syntax: invalid repeat count in {100}'],
    ['.{999}'.repeat(160), 0, 'the pattern repeats too much: matching it would take too long'],
    ['abc\\', 3, 'not a pattern in RE2 syntax: trailing backslash at end of expression'],
    ['a'.repeat(1_001), 1_000, 'the pattern is longer than 1000 characters'],
  ] as const) {
    it(`refuses ${pattern.slice(0, 30)}`, () => {
      assert.deepEqual(compilePattern(pattern), { ok: false, message, position });
    });
  }

  it('matches a hostile line without going through every way to match it', () => {
    const result = compilePattern('(a+)+$');
    // A backtracking engine would not come to an end of this within the life of the universe.
    const line = `${'a'.repeat(20_000)}b`;

    assert.equal(result.ok && result.pattern.matches(line), false);
  });
});
