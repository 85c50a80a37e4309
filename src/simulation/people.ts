import { deployCompose } from './compose.ts';
import { anyOf, anyRunning, type Happening, nameOf } from './happening.ts';
import { approve, deny, pauseSentinel, resumeSentinel } from './orders.ts';
import { planPolicies } from './policy-plans.ts';
import { NEVER_ABORTED, type World } from './world.ts';

/** What people do to containers, and to Sentinel. */
export const PEOPLE: readonly Happening[] = [
  {
    name: 'stop by hand',
    weight: 4,
    happen: (world) => take(world, 'stop', (id) => world.engine.stop(id, undefined, NEVER_ABORTED)),
  },
  {
    name: 'kill by hand',
    weight: 2,
    happen: (world) => take(world, 'kill', (id) => world.engine.kill(id, 'KILL', NEVER_ABORTED)),
  },
  {
    name: 'pause by hand',
    weight: 2,
    happen: (world) => take(world, 'pause', (id) => world.engine.pause(id, NEVER_ABORTED)),
  },
  {
    name: 'signal by hand',
    weight: 1,
    happen(world) {
      const id = anyRunning(world);
      if (id !== undefined)
        void world.byHand(`HUP ${nameOf(world, id)}`, () =>
          world.engine.kill(id, 'HUP', NEVER_ABORTED),
        );
    },
  },
  { name: 'give back by hand', weight: 5, happen: giveBack },
  {
    name: 'restart by hand',
    weight: 3,
    happen(world) {
      const id = anyRunning(world);
      if (id === undefined) return;
      void world.byHand(`restart ${nameOf(world, id)}`, () =>
        world.engine.restart(id, undefined, NEVER_ABORTED),
      );
    },
  },
  {
    name: 'remove by hand',
    weight: 1,
    happen(world) {
      const id = anyOf(world, () => true);
      if (id === undefined) return;
      void world.byHand(`rm -f ${nameOf(world, id)}`, () =>
        world.engine.remove(id, { force: true }, NEVER_ABORTED),
      );
      world.truth.holds.delete(id);
    },
  },
  {
    name: 'change limits by hand',
    weight: 1,
    happen(world) {
      const id = anyRunning(world);
      if (id === undefined) return;
      const memoryBytes = world.random.int(64, 700) * 2 ** 20;
      void world.byHand(`update ${nameOf(world, id)}`, () =>
        world.engine.updateResources(id, { memoryBytes, memorySwapBytes: -1 }, NEVER_ABORTED),
      );
    },
  },
  { name: 'compose up', weight: 3, happen: deployCompose },
  { name: 'pause Sentinel', weight: 2, happen: pauseSentinel },
  { name: 'resume Sentinel', weight: 3, happen: resumeSentinel },
  { name: 'approve', weight: 6, happen: approve },
  { name: 'deny', weight: 1, happen: deny },
  {
    name: 'edit policies',
    weight: 2,
    happen(world) {
      const names = [...world.workloads].filter(([, { isOwn }]) => isOwn !== true);
      world.timeline.add('person', 'edits the policies');
      world.setPolicies(
        planPolicies(
          world.random,
          names.map(([name]) => name),
        ),
      );
    },
  },
  {
    name: 'remove policies',
    weight: 1,
    happen(world) {
      world.timeline.add('person', 'removes all policies');
      world.setPolicies([]);
    },
  },
  {
    name: 'break policies',
    weight: 1,
    happen(world) {
      world.timeline.add('person', 'saves a policy that is none');
      world.breakPolicies();
    },
  },
];

/** A person takes a container; it is theirs as soon as it does not run any more. */
function take(world: World, what: string, act: (id: string) => Promise<void>): void {
  const id = anyRunning(world);
  if (id === undefined) return;
  const hold = () => {
    const state = world.engine.peek(id)?.state;
    if (state === 'exited' || state === 'paused') world.truth.holds.set(id, what);
  };
  void world.byHand(`${what} ${nameOf(world, id)}`, () => act(id)).then(hold);
  hold();
}

function giveBack(world: World): void {
  const held = [...world.truth.holds.keys()];
  if (held.length === 0) return;
  const id = world.random.pick(held);
  world.truth.holds.delete(id);
  const isPaused = world.engine.peek(id)?.state === 'paused';
  void world.byHand(`${isPaused ? 'unpause' : 'start'} ${nameOf(world, id)}`, () =>
    isPaused ? world.engine.unpause(id, NEVER_ABORTED) : world.engine.start(id, NEVER_ABORTED),
  );
}
