import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type MarkedText, readMarkedTexts } from '../../../test/support/marked-texts.ts';
import { createRedactor } from './redactor.ts';

/** Whether every character of the secret is taken out; without one, whether any character is. */
function isFound({ text, secret }: MarkedText): boolean {
  const found = createRedactor().find(text);
  if (secret === undefined) return found.length > 0;
  let covered = secret.start;
  for (const { start, end } of found) if (start <= covered && end > covered) covered = end;
  return covered >= secret.end;
}

// Synthetic texts of all the places where secrets stand, and of what only looks like them. They
// hold the rules to a share, so that a text is no reason to write a rule for it alone.
describe('redaction of texts of many kinds', () => {
  it('finds 19 of 20 secrets', () => {
    const texts = readMarkedTexts('redaction/secret.txt');

    const missed = texts.filter((text) => !isFound(text));

    assert.ok(texts.every(({ secret }) => secret !== undefined));
    assert.ok(missed.length * 20 <= texts.length, JSON.stringify(missed, undefined, 2));
  });

  it('takes out something of at most one harmless text in 50', () => {
    const texts = readMarkedTexts('redaction/harmless.txt');

    const altered = texts.filter(isFound);

    assert.ok(altered.length * 50 <= texts.length, JSON.stringify(altered, undefined, 2));
  });
});
