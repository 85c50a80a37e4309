import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitsStrict, wireSchema } from './wire-schema.ts';

const CLOSED = {
  type: 'object',
  properties: { title: { type: 'string' }, count: { type: 'integer' } },
  required: ['title', 'count'],
  additionalProperties: false,
} as const;

describe('the schema that is sent', () => {
  it('leaves out what constrained decoding does not know, and keeps the rest', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        // Names of properties, though they read like keywords.
        title: { type: 'string', maxLength: 20, description: 'Short.' },
        pattern: { enum: ['minimum', 'maximum'] },
        list: { type: 'array', maxItems: 4, items: { type: 'number', minimum: 0 } },
      },
      required: ['title', 'pattern', 'list'],
      additionalProperties: false,
    };

    const sent = wireSchema(schema);

    assert.deepEqual(sent, {
      type: 'object',
      properties: {
        title: { type: 'string', description: 'Short.' },
        pattern: { enum: ['minimum', 'maximum'] },
        list: { type: 'array', items: { type: 'number' } },
      },
      required: ['title', 'pattern', 'list'],
      additionalProperties: false,
    });
  });
});

describe('strict decoding', () => {
  for (const [name, schema, expected] of [
    ['takes a closed object', CLOSED, true],
    ['refuses an open object', { ...CLOSED, additionalProperties: true }, false],
    ['refuses an optional property', { ...CLOSED, required: ['title'] }, false],
    ['refuses an open object further down', { type: 'array', items: { type: 'object' } }, false],
    [
      'refuses an optional property behind a reference',
      { $ref: '#/$defs/a', $defs: { a: { ...CLOSED, required: [] } } },
      false,
    ],
    ['refuses a list of types', { type: ['string', 'null'] }, false],
    ['takes alternatives', { anyOf: [{ type: 'string' }, { type: 'null' }] }, true],
    ['refuses six alternatives', { anyOf: Array(6).fill({ type: 'null' }) }, false],
    ['takes what stands in an enumeration as it is', { enum: [{ type: ['a'] }] }, true],
  ] as const) {
    it(name, () => assert.equal(fitsStrict(schema), expected));
  }
});
