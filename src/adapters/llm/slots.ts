/** Places for requests at once. Unlike a plain limiter, who waits for one can give up. */
export interface Slots {
  /**
   * Waits for a place, in the order of asking.
   *
   * @returns gives the place back, once; `undefined` when the signal fired first or too many wait
   */
  acquire(signal: AbortSignal): Promise<(() => void) | undefined>;
}

/** More than these are waiting for nothing: their time is over before their turn. */
const WAITING_MAX = 256;

export function createSlots(atOnceMax: number): Slots {
  const waiting = new Set<(release: () => void) => void>();
  let taken = 0;

  function releaseOnce(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const [next] = waiting;
      // Handed on rather than freed, so that a newcomer cannot take it in between.
      if (next === undefined) taken -= 1;
      else next(releaseOnce());
    };
  }

  return {
    async acquire(signal) {
      if (signal.aborted) return undefined;
      if (taken < atOnceMax) {
        taken += 1;
        return releaseOnce();
      }
      if (waiting.size >= WAITING_MAX) return undefined;
      return new Promise((resolve) => {
        const take = (release: () => void) => {
          waiting.delete(take);
          signal.removeEventListener('abort', giveUp);
          resolve(release);
        };
        const giveUp = () => {
          waiting.delete(take);
          resolve(undefined);
        };
        waiting.add(take);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
