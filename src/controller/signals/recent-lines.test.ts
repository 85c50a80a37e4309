import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentLines } from './recent-lines.ts';

const line = (text: string) =>
  ({ timestamp: '', stream: 'stdout', text, truncated: false }) as const;

describe('recent lines', () => {
  it('keeps the last 500, oldest first', () => {
    const recent = new RecentLines();

    for (let index = 0; index < 1_234; index += 1) recent.add(line(String(index)));

    const kept = recent.toArray().map(({ text }) => text);
    assert.equal(kept.length, 500);
    assert.deepEqual([kept[0], kept.at(-1)], ['734', '1233']);
  });

  it('keeps fewer when they are long', () => {
    const recent = new RecentLines();

    for (let index = 0; index < 100; index += 1) recent.add(line('x'.repeat(16_384)));

    assert.equal(recent.toArray().length, 16);
  });
});
