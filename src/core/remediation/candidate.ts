import { createHash } from 'node:crypto';
import { celFactsOf } from '#core/health/cel-facts.ts';
import type { Verdict } from '#core/health/threshold.ts';
import { canonicalJson } from '#core/journal/record.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import { type ArgumentVariant, expandArguments } from '#core/policy/arguments.ts';
import type { CompiledAction, CompiledPolicy } from '#core/policy/compile.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { affectedBy } from './affects.ts';
import type { ToolDescription } from './tools.ts';
import type { World } from './world.ts';

/** Room on the ladder for the variants of one action: `$oneOf` makes at most so many. */
export const RUNGS_PER_ACTION = 16;

/**
 * One thing that could be done now, complete: nobody adds to it later. A model sees its id and
 * picks; it never writes any of this.
 */
export interface Candidate {
  /**
   * Names the action and a digest of tool, arguments, target and policy: another one is another id,
   * so that an answer is to what was read.
   */
  readonly id: string;
  readonly action: CompiledAction;
  /** Place on the ladder: the action's index times RUNGS_PER_ACTION, and the variant. */
  readonly rung: number;
  readonly tool: ToolDescription | undefined;
  /** Id of the container that it is about; empty where there is none. */
  readonly target: string;
  /** Which combination of the action's `$oneOf` options it is, from 0. */
  readonly variant: number;
  readonly arguments: ArgumentVariant;
  /** The breached threshold that makes it eligible; log-derived ones only when there is no other. */
  readonly trigger: string;
  readonly logTriggered: boolean;
  /** Nothing but a model's opinion on log lines asks for it. */
  readonly opinionTriggered?: true;
  readonly affects: readonly WorkloadKey[];
}

export interface Situation {
  readonly world: World;
  readonly policy: CompiledPolicy;
  readonly view: WorkloadView;
  readonly history: WorkloadHistory;
  /** By threshold name. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

/** Every candidate of the policy that answers to what is breached now, in the ladder's order. */
export function candidatesFor(situation: Situation): Candidate[] {
  const { policy } = situation;
  return policy.actions.flatMap((action, index) => {
    const trigger = triggerOf(situation, action);
    if (trigger === undefined) return [];
    return variants(situation, action).map((args, variant) =>
      candidate(situation, { action, args, trigger, index, variant }),
    );
  });
}

interface Trigger {
  readonly threshold: string;
  readonly logDerived: boolean;
  readonly isOpinion: boolean;
}

/**
 * A breached threshold of the action's `on` that is not log-derived, else a log-derived one; what a
 * model alone takes for trouble comes last.
 */
function triggerOf({ policy, verdicts }: Situation, action: CompiledAction): Trigger | undefined {
  const breached = policy.thresholds.flatMap(({ name, logDerived }): Trigger[] => {
    const verdict = verdicts.get(name);
    if (!action.on.includes(name) || verdict?.kind !== 'Breached') return [];
    return [{ threshold: name, logDerived, isOpinion: verdict.isOpinion === true }];
  });
  return (
    breached.find(({ logDerived }) => !logDerived) ??
    breached.find(({ isOpinion }) => !isOpinion) ??
    breached[0]
  );
}

function variants(situation: Situation, action: CompiledAction): readonly ArgumentVariant[] {
  const { world, view, history } = situation;
  const cel = celFactsOf({ nowMs: world.nowMs, view, history });
  const { container, identity } = view;
  const target = {
    key: view.key,
    name: container?.name ?? identity.name,
    host: identity.host,
    ...(container === undefined ? {} : { id: container.id }),
    ...(identity.project === undefined ? {} : { project: identity.project }),
    ...(identity.service === undefined ? {} : { service: identity.service }),
  };
  return expandArguments(action.template, { cel, target }, world.tool(action.tool));
}

interface Named {
  readonly view: WorkloadView;
  readonly policy: Pick<CompiledPolicy, 'digest'>;
}

/** @param args `null` where they have no value */
export function candidateId(
  { view: { key, container }, policy }: Named,
  { name, tool }: CompiledAction,
  args: unknown,
): string {
  const identity = {
    tool,
    policy: policy.digest,
    arguments: args,
    workload: key,
    container: container?.id ?? '',
    // `$target` may have put it into the arguments, and a container can be renamed.
    name: container?.name ?? '',
  };
  const digest = createHash('sha256').update(canonicalJson(identity)).digest('hex');
  return `${name}-${digest.slice(0, 12)}`;
}

function candidate(
  situation: Situation,
  draft: {
    readonly action: CompiledAction;
    readonly args: ArgumentVariant;
    readonly trigger: Trigger;
    readonly index: number;
    readonly variant: number;
  },
): Candidate {
  const { action, args, trigger, index, variant } = draft;
  const { world, view } = situation;
  const tool = world.tool(action.tool);
  return {
    id: candidateId(situation, action, args.ok ? args.arguments : null),
    action,
    rung: index * RUNGS_PER_ACTION + variant,
    variant,
    tool,
    target: view.container?.id ?? '',
    arguments: args,
    trigger: trigger.threshold,
    logTriggered: trigger.logDerived,
    ...(trigger.isOpinion ? { opinionTriggered: true } : {}),
    affects: affectedBy(world, view.key, tool),
  };
}
