import { setTimeout } from 'node:timers/promises';
import type { ModelClient } from '#ports/model-client.ts';
import type { MemoryOperator } from './operator.ts';

/** A client of which is known how many requests are under way. */
export interface WatchedModels {
  readonly client: ModelClient;
  readonly underWay: () => number;
}

export function watched(client: ModelClient): WatchedModels {
  let underWay = 0;
  return {
    underWay: () => underWay,
    client: {
      ...client,
      async complete(request, signal) {
        underWay += 1;
        try {
          return await client.complete(request, signal);
        } finally {
          underWay -= 1;
        }
      },
    },
  };
}

const STEP_MS = 250;
const LOOK_AGAIN_MS = 1;

/**
 * Lets time pass for an operator whose models are asked over a real network: its clock stands still
 * while they think.
 */
export async function passAtModelPace(
  operator: MemoryOperator,
  { underWay }: WatchedModels,
  ms: number,
): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP_MS) {
    await operator.pass(STEP_MS);
    while (underWay() > 0) {
      await setTimeout(LOOK_AGAIN_MS);
      await operator.pass(0);
    }
  }
}
