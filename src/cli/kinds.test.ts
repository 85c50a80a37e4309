import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IncidentObject } from '#core/projection/schema.ts';
import { type AnyObject, findKind } from './kinds.ts';
import { Paint } from './terminal.ts';

/** The cell CAUSE of an incident whose diagnosis is given. */
function causeOf(diagnosis: Partial<IncidentObject['status']['diagnosis']> | undefined) {
  const paint = new Paint({ isTTY: false, write: () => true }, {});
  const columns = findKind('incidents').columns({ nowMs: 0, wide: false, paint });
  const column = columns.find(({ title }) => title === 'CAUSE') ?? assert.fail('no such column');
  return column.value({ status: { diagnosis } } as unknown as AnyObject);
}

describe('the cause in a table of incidents', () => {
  it('is the rules’ own name for it', () => {
    assert.equal(causeOf({ source: 'rules', rootCause: 'OutOfMemory' }), 'OutOfMemory');
    assert.equal(causeOf(undefined), undefined);
  });

  it('is short, and said to be a model’s, where a model concluded', () => {
    const rootCause = 'The pool of database connections is exhausted';

    assert.equal(
      causeOf({ source: 'model', rootCause }),
      'The pool of database connections… (model)',
    );
  });
});
