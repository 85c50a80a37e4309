import type { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import type { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { canonicalJson } from '#core/journal/record.ts';
import { LABEL, type ObservedContainer } from '#core/workload/container.ts';
import type { ActionCall } from '#ports/action-runner.ts';
import type { InvariantId } from './invariants.ts';
import type { Intended } from './ledger.ts';
import { type ActionPlan, ERROR_WINDOW_MS, type PolicyPlan, raisedMemory } from './policy-plans.ts';
import { deploymentScope, type Truth } from './truth.ts';

/** One container that a call touches, and what is true of it at that moment. */
export interface Touched {
  readonly container: ObservedContainer;
  /** The target of the call, not one that is touched with it. */
  readonly isTarget: boolean;
  readonly call: ActionCall;
  readonly intended: Intended;
  /** What governs the container, by the oracle's own reckoning. */
  readonly plan: PolicyPlan | undefined;
  readonly key: string | undefined;
  readonly isOwn: boolean;
  readonly truth: Truth;
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  /** What governs a container of that name. */
  readonly planOf: (name: string) => PolicyPlan | undefined;
}

/** @returns what is wrong, if something is */
type Rule = (touched: Touched) => string | undefined;

const DEPLOYMENT_SETTLE_MS = 20_000;
const ILL_WITHIN_MS = 60_000;

/** What must hold of each container that a call touches. */
export const CALL_RULES: Partial<Record<InvariantId, Rule>> = {
  'not-own': ({ isOwn }) => (isOwn ? 'it is Sentinel’s own' : undefined),
  'not-held'({ container: { id, state }, truth }) {
    const hold = truth.holds.get(id);
    return hold === undefined || state === 'running' ? undefined : `a person took it (${hold})`;
  },
  'not-paused'({ container, plan, key, truth }) {
    if (container.labels[LABEL.pause] === 'true') return 'its label pauses it';
    const scopes = ['all:', `policy:${plan?.name}`, `workload:${key}`];
    const paused = scopes.find((scope) => truth.pauses.has(scope));
    return paused && `${paused} is paused`;
  },
  'not-deploying'({ container, truth, clock }) {
    const atMs = truth.deploymentsTold.get(deploymentScope(container)) ?? -Infinity;
    return clock.passedMs() < atMs + DEPLOYMENT_SETTLE_MS ? 'amid a deployment' : undefined;
  },
  'not-denied': ({ plan, clock }) =>
    plan?.deniedHour === new Date(clock.wallMs()).getUTCHours()
      ? `in hour ${plan.deniedHour}`
      : undefined,
  'is-ill': (touched) =>
    !touched.isTarget || isIll(touched) || complains(touched) ? undefined : 'it is well',
  'not-by-log': (touched) =>
    !touched.isTarget || isIll(touched) || touched.plan?.allowLogTriggered === true
      ? undefined
      : 'nothing but its log says that it is ill',
  'min-healthy': tooFewWell,
  'affects-permitted'({ plan, call: { tool }, isTarget }) {
    const permits = plan?.actions.some((action) => action.tool === tool) === true;
    return isTarget || permits ? undefined : 'its own policy does not permit that tool';
  },
  permitted(touched) {
    const { plan, intended, isTarget } = touched;
    // What is undone is what the original intent permits.
    if (!isTarget || intended.rollbackOf !== undefined) return undefined;
    const action = plan?.actions.find(({ name }) => name === intended.action);
    if (plan === undefined || action === undefined) {
      return `no policy permits ${intended.action}`;
    }
    return otherCall(touched, action) ?? otherMode(touched, plan, action);
  },
};

function isIll({ container: { id }, truth, clock, engine }: Touched): boolean {
  const seen = [truth.illAtMs.get(id) ?? -Infinity, truth.ailedAtMs.get(id) ?? -Infinity];
  return !engine.isWell(id) || clock.passedMs() <= Math.max(...seen) + ILL_WITHIN_MS;
}

function complains({ container: { id }, truth, clock }: Touched): boolean {
  const atMs = truth.complainedAtMs.get(id) ?? -Infinity;
  return clock.passedMs() <= atMs + ERROR_WINDOW_MS + ILL_WITHIN_MS;
}

/**
 * The kindest reading: what does not run is not counted, and what was well within the last minute
 * still is.
 */
function tooFewWell(touched: Touched): string | undefined {
  const { plan, isTarget, intended, engine, truth, clock, planOf } = touched;
  if (plan?.minHealthy === undefined || !isTarget || intended.rollbackOf !== undefined) return;
  const named = new Set(intended.affects.map(({ container }) => container));
  const others = engine.ids().filter((id) => {
    const { name = '', state } = engine.peek(id) ?? {};
    return state === 'running' && !named.has(id) && planOf(name)?.name === plan.name;
  });
  const well = others.filter((id) => {
    const wellAtMs = truth.wellAtMs.get(id) ?? -Infinity;
    return engine.isWell(id) || clock.passedMs() <= wellAtMs + ILL_WITHIN_MS;
  });
  const needed = Math.ceil(plan.minHealthy * others.length);
  if (well.length >= needed) return undefined;
  return `${well.length} of ${others.length} others are well, and ${needed} must be`;
}

function otherCall({ call, container }: Touched, action: ActionPlan): string | undefined {
  const wanted =
    action.arguments === 'memory'
      ? { memory: raisedMemory(container.limits.memoryBytes ?? 0) }
      : action.arguments;
  const [said, called] = [canonicalJson(wanted), canonicalJson(call.arguments)];
  if (action.tool === call.tool && said === called) return undefined;
  return `${called}, and the policy says ${action.tool} ${said}`;
}

function otherMode(
  { intended: { incident, candidate }, truth }: Touched,
  { mode }: PolicyPlan,
  { needsApproval }: ActionPlan,
): string | undefined {
  if (mode === 'Shadow' || mode === 'Off') return `in mode ${mode}`;
  if (mode === 'Auto' && !needsApproval) return undefined;
  return truth.approvals.has(`${incident}/${candidate}`) ? undefined : 'nobody has approved it';
}
