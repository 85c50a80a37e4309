import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { digestLog, digestText } from './log-digest.ts';

const requests = Array.from({ length: 300 }, (_, at) => `GET /orders/${at} 200 in ${at % 7} ms`);

describe('the digest of log lines', () => {
  it('has each template once, with the number of its lines, the first and the last', () => {
    const digest = digestLog(['up', ...requests, 'connection refused', 'connection refused']);

    assert.deepEqual(digest, {
      lines: 303,
      entries: [
        { template: 'up', count: 1, first: 'up', last: 'up', firstAt: 0, lastAt: 0 },
        {
          template: 'GET <*> <*> in <*> ms',
          count: 300,
          first: 'GET /orders/0 200 in 0 ms',
          last: 'GET /orders/299 200 in 5 ms',
          firstAt: 1,
          lastAt: 300,
        },
        {
          template: 'connection refused',
          count: 2,
          first: 'connection refused',
          last: 'connection refused',
          firstAt: 301,
          lastAt: 302,
        },
      ],
      omitted: { templates: 0, lines: 0 },
    });
  });

  it('reads as a few lines', () => {
    const text = digestText(digestLog(['up', ...requests, 'refused', 'refused']));

    assert.equal(
      text,
      [
        'up',
        '300 × GET <*> <*> in <*> ms',
        '  first: GET /orders/0 200 in 0 ms',
        '  last: GET /orders/299 200 in 5 ms',
        '2 × refused',
        '',
      ].join('\n'),
    );
  });

  it('keeps the forms seen last where there are too many, and says so', () => {
    const digest = digestLog(['a one', 'b two', 'c three', 'a one', 'd four'], {
      entriesMax: 2,
      lineCharsMax: 100,
    });

    assert.deepEqual(
      digest.entries.map(({ template }) => template),
      ['a one', 'd four'],
    );
    assert.match(digestText(digest), /\nand 2 earlier lines of 2 other forms\n$/);
  });

  it('counts every line and stays within its bounds, whatever the lines', () => {
    const bounds = { entriesMax: 5, lineCharsMax: 20 };
    const bounded = fc.property(fc.array(fc.string({ maxLength: 40 })), (lines) => {
      const { entries, omitted } = digestLog(lines, bounds);
      const counted = entries.reduce((sum, { count }) => sum + count, omitted.lines);
      assert.equal(counted, lines.length);
      assert.ok(entries.length <= bounds.entriesMax);
      for (const { first, last, template } of entries) {
        for (const text of [first, last, template]) assert.ok(text.length <= 21);
      }
    });

    fc.assert(bounded, { numRuns: 50 });
  });
});
