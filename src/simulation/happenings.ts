import { deployCompose } from './compose.ts';
import { approve, deny, pauseSentinel, resumeSentinel } from './orders.ts';
import { planPolicies } from './policy-plans.ts';
import { NEVER_ABORTED, type World } from './world.ts';

/** Something that may happen on the simulated host, and how often beside the others. */
export interface Happening {
  readonly name: string;
  readonly weight: number;
  happen(world: World): void;
}

const MINUTE_MS = 60_000;

/** What workloads do by themselves. */
const TROUBLE: readonly Happening[] = [
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

/** What people do to containers, and to Sentinel. */
const PEOPLE: readonly Happening[] = [
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

const FAULTY_CALLS = [
  '*',
  'restart',
  'start',
  'stop',
  'kill',
  'updateResources',
  'createFrom',
  'rename',
  'remove',
  'inspect',
  'list',
  'events',
  'info',
  'pastEvents',
  'blueprint',
] as const;
const FAULT_KINDS = ['Fail', 'Refuse', 'Hang', 'ActThenFail', 'ActThenHang'] as const;

/** What fails around Sentinel. */
const FAULTS: readonly Happening[] = [
  {
    name: 'calls fail',
    weight: 6,
    happen(world) {
      const operation = world.random.pick(FAULTY_CALLS);
      const kind = world.random.pick(FAULT_KINDS);
      world.timeline.add('world', `${operation} will ${kind}`);
      world.door.faults.inject({ operation, kind, times: world.random.int(1, 4) });
    },
  },
  {
    name: 'engine is slow',
    weight: 2,
    happen(world) {
      const latencyMs = world.random.pick([5, 100, 2_000, 15_000]);
      world.timeline.add('world', `the engine takes ${latencyMs} ms for a call`);
      world.door.faults.latencyMs = latencyMs;
      world.clock.after(world.random.int(1, 10) * MINUTE_MS, () => {
        world.door.faults.latencyMs = 0;
      });
    },
  },
  {
    name: 'events go wrong',
    weight: 2,
    happen(world) {
      const { random } = world;
      world.door.events = {
        lost: random.pick([0, 0, 0.3]),
        doubled: random.pick([0, 0.5]),
        swapped: random.pick([0, 0.3]),
        delayMs: random.pick([0, 100, 5_000]),
      };
      world.timeline.add('world', `events: ${JSON.stringify(world.door.events)}`);
      world.clock.after(random.int(1, 10) * MINUTE_MS, () => {
        world.door.events = { lost: 0, doubled: 0, swapped: 0, delayMs: 0 };
      });
    },
  },
  {
    name: 'event stream breaks',
    weight: 3,
    happen(world) {
      world.timeline.add('world', 'the event stream breaks');
      world.engine.breakEvents();
    },
  },
  {
    name: 'dockerd restarts',
    weight: 1,
    happen(world) {
      world.timeline.add('world', 'dockerd restarts');
      world.door.faults.inject({ operation: '*', kind: 'Fail' });
      world.engine.restartDaemon();
      forgetRestartedHolds(world);
      world.clock.after(world.random.int(200, 30_000), () => world.door.faults.clear());
    },
  },
  {
    name: 'a tool lies',
    weight: 1,
    happen(world) {
      world.lies = 0.5;
      world.clock.after(10 * MINUTE_MS, () => {
        world.lies = 0;
      });
    },
  },
  {
    name: 'disk is full',
    weight: 2,
    happen(world) {
      world.timeline.add('world', 'the disk is full');
      world.disk.fill();
      world.clock.after(world.random.int(1, 15 * MINUTE_MS), () => world.disk.empty());
    },
  },
  {
    name: 'Redis fails',
    weight: 3,
    happen(world) {
      const fault = world.random.pick(['down', 'reply-lost'] as const);
      world.timeline.add('world', `Redis: ${fault}`);
      world.sink.setFault(fault);
      world.clock.after(world.random.int(1, 20 * MINUTE_MS), () => world.sink.setFault(undefined));
    },
  },
  {
    name: 'Redis forgets',
    weight: 1,
    happen(world) {
      world.timeline.add('world', 'Redis forgets everything');
      world.sink.clear();
    },
  },
  {
    name: 'notifier fails',
    weight: 1,
    happen(world) {
      world.notifier.setFault(world.random.pick(['down', 'refuse', 'hang', 'throw', undefined]));
    },
  },
  {
    name: 'evidence fails',
    weight: 1,
    happen(world) {
      world.evidence.setFault(world.random.pick(['full', 'hang', undefined]));
    },
  },
  {
    name: 'clock steps',
    weight: 2,
    happen(world) {
      const ms = world.random.pick([-3_600_000, -60_000, -1_000, 1_000, 60_000, 7_200_000]);
      world.timeline.add('world', `the wall clock steps by ${ms} ms`);
      world.clock.stepWall(ms);
    },
  },
];

/** What ends Sentinel. */
const ENDS: readonly Happening[] = [
  {
    name: 'SIGKILL',
    weight: 3,
    happen: (world) => world.sentinel?.life.end(),
  },
  {
    name: 'SIGKILL amid work',
    weight: 6,
    happen: (world) => world.sentinel?.life.endAfter(world.random.int(1, 60)),
  },
  {
    name: 'SIGTERM',
    weight: 1,
    happen(world) {
      const { sentinel } = world;
      if (sentinel === undefined || sentinel.life.isOver) return;
      world.timeline.add('person', 'SIGTERM to Sentinel');
      void sentinel.stop();
    },
  },
  {
    name: 'power fails',
    weight: 1,
    happen(world) {
      world.timeline.add('world', 'the power fails');
      world.sentinel?.life.end();
      world.disk.cutPower();
      world.engine.restartDaemon();
      forgetRestartedHolds(world);
      world.clock.reboot();
    },
  },
];

export const HAPPENINGS: readonly Happening[] = [...TROUBLE, ...PEOPLE, ...FAULTS, ...ENDS];

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

function anyOf(world: World, fits: (state: string) => boolean): string | undefined {
  const ids = world.engine.ids().filter((id) => {
    const container = world.engine.peek(id);
    return container !== undefined && fits(container.state);
  });
  return ids.length === 0 ? undefined : world.random.pick(ids);
}

function anyRunning(world: World): string | undefined {
  return anyOf(world, (state) => state === 'running');
}

function nameOf(world: World, id: string): string {
  return world.engine.peek(id)?.name ?? id.slice(0, 12);
}

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

/** A restart of the daemon starts some of what people had stopped: that is the engine's doing. */
function forgetRestartedHolds(world: World): void {
  for (const id of world.truth.holds.keys()) {
    if (world.engine.peek(id)?.state !== 'exited') world.truth.holds.delete(id);
    // What was paused is down now, and nobody has stopped it.
    else if (world.truth.holds.get(id) === 'pause') world.truth.holds.delete(id);
  }
}
