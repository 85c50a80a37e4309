import type { Clock } from '#ports/clock.ts';
import { readLock, type ToolsLock } from './tools-lock.ts';

/** A person who has pinned looks for the effect at once. */
const LOOK_MS = 5_000;

export interface LockWatch {
  readonly path: string;
  /** What was read before. */
  readonly lock: ToolsLock;
  readonly clock: Pick<Clock, 'after'>;
  readonly onChange: (lock: ToolsLock) => void;
  readonly onWarning: (message: string, cause: unknown) => void;
}

/**
 * Reads the lock again and again: notices of changes get lost on network file systems, and a folder
 * of policies may be swapped as a whole. While the file cannot be read the pins stay as they were; a
 * file that is gone pins nothing.
 */
export function watchLock({ path, lock, clock, onChange, onWarning }: LockWatch): AsyncDisposable {
  let known = JSON.stringify(lock);
  let isTold = false;
  let isClosed = false;
  let looking: Promise<void> = Promise.resolve();
  let cancel = lookLater();

  function lookLater(): () => void {
    return clock.after(LOOK_MS, () => {
      looking = look().finally(() => {
        if (!isClosed) cancel = lookLater();
      });
    });
  }

  async function look(): Promise<void> {
    try {
      const read = await readLock(path);
      isTold = false;
      const text = JSON.stringify(read);
      if (isClosed || text === known) return;
      known = text;
      onChange(read);
    } catch (error) {
      if (!isTold) onWarning('the lock of tools cannot be read: the pins stay as they were', error);
      isTold = true;
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      isClosed = true;
      cancel();
      await looking;
    },
  };
}
