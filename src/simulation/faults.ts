import { NO_EVENT_FAULTS } from './docker-door.ts';
import { type Happening, MINUTE_MS } from './happening.ts';
import { SKEWS_MS, type World } from './world.ts';

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
export const FAULTS: readonly Happening[] = [
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
        world.door.events = NO_EVENT_FAULTS;
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
      forgetProcesses(world);
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
  {
    name: 'the engine’s clock steps',
    weight: 1,
    happen(world) {
      world.engineSkewMs = world.random.pick(SKEWS_MS);
      world.timeline.add('world', `the engine’s clock is ${world.engineSkewMs} ms ahead`);
    },
  },
];

/** What ends Sentinel. */
export const ENDS: readonly Happening[] = [
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
    name: 'data is backed up',
    weight: 1,
    happen(world) {
      world.timeline.add('person', 'backs the data directory up');
      world.disk.backUp();
    },
  },
  {
    name: 'data is restored',
    weight: 1,
    happen(world) {
      if (!world.disk.hasBackup) return;
      world.timeline.add('person', 'restores the data directory from its backup');
      world.sentinel?.life.end();
      world.disk.restore();
      world.isRestored = true;
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
      forgetProcesses(world);
      world.clock.reboot();
    },
  },
];

/** A restart of the daemon ends every process, and starts some of what people had stopped. */
function forgetProcesses(world: World): void {
  world.truth.leaking.clear();
  world.truth.deaf.clear();
  for (const id of world.truth.holds.keys()) {
    if (world.engine.peek(id)?.state !== 'exited') world.truth.holds.delete(id);
    // What was paused is down now, and nobody has stopped it.
    else if (world.truth.holds.get(id) === 'pause') world.truth.holds.delete(id);
  }
}
