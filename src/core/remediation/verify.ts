import { isOver, type Verdict } from '#core/health/threshold.ts';
import type { Attempt, Incident } from '#core/incident/incident.ts';
import { intentId } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { CompiledThreshold } from '#core/policy/compile.ts';
import { formatDuration } from '#lib/duration.ts';
import { escalate } from './act.ts';
import { startingDeadlineMs } from './deadlines.ts';
import { belongsToPerson, resolved } from './lifecycle.ts';
import { about, type JudgedSituation, recheck, type Step, type WorkloadMemory } from './step.ts';

export interface Verified {
  readonly step: Step;
  readonly steady?: WorkloadMemory['steady'];
}

/**
 * Judges an attempt by what can be observed since it ended, never by the tool's word. It passes
 * when everything has held for `healthyFor` without a break; it fails at the deadline, or earlier
 * when it cannot pass any more.
 */
export function verify(situation: JudgedSituation, incident: Incident, attempt: Attempt): Verified {
  const { world, policy } = situation;
  const interfered = interference(situation, incident, attempt);
  if (interfered !== undefined) return { step: interfered };

  const { healthyFor } = policy.spec.remediation.verify;
  const missing = whatIsMissing(situation, incident, attempt);
  const steady = missing === undefined ? steadySince(situation, attempt) : undefined;
  if (steady !== undefined && steady.sinceMs + healthyFor <= world.nowMs) {
    return { step: passed(situation, incident, attempt) };
  }

  const lost = hasEnded(situation, attempt);
  const deadlineMs = deadlineOf(situation, incident, attempt);
  if (lost !== undefined || (missing !== undefined && deadlineMs <= world.nowMs)) {
    return { step: failed(situation, incident, attempt, lost ?? missing ?? '') };
  }
  if (steady === undefined) return { step: recheck(deadlineMs) };
  // What holds at the deadline may go on to prove it: the next break of it fails.
  return { step: recheck(steady.sinceMs + healthyFor), steady };
}

/** A person has the workload now: nothing is left to verify, and nothing more is done. */
function interference(
  situation: JudgedSituation,
  incident: Incident,
  attempt: Attempt,
): Step | undefined {
  const person = belongsToPerson(situation);
  if (person !== undefined) return resolved(incident, 'HumanAction', person);
  const { foreign } = situation.history;
  if (foreign?.intent !== attempt.intent) return undefined;
  return escalateForeign(incident, attempt, foreign.event);
}

/** What is not as it must be right now; `undefined` when everything is. */
function whatIsMissing(
  situation: JudgedSituation,
  incident: Incident,
  attempt: Attempt,
): string | undefined {
  const { container } = situation.view;
  const { leaves = 'running' } = situation.world.tool(attempt.tool) ?? {};
  if (container?.state !== leaves) return `the container is ${container?.state ?? 'gone'}`;
  // Of what was stopped or paused on purpose nothing more can be seen.
  if (leaves !== 'running') return undefined;
  const { health = { status: 'healthy' } } = container;
  if (health.status !== 'healthy') return `its health is ${health.status}`;
  const wasWrong = new Set([...incident.breached, attempt.trigger]);
  return mustBeClear(situation, incident, attempt)
    .map(({ name }) => notClear(name, situation.verdicts.get(name), wasWrong.has(name)))
    .find((missing) => missing !== undefined);
}

/** The thresholds that verification asks for: what was wrong, and whether anybody is served. */
function mustBeClear(
  { policy }: JudgedSituation,
  incident: Incident,
  attempt: Attempt,
): CompiledThreshold[] {
  return policy.thresholds.filter(({ name, signal }) => {
    const isProbe = signal === 'probe.http' || signal === 'probe.tcp';
    return isProbe || incident.breached.includes(name) || name === attempt.trigger;
  });
}

function notClear(
  name: string,
  verdict: Verdict | undefined,
  wasWrong: boolean,
): string | undefined {
  switch (verdict?.kind) {
    case 'Breached':
    case 'Pending':
      return `${name} is still breached`;
    case 'Unknown':
    case 'Ignored':
      return `${name} is not known yet`;
    case 'Unsupported':
      return wasWrong && !isOver(verdict) ? `${name} cannot be looked at any more` : undefined;
    case 'Clear':
    case undefined:
      return undefined;
  }
}

/** Since when everything has held: in this run of the container, and after the action ended. */
function steadySince({ world, view, memory }: JudgedSituation, attempt: Attempt) {
  const of = `${attempt.intent} ${view.container?.id} ${view.container?.startedAtMs}`;
  if (memory.steady?.of === of) return memory.steady;
  return { sinceMs: world.nowMs, of };
}

/** It ended again by itself after the action, and nothing but another action would start it. */
function hasEnded({ view, history }: JudgedSituation, attempt: Attempt): string | undefined {
  const { exit } = history;
  const state = view.container?.state;
  if (state !== 'exited' && state !== 'dead') return undefined;
  if (exit === undefined || exit.atMs <= (attempt.endedAtMs ?? 0)) return undefined;
  // A restart that outlived a crash of Sentinel stops the container before it starts it.
  if (exit.cause === 'Sentinel') return undefined;
  return `the container exited again with code ${exit.exitCode}`;
}

/**
 * The later of `within` and the time at which Docker itself would call the container unhealthy, so
 * that a slow start is not failed; likewise where something is not looked at during startPeriod, or
 * was not seen for the whole of its window.
 */
function deadlineOf(situation: JudgedSituation, incident: Incident, attempt: Attempt): number {
  const { view, policy, verdicts } = situation;
  const { within, healthyFor } = policy.spec.remediation.verify;
  const endedAtMs = attempt.endedAtMs ?? attempt.startedAtMs;
  const health = view.container?.health;
  const runningSinceMs = view.runningSinceMs ?? endedAtMs;
  const bound = Math.max(runningSinceMs, endedAtMs);
  const asked = mustBeClear(situation, incident, attempt);
  const longestMs = Math.max(0, ...asked.map(({ window = 0 }) => window));
  // A container that keeps restarting would move its own deadline for ever.
  const patienceMs = within + startingDeadlineMs(health) + policy.spec.startPeriod;
  const latestMs = endedAtMs + 3 * patienceMs + longestMs;
  const byHealth = health === undefined ? 0 : bound + startingDeadlineMs(health) + healthyFor;
  const kinds = asked.map(({ name }) => verdicts.get(name));
  const isHushed = kinds.some((verdict) => verdict?.kind === 'Ignored');
  const byStart = isHushed ? bound + policy.spec.startPeriod + healthyFor : 0;
  const bySight = kinds.map((verdict) =>
    verdict?.kind === 'Unknown' && verdict.recheckAtMs !== undefined
      ? verdict.recheckAtMs + healthyFor
      : 0,
  );
  return Math.max(endedAtMs + within, Math.min(latestMs, Math.max(byHealth, byStart, ...bySight)));
}

function passed({ world, view }: JudgedSituation, incident: Incident, attempt: Attempt): Step {
  const tookMs = world.nowMs - attempt.startedAtMs;
  const message = `${view.identity.name} has been well since; verified ${formatDuration(tookMs)} after the start of ${attempt.action}`;
  const passing: Draft = {
    type: 'verification.passed',
    ...about(incident),
    data: { intent: attempt.intent, message },
  };
  const resolution = attempt.outcome === 'Succeeded' ? 'Remediated' : 'SelfRecovered';
  const why =
    attempt.outcome === 'Succeeded'
      ? `${attempt.action} worked`
      : `${attempt.action} ended as ${attempt.outcome}, and the workload is well`;
  return {
    drafts: [
      passing,
      { type: 'incident.resolved', ...about(incident), data: { resolution, message: why } },
    ],
    effects: [{ kind: 'Settle', intent: attempt.intent }],
    again: true,
  };
}

function failed(
  situation: JudgedSituation,
  incident: Incident,
  attempt: Attempt,
  message: string,
): Step {
  const { policy, world } = situation;
  const { onFailure } = policy.spec.remediation.verify;
  const tool = world.tool(attempt.tool);
  const undo =
    onFailure === 'Rollback' && tool?.reversible === true && attempt.outcome !== 'OutcomeUnknown';
  const next = undo ? 'Rollback' : onFailure === 'Escalate' ? 'Escalate' : 'Next';
  const draft: Draft = {
    type: 'verification.failed',
    ...about(incident),
    data: { intent: attempt.intent, message, next },
  };
  if (next === 'Escalate') {
    const told = escalate(
      incident,
      'VerificationFailed',
      `${attempt.action} did not help: ${message}`,
    );
    return { drafts: [draft, ...told.drafts], again: true };
  }
  if (next === 'Rollback') return rollback(situation, incident, attempt, draft);
  return { drafts: [draft], again: true };
}

/** Permitted by the original intent, since no person has touched the container in between. */
function rollback(
  { world }: JudgedSituation,
  incident: Incident,
  attempt: Attempt,
  draft: Draft,
): Step {
  const intent = intentId(world.state.journalId, world.state.seq + 2);
  const intended: Draft = {
    type: 'remediation.intended',
    ...about(incident),
    data: {
      intent,
      candidate: attempt.candidate,
      action: attempt.action,
      tool: attempt.tool,
      rung: attempt.byModel === true ? incident.rung : incident.rung + 1,
      trigger: attempt.trigger,
      affects: [...attempt.affects],
      argumentsMac: '',
      rollbackOf: attempt.intent,
    },
  };
  return {
    drafts: [draft, intended],
    effects: [{ kind: 'Rollback', intent, rollbackOf: attempt.intent }],
  };
}

/** Somebody acted on the container in the moment of our own action: that person has it now. */
function escalateForeign(incident: Incident, attempt: Attempt, event: string): Step {
  const message = `an event that ${attempt.action} does not explain (${event}) came since it began`;
  const draft: Draft = {
    type: 'verification.failed',
    ...about(incident),
    data: { intent: attempt.intent, message, next: 'Escalate' },
  };
  return { drafts: [draft, ...escalate(incident, 'ForeignEvent', message).drafts], again: true };
}
