import { anyRunning, type Happening, MINUTE_MS, nameOf } from './happening.ts';
import { usageOf } from './workload-plans.ts';
import type { World } from './world.ts';

/** What workloads do by themselves. */
export const TROUBLE: readonly Happening[] = [
  on('crash', 10, (world, id) => world.engine.crash(id, world.random.pick([1, 2, 137, 143, 255]))),
  on('end well', 1, (world, id) => world.engine.crash(id, 0)),
  on('oom kill', 3, (world, id) => world.engine.crash(id, 137, { oom: true })),
  on('hang', 10, (world, id) => world.engine.setHealth(id, 'unhealthy')),
  on('recover', 6, (world, id) => world.engine.setHealth(id, 'healthy')),
  {
    name: 'flap',
    weight: 2,
    happen(world) {
      const id = anyRunning(world);
      if (id === undefined) return;
      for (const index of [0, 1, 2, 3, 4, 5]) {
        world.clock.after(index * world.random.int(100, 4_000), () => {
          const isUp = world.engine.peek(id)?.state === 'running';
          if (isUp) world.engine.setHealth(id, index % 2 === 0 ? 'unhealthy' : 'healthy');
        });
      }
    },
  },
  on('leak', 3, (world, id) => {
    const { memoryBytes } = world.engine.peek(id)?.limits ?? {};
    if (memoryBytes === undefined) return;
    const heldBytes = Math.round(memoryBytes * 0.95);
    world.timeline.add('world', `${nameOf(world, id)} leaks memory`);
    world.truth.leaking.set(id, heldBytes);
    world.engine.setPlan(id, { usage: () => usageOf(heldBytes) });
  }),
  on('does not answer', 3, (world, id) => {
    world.timeline.add('world', `${nameOf(world, id)} does not answer`);
    world.truth.deaf.add(id);
  }),
  on('volume is full', 1, (world, id) => {
    world.timeline.add('world', `the volume of ${nameOf(world, id)} is full`);
    world.truth.full.add(id);
    world.clock.after(world.random.int(1, 30) * MINUTE_MS, () => world.truth.full.delete(id));
  }),
  on('log errors', 3, (world, id) => {
    const count = world.random.int(1, 12);
    for (let index = 0; index < count; index += 1) {
      world.clock.after(index * world.random.int(10, 4_000), () => {
        if (world.engine.peek(id)?.state !== 'running') return;
        world.truth.complainedAtMs.set(id, world.clock.passedMs());
        world.engine.writeLog(id, `ERROR: no ${index}`, 'stderr');
      });
    }
  }),
  {
    name: 'all fail at once',
    weight: 1,
    happen(world) {
      for (const id of world.engine.ids()) {
        const container = world.engine.peek(id);
        if (container?.state !== 'running') continue;
        if (world.random.chance(0.5)) world.engine.crash(id, 1);
        else world.engine.setHealth(id, 'unhealthy');
      }
    },
  },
];

function on(name: string, weight: number, act: (world: World, id: string) => void): Happening {
  return {
    name,
    weight,
    happen(world) {
      const id = anyRunning(world);
      if (id !== undefined) act(world, id);
    },
  };
}
