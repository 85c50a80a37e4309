import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { World } from './world.ts';

export interface Storm {
  /** When it began; a storm that is told is told once from here on. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * A storm is more than `above` openings of a policy within `within`; it lasts until `coolFor` has
 * passed since the last moment at which that held.
 *
 * @returns `undefined` outside a storm; instants in controller milliseconds
 */
export function stormOf(
  { state, nowMs }: Pick<World, 'state' | 'nowMs'>,
  policy: CompiledPolicy,
): Storm | undefined {
  const { above, within, coolFor } = policy.spec.remediation.storm;
  const openings = state.openings[policy.name] ?? [];
  let storm: Storm | undefined;
  for (let index = above; index < openings.length; index += 1) {
    const last = openings[index] ?? 0;
    if (last - (openings[index - above] ?? 0) >= within) continue;
    const goesOn = storm !== undefined && last < storm.untilMs;
    storm = { sinceMs: goesOn && storm ? storm.sinceMs : last, untilMs: last + coolFor };
  }
  return storm !== undefined && storm.untilMs > nowMs ? storm : undefined;
}
