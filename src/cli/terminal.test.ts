import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Paint, print } from './terminal.ts';

const TERMINAL = { isTTY: true, write: () => true };
const PIPE = { write: () => true };

describe('Paint', () => {
  it('colours news on a terminal, and nothing anywhere else', () => {
    assert.equal(new Paint(TERMINAL, {}).word('critical'), '\u001b[31mcritical\u001b[39m');
    assert.equal(new Paint(PIPE, {}).word('critical'), 'critical');
    assert.equal(new Paint(TERMINAL, { NO_COLOR: '1' }).word('critical'), 'critical');
    assert.equal(new Paint(TERMINAL, { TERM: 'dumb' }).word('critical'), 'critical');
    assert.equal(new Paint(TERMINAL, { NO_COLOR: '' }).word('ok'), '\u001b[32mok\u001b[39m');
  });

  it('leaves other words as they are', () => {
    assert.equal(new Paint(TERMINAL, {}).word('constructor'), 'constructor');
  });
});

describe('print', () => {
  it('writes no control character of a container to a terminal', () => {
    let written = '';

    print({ write: (text) => (written += text) }, 'name \u001b]0;title\u0007\u009b2J\nnext');

    assert.equal(written, 'name \ufffd]0;title\ufffd\ufffd2J\nnext\n');
  });
});
