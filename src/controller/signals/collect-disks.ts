import type { Signals } from '#controller/fleet.ts';
import type { Reading } from '#core/workload/view.ts';
import type { WritableAnswer } from '#ports/filesystem-probe.ts';
import type { Collection } from './collect-stats.ts';
import type { SignalContext } from './context.ts';
import { repeat } from './repeat.ts';

const EVERY_MS = 30_000;

/** Looks at directories of one run of a container until `signal` aborts. */
export async function collectDisks(
  context: SignalContext,
  paths: readonly string[],
  { container, publish, onFailure }: Collection<Signals['disks']>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, filesystem, nowMs } = context;
  const rhythm = { firstInMs: context.spreadMs(EVERY_MS), everyMs: EVERY_MS };
  await repeat(clock, rhythm, signal, async () => {
    const target = container();
    if (target === undefined) return;
    try {
      const readings = await Promise.all(
        paths.map(async (path) => {
          const answer = await filesystem.writable(target, path, signal);
          return [path, readingOf(answer, nowMs())] as const;
        }),
      );
      if (!signal.aborted) publish(Object.fromEntries(readings));
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
  });
}

function readingOf(answer: WritableAnswer, atMs: number): Reading {
  switch (answer.kind) {
    case 'Writable':
      return { kind: 'Value', value: 1, atMs };
    case 'NotWritable':
      return { kind: 'Value', value: 0, atMs };
    case 'Unknown':
    case 'Unsupported':
      return answer;
  }
}
