import { execFile } from 'node:child_process';
import { access, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own, small enough to be filled at once. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Takes all the room that is left. */
  fillUp(): Promise<void>;
  /** Gives it back. */
  makeRoom(): Promise<void>;
}

/** Mounts a tmpfs; `undefined` where this process may not. */
export async function mountSmallDisk(sizeKiB: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'sentinel-disk-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeKiB}k`, 'tmpfs', path]);
  } catch {
    await rm(path, { recursive: true });
    return undefined;
  }
  const ballast = join(path, 'ballast');
  return {
    path,
    async fillUp() {
      await using file = await open(ballast, 'w');
      const page = Buffer.alloc(4_096);
      try {
        for (;;) await file.write(page);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    },
    async makeRoom() {
      await access(ballast);
      await rm(ballast);
    },
    async [Symbol.asyncDispose]() {
      // Lazily: a process that still has a file open here must not keep the mount for ever.
      await run('umount', ['-l', path]);
      await rm(path, { recursive: true });
    },
  };
}
