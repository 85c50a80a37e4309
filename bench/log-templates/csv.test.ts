import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCsv } from './csv.ts';

describe('a CSV file', () => {
  it('is read by the names of its first row', () => {
    const rows = parseCsv('Id,Content\r\n1,plain\r\n2,\n');

    assert.deepEqual(rows, [
      { Id: '1', Content: 'plain' },
      { Id: '2', Content: '' },
    ]);
  });

  it('keeps commas, quotes and line breaks of a quoted field', () => {
    const rows = parseCsv('Id,Content\n1,"a, ""b""\nc"\n2,d');

    assert.deepEqual(
      rows.map(({ Content }) => Content),
      ['a, "b"\nc', 'd'],
    );
  });
});
