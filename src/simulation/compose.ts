import { LABEL } from '#core/workload/container.ts';
import { NEVER_ABORTED, type World } from './world.ts';

/** Between two steps of a deployment. */
const STEP_MS = { min: 50, max: 3_000 };

/**
 * Compose recreates a service, and who lives in its network after it: the old container is renamed,
 * a new one created, the old one stopped, the new one started, the old one removed.
 */
export function deployCompose(world: World): void {
  const names = [...world.workloads.values()]
    .filter(
      ({ spec, isOwn }) => isOwn !== true && spec.labels?.[LABEL.composeService] !== undefined,
    )
    .map(({ spec }) => spec.name);
  if (names.length === 0) return;
  void recreate(world, world.random.pick(names));
}

async function recreate(world: World, name: string): Promise<void> {
  const { engine, random, clock } = world;
  const old = engine.peek(name);
  const spec = world.workloads.get(name)?.spec;
  if (spec === undefined) return;
  const sharers = engine
    .ids()
    .filter((id) => engine.peek(id)?.shares.some(({ owner }) => owner === old?.id) === true)
    .map((id) => engine.peek(id)?.name ?? '');
  const steps: (() => Promise<unknown>)[] = [];
  const step = (what: string, act: () => Promise<unknown>) =>
    steps.push(() => world.byHand(`compose: ${what} ${name}`, act));

  let made = '';
  const shares = (spec.shares ?? []).map(({ kind, owner }) => ({
    kind,
    owner: engine.peek(owner)?.id ?? owner,
  }));
  if (old !== undefined) {
    step('rename', () => engine.rename(old.id, `${old.id.slice(0, 12)}_${name}`, NEVER_ABORTED));
  }
  step('create', async () => {
    const labels = { ...spec.labels, [LABEL.composeConfigHash]: String(random.int(0, 1e6)) };
    made = await engine.add({ ...spec, labels, shares }, { start: false });
  });
  if (old !== undefined) step('stop', () => engine.stop(old.id, 1, NEVER_ABORTED));
  step('start', () => engine.start(made, NEVER_ABORTED));
  if (old !== undefined) {
    step('rm', () => engine.remove(old.id, { force: true }, NEVER_ABORTED));
    world.truth.holds.delete(old.id);
  }
  for (const one of steps) {
    await one();
    await clock.sleep(random.int(STEP_MS.min, STEP_MS.max));
  }
  for (const sharer of sharers) {
    if (world.workloads.has(sharer)) await recreate(world, sharer);
  }
}
