import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTable } from './table.ts';

interface Row {
  readonly name: string;
  readonly state?: string;
}

const COLUMNS = [
  { title: 'NAME', value: ({ name }: Row) => name },
  { title: 'STATE', value: ({ state }: Row) => state },
];

describe('formatTable', () => {
  it('aligns columns under their titles, and says where there is nothing', () => {
    const text = formatTable(COLUMNS, [
      { name: 'web', state: 'running' },
      { name: 'a-longer-name' },
    ]);

    assert.equal(
      text,
      ['NAME            STATE', 'web             running', 'a-longer-name   <none>'].join('\n'),
    );
  });

  it('keeps one line per row whatever a name holds', () => {
    const text = formatTable(COLUMNS, [{ name: 'web\n\u001b[31mFAKE   running', state: '\r\n' }]);

    assert.deepEqual(text.split('\n').slice(1), ['web \ufffd[31mFAKE   running   <none>']);
  });

  it('lets colours change no width', () => {
    const painted = COLUMNS.map((column) => ({ ...column, paint: (cell: string) => `<${cell}>` }));

    const text = formatTable(painted, [{ name: 'web', state: 'up' }]);

    assert.equal(text.split('\n')[1], '<web>    <up>');
  });
});
