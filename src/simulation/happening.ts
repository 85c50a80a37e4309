import type { World } from './world.ts';

/** Something that may happen on the simulated host, and how often beside the others. */
export interface Happening {
  readonly name: string;
  readonly weight: number;
  happen(world: World): void;
}

export const MINUTE_MS = 60_000;

export function anyOf(world: World, fits: (state: string) => boolean): string | undefined {
  const ids = world.engine.ids().filter((id) => {
    const container = world.engine.peek(id);
    return container !== undefined && fits(container.state);
  });
  return ids.length === 0 ? undefined : world.random.pick(ids);
}

export function anyRunning(world: World): string | undefined {
  return anyOf(world, (state) => state === 'running');
}

export function nameOf(world: World, id: string): string {
  return world.engine.peek(id)?.name ?? id.slice(0, 12);
}
