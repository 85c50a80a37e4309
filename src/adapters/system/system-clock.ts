import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Clock } from '#ports/clock.ts';

/** The machine's clocks. Boot time comes from the kernel where it tells (Linux), else from `os`. */
export function createSystemClock(): Clock {
  const bootMsAtStart = Math.round(readUptimeSeconds() * 1_000);
  const startedAt = performance.now();

  return {
    wallMs: () => Date.now(),
    bootMs: () => bootMsAtStart + Math.round(performance.now() - startedAt),
    bootId: readText('/proc/sys/kernel/random/boot_id') ?? 'unknown',
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    sleep(delayMs, signal) {
      if (signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, delayMs);
        signal?.addEventListener('abort', done);
      });
    },
    random: () => Math.random(),
  };
}

/** `/proc/uptime` counts suspended time too, which a resumed laptop must not lose. */
function readUptimeSeconds(): number {
  const seconds = Number(readText('/proc/uptime')?.split(' ')[0]);
  return Number.isFinite(seconds) ? seconds : uptime();
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
