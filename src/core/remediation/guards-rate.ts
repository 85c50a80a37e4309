import { isOpen, pendingAttempt } from '#core/incident/incident.ts';
import type { CompiledAction, CompiledPolicy } from '#core/policy/compile.ts';
import { isDenied } from '#core/policy/deny-window.ts';
import { counted } from '#lib/counted.ts';
import { formatDuration } from '#lib/duration.ts';
import { isHealthy } from './budget.ts';
import { type GuardContext, type Guards, type No, until } from './guard.ts';
import { stormOf } from './storm.ts';

/** What a limit is counted from: the real ledger, or in Shadow the shadow's own. */
interface Start {
  readonly action: string;
  readonly incident: string;
  readonly atMs: number;
}

/** Guards on how often, how many at once, and when. */
export const RATE_GUARDS: Guards = {
  ActionInFlight({ world, candidate, ownIntent }) {
    for (const incident of Object.values(world.state.incidents)) {
      const attempt = isOpen(incident) ? pendingAttempt(incident) : undefined;
      if (attempt === undefined || attempt.intent === ownIntent) continue;
      const shared = attempt.affects.find(({ workload }) => candidate.affects.includes(workload));
      if (shared !== undefined) {
        return {
          message: `${attempt.action} on ${shared.workload} is not finished (${incident.name})`,
        };
      }
    }
    return undefined;
  },

  LogTriggered({ policy, candidate }) {
    if (candidate.opinionTriggered === true) {
      return { message: `only a model’s opinion on log lines (${candidate.trigger}) asks for it` };
    }
    if (!candidate.logTriggered || policy.spec.remediation.allowLogTriggered) return undefined;
    return {
      message: `only ${candidate.trigger}, which anyone who can log can cause, asks for it`,
    };
  },

  DeniedWindow(context) {
    return inDeniedWindow(context, context.policy);
  },

  StormActive(context) {
    const storm = stormOf(context.world, context.policy);
    return storm && until(context, 'many incidents at once', storm.untilMs);
  },

  Backoff(context) {
    const starts = startsOf(context);
    const last = starts.at(-1);
    const { initial, factor, max } = context.policy.spec.remediation.backoff;
    const idle = notExecuted(context);
    if (idle.last !== undefined) {
      const restMs = Math.min(NOT_EXECUTED_REST_MS * factor ** (idle.count - 1), max);
      const no = restOf(
        context,
        idle.last + restMs,
        idle.count === 1
          ? 'the last intent was not executed'
          : `${idle.count} intents in a row were not executed`,
      );
      if (no !== undefined) return no;
    }
    if (last === undefined) return undefined;
    const earlier = starts.filter(({ incident }) => incident === context.incident.name).length;
    const restMs = Math.min(initial * factor ** Math.max(0, earlier - 1), max);
    return restOf(context, last.atMs + restMs, `attempt ${earlier} on this workload`);
  },

  Cooldown(context) {
    const { action } = context.candidate;
    return inCooldown(context, action, startsUnder(action.name, context));
  },

  LimitReached(context) {
    const { action } = context.candidate;
    return limitReached(context, action, startsUnder(action.name, context));
  },

  BudgetExhausted(context) {
    return tooManyAtOnce(context) ?? tooFewHealthy(context);
  },

  HostBudgetExhausted(context) {
    const { maxActions, state, nowMs } = context.world;
    const recent = state.hostLedger.filter(
      ({ atMs, intent }) => atMs > nowMs - maxActions.perMs && intent !== context.ownIntent,
    );
    const oldest = recent[recent.length - maxActions.max];
    if (oldest === undefined) return undefined;
    const spent = `${counted(recent.length, 'action')} on this host within ${formatDuration(maxActions.perMs)}`;
    return until(context, spent, oldest.atMs + maxActions.perMs);
  },
};

export function inDeniedWindow(context: GuardContext, policy: CompiledPolicy): No | undefined {
  const { world } = context;
  for (const window of policy.denyWindows) {
    const { denied, untilMs = world.wallMs } = isDenied(window, world.wallMs);
    if (denied) {
      return until(context, `denied by ${window.source}`, world.nowMs + untilMs - world.wallMs);
    }
  }
  return undefined;
}

/** @param starts those that count for the action, oldest first */
export function inCooldown(
  context: GuardContext,
  { name, cooldown }: CompiledAction,
  starts: readonly Pick<Start, 'atMs'>[],
): No | undefined {
  const last = starts.at(-1);
  return last && restOf(context, last.atMs + cooldown, `${name} has a cooldown`);
}

/** @param starts those that count for the action, oldest first */
export function limitReached(
  context: GuardContext,
  { name, limit }: CompiledAction,
  starts: readonly Pick<Start, 'atMs'>[],
): No | undefined {
  const { max, per } = limit;
  const recent = starts.filter(({ atMs }) => atMs > context.world.nowMs - per);
  const oldest = recent[recent.length - max];
  if (oldest === undefined) return undefined;
  const spent = `${name} was started ${counted(recent.length, 'time')} within ${formatDuration(per)}`;
  return until(context, spent, oldest.atMs + per);
}

function startsUnder(action: string, context: GuardContext): readonly Start[] {
  return startsOf(context).filter((start) => start.action === action);
}

function restOf(context: GuardContext, endsAtMs: number, message: string): No | undefined {
  return endsAtMs > context.world.nowMs ? until(context, message, endsAtMs) : undefined;
}

/** What was not executed costs no limit, but it must not be tried again in a tight loop. */
const NOT_EXECUTED_REST_MS = 2_000;

function notExecuted({ world, incident, ownIntent }: GuardContext): {
  count: number;
  last?: number;
} {
  const attempts = world.state.incidents[incident.name]?.attempts ?? [];
  let count = 0;
  let last: number | undefined;
  for (const attempt of attempts.toReversed()) {
    if (attempt.intent === ownIntent) continue;
    if (attempt.outcome !== 'NotExecuted') break;
    count += 1;
    last ??= attempt.startedAtMs;
  }
  return last === undefined ? { count } : { count, last };
}

function startsOf(context: GuardContext): readonly Start[] {
  const { world, policy, view, ownIntent } = context;
  if (isShadow(context)) {
    return (world.state.shadowLedger[view.key] ?? []).filter(
      (entry) => entry.policy === policy.name,
    );
  }
  return (world.state.ledger[view.key] ?? []).filter(({ intent }) => intent !== ownIntent);
}

export function isShadow({ world, policy }: Pick<GuardContext, 'world' | 'policy'>): boolean {
  return world.shadowAll || policy.spec.remediation.mode === 'Shadow';
}

/** Intents of this policy that are not yet verified, and the workloads that they touch. */
function tooManyAtOnce({ world, policy, ownIntent }: GuardContext): No | undefined {
  const { maxConcurrent } = policy.spec.remediation.budget;
  const busy = Object.values(world.state.incidents).filter((incident) => {
    if (incident.policy.name !== policy.name || !isOpen(incident)) return false;
    const attempt = pendingAttempt(incident);
    return attempt !== undefined && attempt.intent !== ownIntent;
  });
  if (busy.length < maxConcurrent) return undefined;
  return { message: `${busy.length} of ${maxConcurrent} actions at once are under way` };
}

const HEALTH_RECHECK_MS = 5_000;

function tooFewHealthy({ world, policy, candidate }: GuardContext): No | undefined {
  const { minHealthy } = policy.spec.remediation.budget;
  if (minHealthy === undefined) return undefined;
  let others = 0;
  let healthy = 0;
  for (const view of world.views.values()) {
    const governing = world.governing(view.key);
    if (governing.kind !== 'governed' || governing.policy.name !== policy.name) continue;
    if (candidate.affects.includes(view.key)) continue;
    const verdict = isHealthy(world, policy, view);
    if (verdict === 'NotCounted') continue;
    others += 1;
    if (verdict === 'Healthy') healthy += 1;
  }
  const needed = Math.ceil(minHealthy * others);
  if (healthy >= needed) return undefined;
  return {
    message: `${healthy} of ${others} others are healthy, and ${needed} must be`,
    // Some may only be in their start period.
    recheckAtMs: world.nowMs + HEALTH_RECHECK_MS,
  };
}
