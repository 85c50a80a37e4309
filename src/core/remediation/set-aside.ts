import { handsOff } from './rollback.ts';
import type { World } from './world.ts';

/**
 * What is to become of a container that an action made or set aside beside its workload.
 * - `InUse`: its action, or the way back from it, is not over.
 * - `Removable`: it was waited for long enough, and the policy of now lets Sentinel touch it.
 * - `Kept`: it stays until a person removes it, or until the reason is gone.
 */
export type SetAsideFate =
  | { readonly kind: 'InUse' }
  | { readonly kind: 'Removable'; readonly incident: string; readonly workload: string }
  | { readonly kind: 'Kept'; readonly why: string };

/** @param intent the one that the container is named after */
export function fateOfSetAside(world: World, intent: string): SetAsideFate {
  const incident = Object.values(world.state.incidents).find(({ attempts }) =>
    attempts.some((one) => one.intent === intent),
  );
  const attempt = incident?.attempts.find((one) => one.intent === intent);
  if (incident === undefined || attempt === undefined) {
    return { kind: 'Kept', why: 'no incident that is kept tells of it' };
  }
  const isBeingUndone = incident.attempts.some(
    ({ rollbackOf, outcome }) => rollbackOf === intent && outcome === undefined,
  );
  const { outcome, verification } = attempt;
  if (outcome === undefined || verification === 'Pending' || isBeingUndone) {
    return { kind: 'InUse' };
  }
  if (verification === 'None' || (verification === 'Failed' && outcome === 'OutcomeUnknown')) {
    return { kind: 'Kept', why: `${attempt.action} ended as ${outcome}` };
  }
  const { key } = incident.workload;
  const why = handsOff(world, key);
  if (why !== undefined) return { kind: 'Kept', why };
  return { kind: 'Removable', incident: incident.name, workload: key };
}
