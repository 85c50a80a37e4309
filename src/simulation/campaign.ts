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
 * A process that is killed in a simulation never ends what it had begun, and what still listens to a
 * signal stays in memory: some megabytes for each seed, which go with their worker.
 */
const SEEDS_PER_WORKER = 50;

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
  const running = new Set<Worker>();
  try {
    await Promise.all(Array.from({ length: threads }, workOff));
  } finally {
    await Promise.all([...running].map((worker) => worker.terminate()));
  }

  async function workOff(): Promise<void> {
    while (next < end) {
      const worker = new Worker(new URL('./worker.ts', import.meta.url));
      running.add(worker);
      await follow(worker);
      await worker.terminate();
      running.delete(worker);
    }
  }

  /** Gives the worker seed after seed, as many as it may have. */
  function follow(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = SEEDS_PER_WORKER;
      const give = () => {
        if (next >= end || left === 0) {
          resolve();
          return;
        }
        worker.postMessage({ seed: next, hours, workloads } satisfies SeedTask);
        next += 1;
        left -= 1;
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
