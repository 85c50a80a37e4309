import { parentPort } from 'node:worker_threads';
import type { SeedTask } from './campaign.ts';
import { simulate } from './simulate.ts';

/** Simulates the seeds that it is sent, one at a time. */
parentPort?.on('message', ({ seed, ...options }: SeedTask) => {
  void simulate(seed, options).then((result) => parentPort?.postMessage(result));
});
