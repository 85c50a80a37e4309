import { HAPPENINGS } from './happenings.ts';
import { INVARIANTS, type InvariantId } from './invariants.ts';
import { liveness } from './liveness.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  /** Of the safety phase. */
  readonly hours: number;
  /** Containers beside Sentinel's own. */
  readonly workloads: number;
}

export const DEFAULT_SIMULATION: SimulationOptions = { hours: 3, workloads: 6 };

/** What became of one seed. */
export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly {
    readonly invariant: InvariantId;
    readonly message: string;
    /** What should have held. */
    readonly sentence: string;
  }[];
  /** What happened, to read: the end of it where it is long. */
  readonly timeline: readonly string[];
  /** Of all that happened and of the journal: the same for the same seed, on any machine. */
  readonly hash: string;
  readonly records: number;
  readonly calls: number;
  /** Name of a happening → how often it happened. */
  readonly happenings: Readonly<Record<string, number>>;
}

/** Mean of the wait between two happenings; each run has its own, so that some are calm. */
const PACES_MS = [20_000, 60_000, 180_000] as const;
const HOUR_MS = 3_600_000;

/**
 * Runs the whole operator through hours of trouble on a clock of its own, then through hours
 * without any: nothing may go wrong in the first, and everything must come right in the second.
 */
export async function simulate(
  seed: number,
  options: SimulationOptions = DEFAULT_SIMULATION,
): Promise<SimulationResult> {
  const world = new World(seed, options.workloads);
  const onUnhandled = (error: unknown) =>
    world.witness.break('lives', `nobody has handled: ${String(error)}`);
  process.on('unhandledRejection', onUnhandled);
  try {
    await run(world, options);
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
  const { witness, timeline } = world;
  return {
    seed,
    violations: witness.violations.map((violation) => ({
      ...violation,
      sentence: INVARIANTS[violation.invariant].sentence,
    })),
    timeline: timeline.lines(),
    hash: timeline.digest(),
    records: witness.records.length,
    calls: witness.calls,
    happenings: Object.fromEntries([...world.counts].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

async function run(world: World, options: SimulationOptions): Promise<void> {
  const { random, clock, witness, timeline } = world;
  await world.begin();
  await clock.advance(10_000);

  const paceMs = random.pick(PACES_MS);
  const endMs = clock.passedMs() + options.hours * HOUR_MS;
  while (clock.passedMs() < endMs && witness.violations.length === 0) {
    await clock.advance(random.wait(paceMs));
    const happening = random.weighted(HAPPENINGS);
    world.count(happening.name);
    happening.happen(world);
    await clock.advance(0);
  }
  if (witness.violations.length === 0) await liveness(world);
  witness.checkFold();
  const { seq, hash } = world.sentinel?.journal?.head() ?? { seq: 0, hash: '' };
  timeline.add('journal', `ends with ${seq} ${hash}`);
}
