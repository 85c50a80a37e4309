import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { prepareSchemas } from './tool-schemas.ts';

async function problems(properties: object, args: unknown) {
  const inputSchema = { type: 'object' as const, properties };
  const schemas = await prepareSchemas([{ name: 'x', inputSchema }]);
  return schemas.get('x')?.problems(args);
}

describe('the schema of another server', () => {
  it('is checked in time linear in the text, whatever its pattern', async () => {
    const text = `${'a'.repeat(50_000)}!`;
    const began = performance.now();

    const found = await problems({ a: { pattern: String.raw`^(\w+\s?)*$` } }, { a: text });

    assert.deepEqual(found, [String.raw`a: must match pattern "^(\w+\s?)*$"`]);
    assert.ok(performance.now() - began < 5_000);
  });

  it('has each of its patterns checked by itself', async () => {
    const properties = { a: { pattern: '^a$' }, b: { pattern: '^b$' } };

    assert.deepEqual(await problems(properties, { a: 'a', b: 'b' }), []);
    assert.deepEqual(await problems(properties, { a: 'a', b: 'a' }), [
      'b: must match pattern "^b$"',
    ]);
  });

  it('lets nothing pass when a pattern of it is not known here', async () => {
    const found = await problems({ a: { pattern: '(?=a)b' } }, { a: 'b' });

    assert.deepEqual(found, ['its input schema cannot be used']);
  });

  for (const [what, schema] of [
    ['answers later', { $async: true, required: ['b'] }],
    ['refers to itself without end', { $ref: '#' }],
    ['refers to nothing', { $ref: '#/nowhere' }],
  ] as const) {
    it(`lets nothing pass when it ${what}`, async () => {
      const tool = { inputSchema: { type: 'object' as const, ...schema }, outputSchema: schema };
      const schemas = (await prepareSchemas([{ name: 'x', ...tool }])).get('x');

      assert.deepEqual(schemas?.problems({ a: 1 }), ['its input schema cannot be used']);
      assert.equal(schemas?.outputProblem({ a: 1 }), 'its output schema cannot be used');
    });
  }

  it('cannot name itself what another one refers to', async () => {
    const schemas = await prepareSchemas([
      { name: 'a', inputSchema: { type: 'object', $defs: { all: { $id: 'urn:x' } } } },
      { name: 'b', inputSchema: { type: 'object', allOf: [{ $ref: 'urn:x' }] } },
    ]);

    const [a, b] = ['a', 'b'].map((name) => schemas.get(name)?.problems({}));

    assert.deepEqual([a, b], [[], ['its input schema cannot be used']]);
  });
});
