import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { buildAutomaton } from './automaton.ts';
import { ALNUM, DIGIT, LOWER_HEX, setsAt } from './characters.ts';
import { FORMATS } from './formats.ts';
import { scanText } from './scan.ts';

const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));

/** Something of a format: as many different characters as it may have, mixed without chance. */
function anExample(rest: number, length: number): string {
  const characters = ASCII.filter((character) => (setsAt(character, 0) & rest) !== 0);
  const step = [7, 11, 13].find((prime) => characters.length % prime !== 0) ?? 1;
  return Array.from({ length }, (_, at) => characters[(at * step + 3) % characters.length]).join(
    '',
  );
}

describe('the formats', () => {
  it('are found, each', () => {
    for (const { prefix, rest, min, form } of FORMATS) {
      if (form !== undefined) continue;
      const secret = prefix + anExample(rest, min);
      const text = `read ${secret} here`;

      const covers = scanText(text, true).found.some(
        ({ start, end }) => start <= 5 && end >= 5 + secret.length,
      );

      assert.ok(covers, text);
    }
  });

  it('are found in the form that they have, where more than their characters is known', () => {
    const hex = anExample(LOWER_HEX | DIGIT, 40);
    const letters = anExample(ALNUM, 93);

    for (const [secret, isOne] of [
      [`SG.${letters.slice(0, 22)}.${letters.slice(22, 65)}`, true],
      [`SG.${letters.slice(0, 22)}..${letters.slice(22, 48)}`, false],
      [`dapi${hex.slice(0, 32)}`, true],
      [`dapi${hex.slice(0, 32)}-2`, true],
      [`dapi${hex.slice(0, 34)}`, false],
      [`sgp_local_${hex}`, true],
      [`sgp_${hex}`, true],
      [`sgp_site_${hex}`, false],
      [`sk-ant-api03-${letters}AA`, true],
      [`sk-ant-oat01-${letters}`, true],
      [`sk-ant-api03-${letters.slice(0, 60)}AA`, false],
    ] as const) {
      const { found } = scanText(`read ${secret} here`, true);

      assert.equal(
        found.some(({ kind }) => kind !== 'random'),
        isOne,
        secret,
      );
    }
  });

  it('are not found in the examples of a manual', () => {
    for (const { prefix, min, distinct } of FORMATS) {
      if (distinct < 2) continue;

      assert.deepEqual(scanText(`use ${prefix}${'x'.repeat(min)} here`, true).found, []);
    }
  });
});

describe('the automaton', () => {
  it('finds what a search for each pattern finds', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '-'), maxLength: 40 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '-'), minLength: 1, maxLength: 4 });
    const isSame = fc.property(fc.uniqueArray(pattern, { minLength: 1 }), letters, (all, text) => {
      const { next, classes, firstFinal, endings, stride } = buildAutomaton(all);
      const found = new Set<string>();
      let state = 0;
      for (let at = 0; at < text.length; at += 1) {
        state = next[state + (classes[text.charCodeAt(at)] ?? 0)] ?? 0;
        const ending = state < firstFinal ? [] : (endings[(state - firstFinal) / stride] ?? []);
        for (const index of ending) found.add(`${all[index]} to ${at + 1}`);
      }

      const expected = new Set<string>();
      for (const one of all) {
        for (let end = one.length; end <= text.length; end += 1) {
          if (text.slice(end - one.length, end).toLowerCase() === one)
            expected.add(`${one} to ${end}`);
        }
      }
      assert.deepEqual([...found].sort(), [...expected].sort());
    });

    fc.assert(isSame, { numRuns: 200 });
  });
});
