import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { minutesByCount, minutesByDate, timeOf, withLines } from './minutes.ts';
import { watch } from './watch.ts';

describe('the date of a line', () => {
  for (const [row, expected] of [
    [{ Time: 'Sun Dec 04 04:47:44 2005' }, '2005-12-04T04:47:44Z'],
    [{ Date: '81109', Time: '93615' }, '2008-11-09T09:36:15Z'],
    [{ Date: '17/06/09', Time: '20:10:40' }, '2017-06-09T20:10:40Z'],
    [{ Date: '2015-10-18', Time: '18:01:47,978' }, '2015-10-18T18:01:47Z'],
    [{ Month: 'Jun', Date: '14', Time: '15:16:01' }, '2001-06-14T15:16:01Z'],
    [{ Date: 'Dec', Day: '10', Time: '06:55:46' }, '2001-12-10T06:55:46Z'],
  ] as const) {
    it(`is read from ${Object.values(row).join(' ')}`, () => {
      assert.equal(timeOf(row), Date.parse(expected));
    });
  }

  it('is none where there is none', () => {
    assert.equal(timeOf({ Time: '1077804742' }), Number.NaN);
  });
});

describe('the minutes of a log', () => {
  const at = (Time: string, Content: string) => ({ Date: '2015-10-18', Time, Content });

  it('are those of its dates, without those that have no lines', () => {
    const rows = [at('10:00:50', 'a'), at('10:01:10', 'b'), at('10:40:00', 'c')];

    const minutes = minutesByDate(rows);

    assert.deepEqual(minutes, {
      count: 40,
      lines: new Map([
        [0, ['a', 'b']],
        [39, ['c']],
      ]),
    });
  });

  it('are none where it is short, or has no dates', () => {
    assert.equal(minutesByDate([at('10:00:00', 'a'), at('10:05:00', 'b')]), undefined);
    assert.equal(minutesByDate([{ Content: 'a' }]), undefined);
  });

  it('are so many lines each else, and may get more', () => {
    const minutes = minutesByCount([at('', 'a'), at('', 'b'), at('', 'c')], 2);

    assert.deepEqual(
      [...minutes.lines],
      [
        [0, ['a', 'b']],
        [1, ['c']],
      ],
    );
    assert.deepEqual(withLines(minutes, 1, ['d']).lines.get(1), ['c', 'd']);
    assert.deepEqual(minutes.lines.get(1), ['c']);
  });
});

it('a watched log is asked about when something is unusual, and then not for five minutes', async () => {
  const usual = {
    count: 30,
    lines: new Map(Array.from({ length: 30 }, (_, at) => [at, ['tick']])),
  };
  const odd = withLines(
    withLines(withLines(usual, 20, ['disk is full']), 22, ['pool is empty']),
    26,
    ['fan is loud'],
  );

  const watched = await watch(odd);

  const minutes = [...watched.entries()];
  const unusual = minutes.filter(([, { unusual: some }]) => some.length > 0);
  const asked = minutes.filter(([, { isAsked }]) => isAsked);
  assert.equal(watched.length, 30);
  assert.deepEqual(
    unusual.map(([at]) => at),
    [20, 22, 26],
  );
  assert.deepEqual(
    asked.map(([at]) => at),
    [20, 26],
  );
});
