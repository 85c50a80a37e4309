import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { type CelFacts, compileExpression, compileWhen } from '#core/policy/cel.ts';
import { compileDenyWindow, isDenied } from '#core/policy/deny-window.ts';
import { compileGlob } from '#core/policy/glob.ts';
import { compilePattern } from '#core/policy/pattern.ts';
import { assertUnpolluted, nearText, runs } from '../support/fuzz.ts';

const DAY_MS = 86_400_000;

/** Facts that anybody who starts a container may choose, and what is absent. */
const anyFacts: fc.Arbitrary<CelFacts> = fc.record(
  {
    memory: fc.record(
      { utilization: fc.double(), workingSet: fc.maxSafeNat() },
      { requiredKeys: [] },
    ),
    cpu: fc.record({ utilization: fc.double() }, { requiredKeys: [] }),
    network: fc.record({ rx: fc.double(), tx: fc.constantFrom(0, 1e308) }, { requiredKeys: [] }),
    health: fc.string({ maxLength: 8 }),
    state: fc.constantFrom('running', 'exited'),
    exitCode: fc.oneof(fc.integer(), fc.constantFrom(Number.NaN, 1.5)),
    oomKilled: fc.boolean(),
    container: fc.record({
      name: fc.constantFrom('web-1', '', '\ud800'),
      image: fc.string({ maxLength: 8 }),
      labels: fc.dictionary(
        fc.constantFrom('tier', '__proto__', 'constructor', 'a.b'),
        fc.string({ maxLength: 40 }),
      ),
    }),
    restarts: fc.constant(() => 3),
    logRate: fc.constant(() => undefined),
    logMatches: fc.constant(() => 2),
    logErrors: fc.constant(() => Number.NaN),
  },
  { requiredKeys: ['container', 'restarts', 'logRate', 'logMatches', 'logErrors'] },
);

const NAMES = [
  'memory.utilization',
  'memory.workingSet',
  'cpu.utilization',
  'network.rx',
  'network.tx',
  'health',
  'state',
  'exitCode',
  'oomKilled',
  'container.name',
  'container.memoryLimit',
  'container.labels["tier"]',
  'container.labels',
  'restarts("1h")',
  'log.rate("5m")',
  'log.errors("10m")',
  'log.matches("FATAL|a+", "1m")',
];
const LITERALS = [
  '1',
  '0',
  '-1',
  '2.5',
  '1e308',
  '9223372036854775807',
  '"running"',
  '"(a+)+$"',
  'true',
  '[1, 2]',
  '["a"]',
  'null',
  '{"a": 1}',
];
const OPERATORS = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||', 'in'];
const CALLS = [
  'has(_)',
  'size(_)',
  'int(_)',
  'double(_)',
  'string(_)',
  'bool(_)',
  '!(_)',
  '-(_)',
  '(_).startsWith("a")',
  '(_).matches("(a+)+$")',
  '(_).split("")',
  '(_).join(",")',
  '(_).all(x, x == _)',
  '(_).exists(x, x > 1)',
  '(_).map(x, x + x)',
  '(_).filter(x, x != _)',
  '(_)[0]',
  'least(_, 1)',
  'greatest(_, _)',
  'quantity(_)',
  'dyn(_)',
  '(_).lowerAscii()',
  '(_).substring(1)',
];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...NAMES, ...LITERALS),
    fc
      .tuple(tie('expression'), fc.constantFrom(...OPERATORS), tie('expression'))
      .map((parts) => parts.join(' ')),
    fc
      .tuple(fc.constantFrom(...CALLS), tie('expression'), tie('expression'))
      .map(([call, a, b]) => {
        let first = true;
        return call.replaceAll('_', () => {
          const part = first ? a : b;
          first = false;
          return part;
        });
      }),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
}));
const anyExpression = fc.oneof(
  expression,
  expression.chain(nearText),
  expression.map((text) => `(${text}) == (${text})`),
);

describe('an expression', () => {
  it('is refused at a place, or evaluates to a value of its type or to a reason', () => {
    const isEither = fc.property(anyExpression, anyFacts, (text, facts) => {
      const result = compileExpression(text);
      if (!result.ok) {
        assert.ok(result.position >= 0 && result.position <= text.length, `${result.position}`);
        assert.match(result.message, /column \d+ of the expression\)$/);
        return;
      }
      const { type, reads } = result.expression;
      const outcome = result.expression.evaluate(facts);
      assert.ok(outcome.ok ? isOfType(outcome.value, type) : outcome.reason !== '', `${type}`);
      for (const windowMs of [...reads.logWindowsMs, ...reads.restartWindowsMs]) {
        assert.ok(windowMs > 0 && windowMs <= 31 * DAY_MS);
      }
      assertUnpolluted();
    });

    fc.assert(isEither, runs(1_500));
  });

  it('is a condition only when it is a bool, and then says the same again', () => {
    const isSame = fc.property(anyExpression, anyFacts, (text, facts) => {
      const when = compileWhen(text);
      const value = compileExpression(text);

      assert.equal(when.ok, value.ok && value.expression.type === 'bool');
      if (!when.ok || !value.ok) return;
      const [first, second] = [when.expression.evaluate(facts), when.expression.evaluate(facts)];
      assert.deepEqual(second, first);
      assert.deepEqual(value.expression.evaluate(facts), first);
    });

    fc.assert(isSame, runs(800));
  });

  it('looks at each label once, however many a container has', () => {
    const body = fc.constantFrom('l != "x"', 'l == l + "a"', 'l.contains(l)', 'l.size() > 0');
    const loops = fc.constantFrom('all', 'exists', 'filter', 'map');
    const isRefused = fc.property(
      body,
      fc.array(loops, { minLength: 2, maxLength: 4 }),
      (inner, names) => {
        const nested = names.reduce<string>(
          (text, name) => `container.labels.${name}(l, ${text}) == container.labels`,
          inner,
        );

        assert.equal(compileExpression(nested).ok, false);
      },
    );

    fc.assert(isRefused, runs(100));
  });
});

function isOfType(value: unknown, type: string): boolean {
  if (Array.isArray(value))
    return value.every((item) => isOfType(item, type.slice('list<'.length, -1)));
  if (type === 'int') return Number.isSafeInteger(value);
  if (type === 'double') return typeof value === 'number' && Number.isFinite(value);
  return typeof value === (type === 'bool' ? 'boolean' : type);
}

const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', 'a', ''),
    fc.tuple(tie('pattern'), tie('pattern')).map((parts) => parts.join('')),
    fc.tuple(tie('pattern'), tie('pattern')).map((parts) => `(?:${parts.join('|')})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{0,3}', '*?'))
      .map(([inner, times]) => `(?:${inner})${times}`),
  ),
}));
const word = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });

describe('a pattern', () => {
  it('matches what the engine of the language matches, without its backtracking', () => {
    const isSame = fc.property(pattern, fc.boolean(), word, (source, whole, text) => {
      const anchored = whole ? `^(?:${source})$` : source;

      const result = compilePattern(anchored);

      assert.equal(result.ok && result.pattern.matches(text), new RegExp(anchored).test(text));
    });

    fc.assert(isSame, runs(1_000));
  });

  it('is refused at a place, or has a program of bounded size', () => {
    const seeds = [
      '(a+)+$',
      '\\b(FATAL|OutOfMemory)\\b',
      '^\\d{3} .*$',
      '((a{30}){30}){2}',
      '[[:alpha:]]\\pL{500}',
      '(?i)x.{400}',
    ];
    const anyPattern = fc.oneof(
      fc.constantFrom(...seeds).chain(nearText),
      fc
        .array(
          fc.constantFrom(
            ...'a b ( ) . * + ? { } [ ] | ^ $ \\ 1 , 9'.split(' '),
            '{999}',
            '\\pL',
            '(?i)',
            '(?P<x>',
          ),
          {
            maxLength: 60,
          },
        )
        .map((parts) => parts.join('')),
      fc
        .tuple(fc.constantFrom('.', '\\pL', '[^x]', 'a?'), fc.nat(1_001), fc.nat(160))
        .map(([one, times, again]) => `${one}{${times}}`.repeat(again)),
    );
    const isEither = fc.property(anyPattern, (source) => {
      const result = compilePattern(source);
      if (!result.ok) {
        assert.ok(result.position >= 0 && result.position <= source.length);
        assert.notEqual(result.message, '');
        return;
      }
      assert.ok(RE2JS.compile(source).programSize() <= 4_000);
      assert.equal(typeof result.pattern.matches('aaaaaaaaab'), 'boolean');
    });

    fc.assert(isEither, runs(200));
  });
});

describe('a glob', () => {
  const part = fc.constantFrom(
    'a',
    'b',
    '/',
    '*',
    '**',
    '?',
    '[ab]',
    '[!a]',
    '{a,b}',
    '{a,}',
    '\\*',
  );
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 8 });

  it('takes what a matcher takes that tries every way', () => {
    const isSame = fc.property(fc.array(part, { maxLength: 8 }), text, (parts, name) => {
      const result = compileGlob(parts.join('').replaceAll('***', '**'), false);

      assert.equal(result.ok && result.matches(name), takes(parts, name));
    });

    fc.assert(isSame, runs(1_000));
  });

  it('is refused, or has a program that grows with its length alone', () => {
    const isEither = fc.property(
      fc.array(
        fc.oneof(part, fc.constantFrom('{', '}', '[', ']', ',', '!', '\\', '{{a,b},{a,b}}')),
        { maxLength: 60 },
      ),
      fc.boolean(),
      (parts, separator) => {
        const result = compileGlob(parts.join(''), separator);
        return result.ok
          ? typeof result.matches('a/b'.repeat(100)) === 'boolean'
          : result.message !== '';
      },
    );

    fc.assert(isEither, runs(200));
  });
});

/** Tries every way: exponential, and so short that one sees that it is right. */
function takes([part, ...rest]: readonly string[], text: string): boolean {
  if (part === undefined) return text === '';
  const ends = Array.from({ length: text.length + 1 }, (_, length) => length);
  if (part.startsWith('**') || part === '*')
    return ends.some((end) => takes(rest, text.slice(end)));
  if (part === '{a,}' && takes(rest, text)) return true;
  const allowed = {
    '?': /./,
    '[ab]': /[ab]/,
    '[!a]': /[^a]/,
    '{a,b}': /[ab]/,
    '{a,}': /a/,
    '\\*': /\*/,
  }[part];
  const isTaken = text !== '' && (allowed?.test(text[0] ?? '') ?? part === text[0]);
  return isTaken && takes(rest, text.slice(1));
}

describe('a deny window', () => {
  it('is refused, or answers at any instant with a later one', () => {
    const source = fc
      .constantFrom(
        '0 9 * * 1-5 / 8h Europe/Berlin',
        '*/15 0-6 1,15 * * / 10m',
        '0 0 29 2 * / 31d UTC',
        '0 2 * 3 SUN / 1h America/New_York',
      )
      .chain((text) => fc.oneof(fc.constant(text), nearText(text)));
    const instant = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
    const isEither = fc.property(source, instant, (text, wallMs) => {
      const result = compileDenyWindow(text);
      if (!result.ok) {
        assert.notEqual(result.message, '');
        return;
      }
      const { denied, untilMs } = isDenied(result.window, wallMs);
      assert.equal(denied, untilMs !== undefined);
      if (untilMs !== undefined) assert.ok(untilMs > wallMs && Number.isSafeInteger(untilMs));
    });

    fc.assert(isEither, runs(300));
  });
});
