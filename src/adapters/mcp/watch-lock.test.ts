import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { actionBench } from '../../../test/support/actions.ts';
import { EMPTY_LOCK, pinTools, type ToolsLock, writeLock } from './tools-lock.ts';
import { watchLock } from './watch-lock.ts';

const PINNED = pinTools(EMPTY_LOCK, 'other', [{ name: 'x', inputSchema: { type: 'object' } }]);

it('tells of pins that are written and taken away, and keeps them while the file is broken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-lock-'));
  const path = join(folder, 'sentinel.tools.lock');
  const seen: (ToolsLock | string)[] = [];
  const { clock } = actionBench();
  const watch = watchLock({
    path,
    lock: EMPTY_LOCK,
    clock,
    onChange: (lock) => seen.push(lock),
    onWarning: (message) => seen.push(message),
  });

  // Each look waits for the disk, which no virtual clock moves.
  const look = async () => {
    await clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  };
  for (const [index, change] of [
    async () => writeLock(path, PINNED),
    async () => writeFile(path, 'half of'),
    async () => rm(path),
  ].entries()) {
    await change();
    for (let looks = 0; seen.length <= index && looks < 500; looks += 1) await look();
    // What is as it was is not told again.
    await look();
    await look();
  }

  await watch[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  const unreadable = 'the lock of tools cannot be read: the pins stay as they were';
  assert.deepEqual(seen, [PINNED, unreadable, EMPTY_LOCK]);
});
