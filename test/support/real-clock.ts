import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '#ports/clock.ts';

/** This machine's time, for tests against real disks and servers. */
export const realClock: Clock = {
  bootId: 'this-boot',
  wallMs: () => Date.now(),
  bootMs: () => Math.floor(performance.now()),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  async sleep(delayMs, signal) {
    await wait(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
  random: () => Math.random(),
};
