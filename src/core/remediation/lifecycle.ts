import { createHash } from 'node:crypto';
import { evidenceFor } from '#core/diagnosis/evidence.ts';
import { isOver, type Verdict } from '#core/health/threshold.ts';
import {
  type Incident,
  type IncidentWorkload,
  nextEvidenceNumber,
  pendingAttempt,
  type Resolution,
} from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { PolicyRef } from '#core/journal/record.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Severity } from '#core/policy/schema.ts';
import { formatDuration } from '#lib/duration.ts';
import { RUNGS_PER_ACTION } from './candidate.ts';
import type { No } from './guard.ts';
import { DEPLOYMENT_SETTLE_MS, deployedAtMs, humanAction } from './guards-people.ts';
import { about, type JudgedSituation, NOTHING, recheck, type Step } from './step.ts';
import type { World } from './world.ts';

/** A breach within this of a resolution belongs to the same trouble. */
const REOPEN_MS = 10 * 60_000;
/** How long a quarantined workload must stay well before it is released. */
const RELEASE_MS = REOPEN_MS;
const RESTARTING_RECHECK_MS = 60_000;

/** Opens an incident for what is breached, or reopens the last one; the first look at trouble. */
export function open(situation: JudgedSituation): Step {
  const { breached } = situation;
  if (breached.length === 0) return NOTHING;
  const person = humanHold(situation);
  if (person !== undefined && !isUntoldRemoval(situation)) return recheck(person.recheckAtMs);

  const recent = reopenable(situation);
  if (recent !== undefined) return reopen(situation, recent);
  const { policy, world, view } = situation;
  return {
    drafts: [
      {
        type: 'incident.opened',
        workload: view.key,
        policy: policyRef(policy),
        data: {
          workload: incidentWorkload(situation),
          policyGeneration: world.generationOf(policy.name),
          threshold: breached[0] ?? '',
          severity: severityOf(situation),
          breached: [...breached],
          evidence: evidenceFor(situation, 1),
          fingerprint: fingerprint(policy.name, view.key, breached),
          ...detectedAfter(situation),
          ...opinionAlone(situation),
          message: `${breached.join(', ')} breached`,
        },
      },
    ],
    again: true,
  };
}

/**
 * A person removed what the policy expects to exist. That is told, once, by an incident which is
 * resolved as HumanAction right away.
 */
function isUntoldRemoval(situation: JudgedSituation): boolean {
  const { history, breached, world, view } = situation;
  const { hold } = history;
  if (hold?.kind !== 'remove' || !breached.some((name) => isAbsence(situation, name))) return false;
  return !Object.values(world.state.incidents).some(
    (incident) => incident.workload.key === view.key && incident.createdAtMs >= hold.sinceMs,
  );
}

/** Only states that Docker dates: an exit, and the probe that made a container unhealthy. */
function detectedAfter({ policy, breached, view, history, world }: JudgedSituation): {
  readonly detectedAfterMs?: number;
} {
  const signal = policy.thresholds.find(({ name }) => name === breached[0])?.signal;
  const changedAtMs =
    signal === 'health'
      ? view.container?.health?.lastRun?.endedAtMs
      : signal === 'exit'
        ? Number(history.lastEventNano) / 1e6
        : undefined;
  if (changedAtMs === undefined || changedAtMs === 0) return {};
  return { detectedAfterMs: Math.max(0, Math.round(world.wallMs - changedAtMs)) };
}

function reopen(situation: JudgedSituation, incident: Incident): Step {
  const { policy, breached } = situation;
  const calm = formatDuration(calmMs(policy, incident.reopens + 1));
  return {
    drafts: [
      {
        type: 'incident.reopened',
        ...about(incident),
        data: {
          severity: severityOf(situation),
          breached: [...breached],
          evidence: evidenceFor(situation, nextEvidenceNumber(incident)),
          workload: incidentWorkload(situation),
          rung: rungAfter(situation, incident),
          ...opinionAlone(situation),
          message: `${breached.join(', ')} breached again; it is over when all was well for ${calm}`,
        },
      },
    ],
    again: true,
  };
}

/** The last incident of this workload and policy, while its trouble may be the same. */
function reopenable({ world, policy, view, breached }: JudgedSituation): Incident | undefined {
  const longest = policy.thresholds
    .filter(({ name }) => breached.includes(name))
    .reduce((most, { window = 0 }) => Math.max(most, window), REOPEN_MS);
  return Object.values(world.state.incidents)
    .filter(
      ({ workload, policy: { name }, resolvedAtMs, resolution }) =>
        workload.key === view.key &&
        name === policy.name &&
        resolvedAtMs !== undefined &&
        resolvedAtMs + longest > world.nowMs &&
        // What a person or a new policy ended is not the same trouble going on.
        (resolution === 'Remediated' || resolution === 'SelfRecovered'),
    )
    .reduce<Incident | undefined>(
      (newest, one) => ((newest?.resolvedAtMs ?? 0) > (one.resolvedAtMs ?? 0) ? newest : one),
      undefined,
    );
}

/**
 * Where a reopened incident goes on: after what was tried last, and at the last rung, which did
 * help for a while, when there is none after it. Limits and backoff bound how often.
 */
function rungAfter({ policy, breached }: JudgedSituation, incident: Incident): number {
  const tried = incident.attempts.some(
    ({ outcome }) => outcome !== undefined && outcome !== 'NotExecuted',
  );
  if (!tried) return incident.rung;
  const last = Math.min(Math.floor(incident.rung / RUNGS_PER_ACTION), policy.actions.length - 1);
  const next = policy.actions.findIndex(
    ({ on }, index) => index > last && breached.some((name) => on.includes(name)),
  );
  return Math.max(0, next < 0 ? last : next) * RUNGS_PER_ACTION;
}

/** Ends the incident when its cause is gone, or when it is no longer Sentinel's to care for. */
export function resolve(situation: JudgedSituation, incident: Incident): Step | undefined {
  const { world, view, breached } = situation;
  const person = belongsToPerson(situation);
  if (person !== undefined) return resolved(incident, 'HumanAction', person);
  if (view.container === undefined && !breached.includes(incident.threshold)) {
    // Which of them it is about nobody can tell: it is only observed until there is one again.
    if (view.ambiguous.length > 0) return NOTHING;
    if (!incident.breached.some((name) => isAbsence(situation, name))) {
      return closeForRemoval(world, incident);
    }
  }
  if (breached.length > 0 || !isClear(situation, incident)) return undefined;
  return release(situation, incident);
}

/**
 * The workload has no container any more. In the middle of a recreation that is so for a moment, so
 * it is waited for as long as a deployment takes to settle.
 */
export function closeForRemoval(world: World, incident: Incident): Step {
  const attempt = pendingAttempt(incident);
  if (attempt !== undefined && attempt.outcome === undefined) return NOTHING;
  const { key } = incident.workload;
  const hold = world.state.workloads[key]?.hold;
  if (hold?.kind === 'remove') {
    return resolved(incident, 'HumanAction', `removed by a person at ${hold.since}`);
  }
  const deployedMs = deployedAtMs(world, { key, identity: incident.workload });
  if (deployedMs !== undefined) return recheck(deployedMs + DEPLOYMENT_SETTLE_MS);
  return resolved(incident, 'WorkloadRemoved', 'the workload does not exist any more');
}

function isAbsence({ policy }: JudgedSituation, name: string): boolean {
  return policy.thresholds.some(
    (threshold) => threshold.name === name && threshold.signal === 'absent',
  );
}

/** Every threshold that counts in this bout is known to be clear: what is unknown ends nothing. */
function isClear({ verdicts }: JudgedSituation, incident: Incident): boolean {
  return incident.breached.every((name) => isOver(verdicts.get(name)));
}

function release(situation: JudgedSituation, incident: Incident): Step | undefined {
  const { world, view, history, policy } = situation;
  const { nowMs } = world;
  const heldUntilMs = quarantineEndsAtMs(situation);
  if (heldUntilMs > nowMs) return recheck(heldUntilMs);
  // Down by our own hand, and nothing has started it since: quiet, but not recovered.
  if (history.exit?.cause === 'Sentinel' && view.container?.state === 'exited') return undefined;
  // The engine rests between two starts: that it does not crash meanwhile proves nothing.
  if (view.container?.state === 'restarting') return recheck(nowMs + RESTARTING_RECHECK_MS);
  const person = endedByPerson(situation, incident);
  if (person !== undefined) return leftToPerson(situation, incident, person);
  const overAtMs = clearSinceMs(situation) + calmMs(policy, incident.reopens);
  if (overAtMs > nowMs) return recheck(overAtMs);
  return resolved(incident, 'SelfRecovered', 'it recovered by itself');
}

function clearSinceMs({ memory, world }: JudgedSituation): number {
  return memory.wellSinceMs ?? world.nowMs;
}

/** What is quarantined must stay well before it is released; `-Infinity` for what is not. */
function quarantineEndsAtMs(situation: JudgedSituation): number {
  const { world, view } = situation;
  if (world.state.quarantined[view.key] === undefined) return -Infinity;
  return Math.max(view.runningSinceMs ?? world.nowMs, clearSinceMs(situation)) + RELEASE_MS;
}

function leftToPerson(
  { world: { nowMs }, view, policy }: JudgedSituation,
  incident: Incident,
  person: string,
): Step {
  // The first moment of a run proves little.
  const provenAtMs = (view.runningSinceMs ?? nowMs) + policy.spec.remediation.verify.healthyFor;
  const isNew = view.container?.state === 'running' && provenAtMs > nowMs;
  return isNew ? recheck(provenAtMs) : resolved(incident, 'HumanAction', person);
}

/** @returns what a person did in this bout that may have ended it */
function endedByPerson(
  { history }: JudgedSituation,
  { escalations, boutAtMs }: Incident,
): string | undefined {
  const isMeddled = escalations.some(
    ({ reason, atMs }) => reason === 'ForeignEvent' && atMs >= boutAtMs,
  );
  if (isMeddled) return 'somebody acted on it beside Sentinel, and it is well';
  const started = history.starts.at(-1);
  const isStarted = started?.cause === 'Human' && started.atMs >= boutAtMs;
  return isStarted ? 'a person started it, and it is well' : undefined;
}

/**
 * How long all must be well before trouble that came back is said to be over: as long as a
 * verification takes, twice as long with each return, and no longer than a reopening looks back. What
 * flaps is one incident then, told once, and not a new one with each turn.
 */
function calmMs({ spec }: CompiledPolicy, reopens: number): number {
  if (reopens === 0) return 0;
  return Math.min(spec.remediation.verify.healthyFor * 2 ** (reopens - 1), REOPEN_MS);
}

/** Notes what has come to be breached, or to be grave, since the incident was opened. */
export function join(situation: JudgedSituation, incident: Incident): Step | undefined {
  const { breached } = situation;
  const added = breached.filter((name) => !incident.breached.includes(name));
  const moved =
    situation.view.container !== undefined && situation.view.container.id !== incident.workload.id;
  const severity = incident.severity === 'critical' ? 'critical' : severityOf(situation);
  const isGraver = severity !== incident.severity;
  if (added.length === 0 && !moved && !isGraver) return undefined;
  return {
    drafts: [
      {
        type: 'incident.updated',
        ...about(incident),
        data: {
          severity,
          breached: [...incident.breached, ...added],
          evidence: added.length > 0 ? evidenceFor(situation, nextEvidenceNumber(incident)) : [],
          workload: incidentWorkload(situation),
          message: joinWords(added, moved),
        },
      },
    ],
    again: true,
  };
}

function joinWords(added: readonly string[], moved: boolean): string {
  if (added.length > 0) return `${added.join(', ')} breached too`;
  return moved
    ? 'the container is another one'
    : 'it is not only a model that takes it for trouble';
}

/**
 * The policy that the incident was opened under does not govern the workload any more. A call that
 * is under way is let finish; its verification is not waited for.
 */
export function closeForPolicyChange(
  world: World,
  incident: Incident,
  kind: 'none' | 'conflict',
): Step {
  const attempt = pendingAttempt(incident);
  if (attempt !== undefined && attempt.outcome === undefined) return NOTHING;
  const why =
    kind === 'conflict'
      ? 'several policies now tie for the workload'
      : `policy ${incident.policy.name} does not govern the workload any more`;
  const closing = resolved(incident, 'PolicyChanged', why);
  if (attempt === undefined || !isDownByUs(world, incident)) return closing;
  const { leaves = 'running' } = world.tool(attempt.tool) ?? {};
  if (leaves !== 'running') return closing;
  const message = `${attempt.action} has left it down, and ${why}`;
  const told = { reason: 'VerificationFailed', message } as const;
  return {
    ...closing,
    drafts: [{ type: 'incident.escalated', ...about(incident), data: told }, ...closing.drafts],
  };
}

function isDownByUs({ views, state }: World, { workload: { key } }: Incident): boolean {
  const container = views.get(key)?.container;
  const { exit } = state.workloads[key] ?? {};
  return container?.state === 'exited' && exit?.cause === 'Sentinel';
}

export function resolved(incident: Incident, resolution: Resolution, message: string): Step {
  return {
    drafts: [
      ...endPending(incident, message),
      { type: 'incident.resolved', ...about(incident), data: { resolution, message } },
    ],
    again: true,
  };
}

/** A verification that nobody waits for any more ends with its incident. */
function endPending(incident: Incident, message: string): Draft[] {
  const attempt = pendingAttempt(incident);
  if (attempt?.outcome === undefined) return [];
  return [
    {
      type: 'verification.failed',
      ...about(incident),
      data: { intent: attempt.intent, message: `not verified: ${message}`, next: 'Escalate' },
    },
  ];
}

/** A hold that makes the workload a person's: incidents are neither opened nor kept open for it. */
export function belongsToPerson(situation: JudgedSituation): string | undefined {
  const hold = humanHold(situation);
  // A signal that has ended nothing yet may have asked for no end.
  return hold?.recheckAtMs === undefined ? hold?.message : undefined;
}

function humanHold({ world, view, history, policy }: JudgedSituation): No | undefined {
  if (history.hold?.kind === 'restart') return undefined;
  return humanAction(world, view, history, policy.spec.startPeriod);
}

export function policyRef(policy: CompiledPolicy): PolicyRef {
  return { name: policy.name, digest: policy.digest, commit: policy.commit };
}

/**
 * What only a model takes for trouble is a warning, whatever the policy calls it: what is critical holds
 * actions on others back.
 */
function severityOf({ policy, breached, verdicts }: JudgedSituation): Severity {
  const critical = policy.thresholds.some(
    ({ name, severity }) =>
      severity === 'critical' && breached.includes(name) && !isOpinion(verdicts.get(name)),
  );
  return critical ? 'critical' : 'warning';
}

function isOpinion(verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'Breached' && verdict.isOpinion === true;
}

/** Where nothing but a model takes anything for trouble, that makes no storm: a storm holds actions. */
function opinionAlone({ breached, verdicts }: JudgedSituation): { readonly isOpinion?: true } {
  return breached.every((name) => isOpinion(verdicts.get(name))) ? { isOpinion: true } : {};
}

function fingerprint(policy: string, key: string, breached: readonly string[]): string {
  const text = [policy, key, ...breached].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function incidentWorkload({ view }: JudgedSituation): IncidentWorkload {
  const { identity, container, key } = view;
  return {
    key,
    host: identity.host,
    ...(identity.project === undefined ? {} : { project: identity.project }),
    ...(identity.service === undefined ? {} : { service: identity.service }),
    container: container?.name ?? identity.name,
    id: container?.id ?? '',
    image: container?.image ?? '',
  };
}
