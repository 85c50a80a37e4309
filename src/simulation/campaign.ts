import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SimulationOptions, SimulationResult } from './simulate.ts';

export interface CampaignOptions extends SimulationOptions {
  readonly firstSeed: number;
  readonly seeds: number;
}

/** What a worker is given, and what it answers with. */
export interface SeedTask extends SimulationOptions {
  readonly seed: number;
}

/**
 * Simulates seeds one after the other on every core. Results come in whatever order they are ready.
 *
 * @param onResult called for each seed; throwing ends the campaign
 */
export async function runCampaign(
  { firstSeed, seeds, hours, workloads }: CampaignOptions,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  let next = firstSeed;
  const end = firstSeed + seeds;
  const threads = Math.min(availableParallelism(), seeds);
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url));
    return { worker, done: follow(worker) };
  });
  try {
    await Promise.all(workers.map(({ done }) => done));
  } finally {
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
  }

  /** Gives the worker seed after seed. */
  function follow(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = () => {
        if (next >= end) {
          resolve();
          return;
        }
        worker.postMessage({ seed: next, hours, workloads } satisfies SeedTask);
        next += 1;
      };
      worker.on('message', (result: SimulationResult) => {
        try {
          onResult(result);
          give();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('a worker of the simulation has ended')));
      give();
    });
  }
}
