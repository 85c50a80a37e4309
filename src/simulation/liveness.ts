import { controllerNowMs } from '#controller/journal-state.ts';
import { isOpen, phaseOf } from '#core/incident/incident.ts';
import { LABEL } from '#core/workload/container.ts';
import { resumeAll } from './orders.ts';
import { governingPlan } from './policy-plans.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
/** Longer than any backoff, limit, storm or approval of the simulated policies. */
const REST_MS = 2 * 60 * MINUTE_MS;
/** Within this what is broken once more must be well. */
/** After this a person must have been asked, if nothing was done. */
const PATIENCE_MS = 30 * MINUTE_MS;
const HEAL_MS = 10 * MINUTE_MS;

/**
 * Everything that was broken is mended, and hours pass: then what can be healed is, whoever must be
 * asked was, and Redis has it all. Then each container breaks once more, and must be healed.
 */
export async function liveness(world: World): Promise<void> {
  const { clock, witness } = world;
  world.mend();
  await clock.advance(10 * MINUTE_MS);
  resumeAll(world);
  await clock.advance(REST_MS);

  checkIncidents(world);
  for (const name of world.workloads.keys()) await breakOnce(world, name);
  await clock.advance(5 * MINUTE_MS);
  checkRedis(world);
  if (world.sentinel?.life.isOver !== false) witness.break('lives', 'Sentinel is not running');
}

function checkIncidents(world: World): void {
  const state = world.sentinel?.journal?.state();
  if (state === undefined) return;
  for (const incident of Object.values(state.incidents)) {
    if (!isOpen(incident)) continue;
    const ageMs = controllerNowMs(state, world.clock) - incident.boutAtMs;
    // It may wait for what lapses by itself: a cooldown, a limit.
    if (ageMs < PATIENCE_MS) continue;
    const phase = phaseOf(incident);
    const wasAsked = incident.escalations.some(({ atMs }) => atMs >= incident.boutAtMs);
    const plan = governingPlan(world.plans, incident.workload.container);
    const isWatchedOnly = plan?.mode === 'Shadow' || plan?.mode === 'Off';
    if (wasAsked || phase === 'AwaitingApproval' || isWatchedOnly) continue;
    const container = world.engine.peek(incident.workload.id);
    const isPaused = container?.labels[LABEL.pause] === 'true';
    if (isPaused || world.truth.holds.has(incident.workload.id)) continue;
    world.timeline.add('check', JSON.stringify(incident));
    world.witness.break(
      'incident-ends',
      `${incident.name} of ${incident.workload.key} is ${phase}, and nobody was asked`,
    );
  }
}

/** Breaks what a restart cures, where a policy permits that, and looks whether it was cured. */
async function breakOnce(world: World, name: string): Promise<void> {
  const { engine, clock, witness, truth } = world;
  const workload = world.workloads.get(name);
  const container = engine.peek(name);
  const plan = governingPlan(world.plans, name);
  const [first] = plan?.actions ?? [];
  if (workload?.cure !== 'restart' || container === undefined || !engine.isWell(name)) return;
  if (plan?.mode !== 'Auto' || plan.deniedHour !== undefined) return;
  if (first === undefined || first.needsApproval || container.health === undefined) return;
  // Who lives in its network must permit it too.
  if (
    engine.ids().some((id) => engine.peek(id)?.shares.some(({ owner }) => owner === container.id))
  )
    return;
  if (container.shares.length > 0 || truth.holds.has(container.id)) return;
  const open = world.sentinel?.journal?.state().openByWorkload ?? {};
  if (Object.keys(open).length > 0) return;

  world.timeline.add('world', `${name} hangs once more`);
  engine.setHealth(name, 'unhealthy');
  await clock.advance(HEAL_MS);
  if (!engine.isWell(name)) {
    witness.break(
      'healed',
      `${name} is ${engine.peek(name)?.state}, and ${plan.name} permits ${first.tool}`,
    );
  }
}

function checkRedis(world: World): void {
  const { journal } = world.sentinel ?? {};
  if (journal === undefined) return;
  const id = journal.journalId();
  const published = world.sink
    .stream('audit')
    .filter(({ journal: of }) => of === id)
    .map(({ seq }) => Number(seq));
  const head = journal.head().seq;
  if (published.at(-1) !== head) {
    world.witness.break(
      'redis-catches-up',
      `${published.at(-1)} is published, and ${head} is the last record`,
    );
  }
  const gap = published.findIndex(
    (seq, index) => index > 0 && seq !== (published[index - 1] ?? 0) + 1,
  );
  if (gap > 0) {
    world.witness.break('redis-equals-journal', `${published[gap]} follows ${published[gap - 1]}`);
  }
}
