import { controllerNowMs } from '#controller/journal-state.ts';
import { type Incident, isOpen, phaseOf } from '#core/incident/incident.ts';
import { LABEL, type ObservedContainer } from '#core/workload/container.ts';
import { resumeAll } from './orders.ts';
import { governingPlan, type PolicyPlan } from './policy-plans.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
/** Beside what each workload may wait for: resyncs, renewals, the outbox, the journal. */
const TIMERS_OF_ALL = 16;
const TIMERS_OF_ONE = 4;
/** Longer than any backoff, limit, storm or approval of the simulated policies. */
const REST_MS = 2 * 60 * MINUTE_MS;
/** After this a person must have been asked, if nothing was done. */
const PATIENCE_MS = 30 * MINUTE_MS;
/** Within this what is broken once more must be well. */
const HEAL_MS = 10 * MINUTE_MS;

/**
 * Everything that was broken is mended, and hours pass: then what can be healed is, whoever must be
 * asked was, and Redis has it all. Then each container breaks once more, and must be healed.
 */
export async function liveness(world: World): Promise<void> {
  const { clock, witness } = world;
  world.mend();
  // Longer than Sentinel may be away: whoever takes a pause back needs somebody to tell.
  await clock.advance(15 * MINUTE_MS);
  resumeAll(world);
  await clock.advance(REST_MS);

  checkIncidents(world);
  for (const name of world.workloads.keys()) await breakOnce(world, name);
  await clock.advance(5 * MINUTE_MS);
  await checkRedis(world);
  checkBounds(world);
  if (world.sentinel?.life.isOver !== false) witness.break('lives', 'Sentinel is not running');
}

export function checkIncidents(world: World): void {
  const state = world.sentinel?.journal?.state();
  if (state === undefined) return;
  const nowMs = controllerNowMs(state, world.clock);
  for (const incident of Object.values(state.incidents)) {
    // It may wait for what lapses by itself: a cooldown, a limit.
    if (!isOpen(incident) || nowMs - incident.boutAtMs < PATIENCE_MS) continue;
    if (waitsForPerson(incident) || belongsToPerson(world, incident)) continue;
    world.timeline.add('check', JSON.stringify(incident));
    const { name, workload } = incident;
    const message = `${name} of ${workload.key} is ${phaseOf(incident)}, and nobody was asked`;
    world.witness.break('incident-ends', message);
  }
}

function waitsForPerson(incident: Incident): boolean {
  // An opinion that a person should look leaves the incident with Sentinel.
  const wasAsked = incident.escalations.some(
    ({ atMs, reason }) => atMs >= incident.boutAtMs && reason !== 'ModelAdvice',
  );
  return wasAsked || phaseOf(incident) === 'AwaitingApproval';
}

/** People have paused it, taken its container, or want Sentinel to watch and no more. */
function belongsToPerson(world: World, { workload: { id, container: name } }: Incident): boolean {
  const mode = governingPlan(world.plans, name)?.mode;
  const container = world.engine.peek(id);
  const isPaused = container?.labels[LABEL.pause] === 'true';
  return mode === 'Shadow' || mode === 'Off' || isPaused || world.truth.holds.has(id);
}

/** Breaks what a restart cures, where a policy permits that, and looks whether it was cured. */
async function breakOnce(world: World, name: string): Promise<void> {
  const { engine, clock, witness } = world;
  if (!isCurable(world, name)) return;
  world.timeline.add('world', `${name} hangs once more`);
  engine.setHealth(name, 'unhealthy');
  await clock.advance(HEAL_MS);
  if (engine.isWell(name)) return;
  witness.break('healed', `${name} is ${engine.peek(name)?.state}, and a restart is permitted`);
}

/** A restart cures it, its policy permits one now, and nothing else is wrong that comes first. */
function isCurable(world: World, name: string): boolean {
  const { engine, workloads, truth, plans } = world;
  const container = engine.peek(name);
  const plan = governingPlan(plans, name);
  if (container === undefined || plan === undefined) return false;
  const open = Object.keys(world.sentinel?.journal?.state().openByWorkload ?? {});
  return [
    workloads.get(name)?.cure === 'restart',
    container.health !== undefined && engine.isWell(name),
    isAlone(world, container) && !truth.holds.has(container.id),
    restartsFreely(plan),
    open.length === 0,
  ].every(Boolean);
}

/** Its first rung, a restart, waits for nobody and nothing. */
function restartsFreely({ mode, deniedHour, minHealthy, actions }: PolicyPlan): boolean {
  const isFree = mode === 'Auto' && deniedHour === undefined && minHealthy === undefined;
  return isFree && actions[0]?.needsApproval === false;
}

/** Who leans on another, or has others lean on it, needs their policies' leave. */
function isAlone({ engine }: World, { id, name, shares, labels }: ObservedContainer): boolean {
  const leansOnIt = (other: string) => {
    const it = engine.peek(other);
    const sharesIt = it?.shares.some(({ owner }) => owner === id) === true;
    return sharesIt || it?.labels[LABEL.composeDependsOn]?.startsWith(`${name}:`) === true;
  };
  const leans = shares.length > 0 || labels[LABEL.composeDependsOn] !== undefined;
  return !leans && !engine.ids().some(leansOnIt);
}

/** Whatever waits was set by what is there: hours of trouble leave nothing behind. */
export function checkBounds({ clock, engine, witness }: World): void {
  const bound = TIMERS_OF_ALL + TIMERS_OF_ONE * engine.ids().length;
  if (clock.pending() > bound) {
    witness.break('bounded', `${clock.pending()} timers are set, and ${bound} would do`);
  }
}

async function checkRedis({ sentinel, clock, sink, witness }: World): Promise<void> {
  const { journal } = sentinel ?? {};
  if (journal === undefined) return;
  const { seq } = journal.head();
  await clock.advance(MINUTE_MS);
  const id = journal.journalId();
  const published = sink.stream('audit').findLast(({ journal: of }) => of === id)?.['seq'] ?? 0;
  if (Number(published) >= seq) return;
  witness.break(
    'redis-catches-up',
    `${published} is published, and ${seq} was the last a minute ago`,
  );
}
