import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPlaceholders } from './placeholder.ts';

const many = Array.from({ length: 20_000 }, (_, index) => `secret-${index.toString(36)}`);

describe('placeholders', () => {
  it('are another one for each secret, however alike they are', () => {
    const placeholders = createPlaceholders();

    const given = many.map((secret) => placeholders.placeholderFor(secret, 'token'));

    assert.equal(new Set(given).size, many.length);
  });

  it('are the same for a secret that comes again after 2,000 others', () => {
    const placeholders = createPlaceholders();
    const first = placeholders.placeholderFor('again', 'password');

    const later = many.map((secret, index) => {
      placeholders.placeholderFor(secret, 'token');
      return index % 2_000 === 0 ? placeholders.placeholderFor('again', 'token') : first;
    });

    assert.deepEqual(new Set(later), new Set([first]));
  });

  it('begin anew for a secret that was forgotten', () => {
    const placeholders = createPlaceholders();
    const first = placeholders.placeholderFor('again', 'password');

    for (const secret of many) placeholders.placeholderFor(secret, 'token');

    assert.notEqual(placeholders.placeholderFor('again', 'password'), first);
  });
});
