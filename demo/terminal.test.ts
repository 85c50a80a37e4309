import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTerminal, table, wrap } from './terminal.ts';

const RED = '\u001b[31mno\u001b[0m';

function streamOf(isTTY: boolean | undefined, columns = 80) {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  return { stream: { write, columns, isTTY }, written };
}

describe('a terminal', () => {
  for (const [name, isTTY, env, expected] of [
    ['paints on a TTY', true, {}, RED],
    ['does not paint in a pipe', undefined, {}, 'no'],
    ['does not paint with NO_COLOR', true, { NO_COLOR: '1' }, 'no'],
    ['takes an empty NO_COLOR for none, as no-color.org says', true, { NO_COLOR: '' }, RED],
    ['does not paint on a dumb terminal', true, { TERM: 'dumb' }, 'no'],
  ] as const) {
    it(name, () => {
      const { stream } = streamOf(isTTY);

      const painted = createTerminal(stream, env).paint('red', 'no');

      assert.equal(painted, expected);
    });
  }

  it('writes whole lines only, so that a pipe gets no cursor movement', () => {
    const { stream, written } = streamOf(false);

    createTerminal(stream, {}).print('one');

    assert.deepEqual(written, ['one\n']);
  });

  it('is as wide as its TTY, within what can be read', () => {
    const widths = [40, 100, 400].map((columns) => {
      const { stream } = streamOf(true, columns);
      return createTerminal(stream, {}).width;
    });

    assert.deepEqual(widths, [60, 100, 120]);
  });
});

describe('wrap', () => {
  it('breaks at blanks, and lets a long word stand alone', () => {
    assert.deepEqual(wrap('a bc d loooooong e', 4), ['a bc', 'd', 'loooooong', 'e']);
  });

  it('makes one empty line of nothing', () => {
    assert.deepEqual(wrap('', 10), ['']);
  });
});

it('a table has columns as wide as their longest cell, and no blanks at the end', () => {
  const rows = [
    ['name', 'n'],
    ['a', '12'],
  ];

  assert.deepEqual(table(rows), ['name   n', 'a      12']);
});
