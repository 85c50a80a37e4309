import { type Incident, isOpen } from '#core/incident/incident.ts';
import type { Pause } from '#core/journal/state.ts';
import type { CommandResult } from '#http/options.ts';
import type { World } from './world.ts';

const ACTOR = 'operator:ann';

/** Orders that people give Sentinel over its API. */
export function pauseSentinel(world: World): void {
  const { commands, journal } = world.sentinel ?? {};
  if (commands === undefined || journal === undefined) return;
  const scope = world.random.pick(['all', 'workload', 'policy'] as const);
  const { policies, workloads } = journal.state();
  const names = scope === 'all' ? [''] : Object.keys(scope === 'policy' ? policies : workloads);
  if (names.length === 0) return;
  const name = world.random.pick(names);
  const ordered = commands.pause({ scope, name, reason: 'simulated' }, ACTOR);
  // Binding as soon as it was promised, not before.
  order(world, `pause ${scope} ${name}`, ordered, () => world.truth.pauses.add(`${scope}:${name}`));
}

/** Takes one pause back. */
export function resumeSentinel(world: World): void {
  const paused = pausesOf(world);
  if (paused.length > 0) resume(world, world.random.pick(paused));
}

export function resumeAll(world: World): void {
  for (const paused of pausesOf(world)) resume(world, paused);
}

function pausesOf(world: World): readonly Pause[] {
  return Object.values(world.sentinel?.journal?.state().pauses ?? {});
}

function resume(world: World, { scope, name }: Pause): void {
  const { commands } = world.sentinel ?? {};
  if (commands === undefined) return;
  world.truth.pauses.delete(`${scope}:${name}`);
  const ordered = commands.resume({ scope, name, reason: 'simulated' }, ACTOR);
  order(world, `resume ${scope} ${name}`, ordered);
}

export function approve(world: World): void {
  const incident = anyIncident(world);
  const { commands } = world.sentinel ?? {};
  if (commands === undefined || incident === undefined || incident.candidates.length === 0) return;
  const { id: candidate, blockedBy } = world.random.pick(incident.candidates);
  const { name, workload } = incident;
  // From here on it may be done, whether or not the answer arrives.
  world.truth.approvals.add(`${name}/${candidate}`);
  if (blockedBy.some(({ reason }) => reason === 'IntentUnknown')) {
    world.truth.holds.delete(workload.id);
  }
  const ordered = commands.approve({ incident: name, candidate, container: workload.id }, ACTOR);
  order(world, `approve ${candidate} of ${name}`, ordered);
}

export function deny(world: World): void {
  const incident = anyIncident(world);
  const { commands } = world.sentinel ?? {};
  const { approval, name = '' } = incident ?? {};
  if (commands === undefined || approval?.state !== 'Requested') return;
  const { candidate } = approval;
  const ordered = commands.deny({ incident: name, candidate, reason: 'simulated' }, ACTOR);
  order(world, `deny ${candidate} of ${name}`, ordered);
}

function anyIncident(world: World): Incident | undefined {
  const state = world.sentinel?.journal?.state();
  if (state === undefined || world.sentinel?.life.isOver !== false) return undefined;
  const open = Object.values(state.incidents).filter(isOpen);
  return open.length === 0 ? undefined : world.random.pick(open);
}

function order(
  world: World,
  what: string,
  ordered: Promise<CommandResult>,
  onDone: () => void = () => undefined,
): void {
  const { sentinel } = world;
  ordered.then(
    (result) => {
      if (sentinel?.life.isOver !== false) return;
      world.timeline.add('person', `${what}: ${result.ok ? 'done' : result.message}`);
      if (result.ok) onDone();
    },
    (error: unknown) => world.witness.break('lives', `${what}: ${String(error)}`),
  );
}
