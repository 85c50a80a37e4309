import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTemplateNovelty, maskLine } from './novelty.ts';

describe('novelty of a log line', () => {
  it('masks what varies', () => {
    const line =
      'req 3f2a-11 from 10.0.0.7:443 "GET /a" took 12ms deadbeef 550e8400-e29b-41d4-a716-446655440000';

    const template = maskLine(line);

    assert.equal(template, 'req * from *:* * took * * *');
  });

  it('finds nothing novel while it learns', () => {
    const detector = createTemplateNovelty();

    const novel = Array.from({ length: 1_000 }, (_, index) =>
      detector.isNovel(`kind ${letters(index)}`, 0, false),
    );

    assert.equal(novel.includes(true), false);
  });

  it('then finds a line of a new kind once, whatever numbers are in it', () => {
    const detector = learned();

    const verdicts = ['disk 7 full', 'disk 8 full', 'request 99 served'].map((line) =>
      detector.isNovel(line, 1, false),
    );

    assert.deepEqual(verdicts, [true, false, false]);
  });

  it('has learned after five minutes if it saw a few lines', () => {
    const detector = createTemplateNovelty();
    for (let index = 0; index < 60; index += 1) detector.isNovel(`tick ${index}`, 0, false);

    const verdict = detector.isNovel('out of memory', 300_000, false);

    assert.equal(verdict, true);
  });

  it('takes what a start writes for normal', () => {
    const detector = learned();
    detector.isNovel('banner of the new version', 1, true);

    const verdict = detector.isNovel('banner of the new version', 2, false);

    assert.equal(verdict, false);
  });

  it('gives up on a workload whose lines are all different', () => {
    const detector = learned();

    const novel = Array.from({ length: 20_000 }, (_, index) =>
      detector.isNovel(`kind ${letters(index)}`, 1, false),
    ).filter(Boolean);

    assert.ok(novel.length > 1_000 && novel.length < 5_001, String(novel.length));
  });
});

function learned() {
  const detector = createTemplateNovelty();
  for (let index = 0; index < 1_000; index += 1)
    detector.isNovel(`request ${index} served`, 0, false);
  return detector;
}

/** A number in letters: what has digits is masked. */
function letters(index: number): string {
  return String(index).replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? '');
}
