import type { NamespaceOwner } from '#core/health/judge-input.ts';
import { isOver, type Judgement, judge, type Verdict } from '#core/health/threshold.ts';
import type { Attempt, Incident } from '#core/incident/incident.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { EMPTY_MEMORY, earlier, type JudgedSituation, type WorkloadMemory } from './step.ts';
import type { World } from './world.ts';

/** What the thresholds of a policy say of one workload now. */
export interface Judged {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly breached: readonly string[];
  readonly memory: WorkloadMemory;
  readonly recheckAtMs?: number;
}

/** Judges every threshold of the governing policy. */
export function judgeAll(
  situation: Pick<JudgedSituation, 'world' | 'policy' | 'view' | 'history'>,
  memory: WorkloadMemory | undefined = EMPTY_MEMORY,
  incident: Incident | undefined,
): Judged {
  const { world, policy, view, history } = situation;
  const cutMs = cutMsOf(world.state, view.key, incident);
  const input = {
    nowMs: world.nowMs,
    view,
    history,
    startPeriodMs: policy.spec.startPeriod,
    ownerOf: (ref: string) => ownerOf(world, ref),
    healthyForMs: policy.spec.remediation.verify.healthyFor,
    ...(cutMs === undefined ? {} : { cutMs }),
  };
  const judgements = policy.thresholds.map((threshold): [string, Judgement] => [
    threshold.name,
    judge(threshold, input, memory.thresholds[threshold.name]),
  ]);
  const recheckAtMs = judgements
    .map(([, { verdict }]) => ('recheckAtMs' in verdict ? verdict.recheckAtMs : undefined))
    .reduce(earlier, undefined);
  const isWell = judgements.every(
    ([name, { verdict }]) =>
      verdict.kind !== 'Breached' &&
      (incident?.breached.includes(name) !== true || isOver(verdict)),
  );
  return {
    verdicts: new Map(judgements.map(([name, { verdict }]) => [name, verdict])),
    breached: judgements.flatMap(([name, { verdict }]) =>
      verdict.kind === 'Breached' ? [name] : [],
    ),
    memory: {
      thresholds: Object.fromEntries(
        judgements.map(([name, judgement]) => [name, judgement.memory]),
      ),
      ...(memory.steady === undefined ? {} : { steady: memory.steady }),
      ...(isWell ? { wellSinceMs: memory.wellSinceMs ?? world.nowMs } : {}),
    },
    ...(recheckAtMs === undefined ? {} : { recheckAtMs }),
  };
}

export function ownerOf(
  { views, workloadOf }: Pick<World, 'views' | 'workloadOf'>,
  ref: string,
): NamespaceOwner {
  const key = workloadOf(ref);
  if (key === undefined) return 'gone';
  const container = views.get(key)?.container;
  return container?.id === ref || container?.name === ref ? container : 'replaced';
}

/**
 * When the last action ended whose success is still to be seen, or was seen: what happened before it
 * does not count any more, also once its incident is over, or the same restarts would open it again
 * at once. An action that failed its verification cuts nothing off: the trouble goes on.
 */
export function cutMsOf(
  state: OperatorState,
  key: WorkloadKey,
  incident: Incident | undefined = state.incidents[state.openByWorkload[key] ?? ''],
): number | undefined {
  const lastActedOn = state.ledger[key]?.at(-1)?.incident ?? '';
  return cutOf(incident) ?? cutOf(state.incidents[lastActedOn]);
}

function cutOf(incident: Incident | undefined): number | undefined {
  return incident?.attempts.findLast(
    ({ verification, endedAtMs }: Attempt) =>
      endedAtMs !== undefined && (verification === 'Pending' || verification === 'Passed'),
  )?.endedAtMs;
}
