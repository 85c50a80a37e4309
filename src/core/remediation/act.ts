import { diagnose } from '#core/diagnosis/diagnose.ts';
import type {
  Affected,
  CandidateVerdict,
  EscalationReason,
  Incident,
} from '#core/incident/incident.ts';
import { intentId, isEscalated } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { canonicalJson } from '#core/journal/record.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { type Advised, advised } from './advised.ts';
import {
  approvalEndsAtMs,
  asShown,
  endOfApproval,
  standingApproval,
  wasDenied,
} from './approval.ts';
import { callWords, shadowWords } from './call-words.ts';
import { type Candidate, candidatesFor } from './candidate.ts';
import { type Choice, type Considered, choiceOf, choose } from './choose.ts';
import { refusals } from './gate.ts';
import type { GuardContext } from './guard.ts';
import { isShadow } from './guards-rate.ts';
import type { Refusal, RefusalReason } from './refusal.ts';
import { about, type JudgedSituation, NOTHING, recheck, type Step } from './step.ts';
import { stillBreached } from './still-breached.ts';
import { stormOf } from './storm.ts';

/** Looks again at the latest after this, also where nothing says when. */
const WAIT_MAX_MS = 60_000;

/** Thinks about acting on an open incident for which nothing is under way. */
export function act(judged: JudgedSituation, incident: Incident): Step {
  const situation = stillBreached(judged, incident);
  const ended = endOfApproval(situation, incident);
  if (ended !== undefined) return { drafts: [ended], again: true };
  // A person has it: what could be done otherwise changes with every restart, and is no news.
  if (isEscalated(incident) && areOfNow(situation.policy, incident)) return NOTHING;
  const considered = consider(situation, incident);
  const explained = diagnose(situation, incident);
  if (explained.length > 0) return { drafts: explained, again: true };
  const verdicts = noteVerdicts(situation, incident, considered);
  if (verdicts !== undefined) return { drafts: [verdicts], again: true };
  if (isEscalated(incident)) return NOTHING;
  // Not breached and not known to be clear: there is nothing to act on, and nothing to say yet.
  if (situation.breached.length === 0) return unseen(situation, incident);

  return decideOn(situation, incident, considered);
}

/** By the ladder, unless a model that the policy asks has another opinion. */
function decideOn(
  situation: JudgedSituation,
  incident: Incident,
  considered: readonly Considered[],
): Step {
  const asked = standingApproval(situation, incident)?.candidate;
  // A question that a person has stands, unless it came of the same advice.
  const isFree = asked === undefined || asked === incident.diagnosis?.advice?.choice;
  const opinion: Advised = isFree ? advised(situation, incident, considered) : { kind: 'Ladder' };
  if (opinion.kind === 'Rest') return recheck(opinion.untilMs);
  if (opinion.kind === 'Escalate' && !wasToldOf(incident, 'ModelAdvice')) {
    return escalate(incident, 'ModelAdvice', opinion.message);
  }
  const byLadder = choose(considered, incident.rung, asked);
  const choice = opinion.kind === 'Choose' ? byModel(choiceOf(opinion.chosen), byLadder) : byLadder;
  return carryOut(situation, incident, choice, considered);
}

/**
 * What a model picked, unless people would have to be asked about it while the ladder has something that
 * nobody need be asked about: an answer must not put off for an hour what could be done now.
 */
function byModel(picked: Choice, byLadder: Choice): Choice {
  if (picked.kind === 'Intend') return { ...picked, byModel: true };
  return picked.kind === 'Wait' && byLadder.kind === 'Intend' ? byLadder : picked;
}

function carryOut(
  situation: JudgedSituation,
  incident: Incident,
  choice: Choice,
  considered: readonly Considered[],
): Step {
  switch (choice.kind) {
    case 'Intend':
      return intend(situation, incident, choice, shown(situation, incident, considered));
    case 'Shadow':
      return shadow(incident, choice.candidate);
    case 'Wait':
      return wait(situation, incident, { ...choice, considered });
    case 'Exhausted':
      // What was only thought of spends no real limit, and asks for nobody.
      return isShadow(situation) ? NOTHING : exhausted(situation, incident, considered);
  }
}

/**
 * When all that is breached will be over if nothing happens: events that somebody or something has
 * mended already. Nobody is asked for help with that.
 */
function clearing({
  policy,
  breached,
  verdicts,
  history: { exit, oom },
}: JudgedSituation): number | undefined {
  const ends = policy.thresholds
    .filter(({ name }) => breached.includes(name))
    .map(({ name, signal }) => {
      const verdict = verdicts.get(name);
      const event = signal === 'exit' ? exit : signal === 'oomKilled' ? oom : undefined;
      // What goes on in a run that nobody has started anew since is not mended.
      const isMended = event?.startedSince === true && verdict?.kind === 'Breached';
      return isMended ? verdict.recheckAtMs : undefined;
    });
  return ends.every((at) => at !== undefined) ? Math.max(...ends) : undefined;
}

/** Every candidate with every refusal: what the gate says now. */
export function consider(
  situation: JudgedSituation,
  incident: Incident,
  ownIntent?: string,
): Considered[] {
  const approval = standingApproval(situation, incident);
  const approved = approval?.state === 'Granted' ? approval.candidate : undefined;
  return candidatesFor(stillBreached(situation, incident)).map((computed) => {
    const candidate = asShown(computed, situation, approval);
    const context: GuardContext = {
      ...situation,
      candidate,
      incident: {
        name: incident.name,
        denied: wasDenied(incident, candidate),
        ...(approved === undefined ? {} : { approved }),
      },
      ...(ownIntent === undefined ? {} : { ownIntent }),
    };
    return { candidate, blockedBy: refusals(context) };
  });
}

function intend(
  situation: JudgedSituation,
  incident: Incident,
  { candidate, byModel: isByModel }: Extract<Choice, { readonly kind: 'Intend' | 'Shadow' }>,
  before: readonly Draft[],
): Step {
  const { world, policy } = situation;
  if (!candidate.arguments.ok)
    throw new TypeError('the gate lets no candidate without arguments pass');
  const intent = intentId(world.state.journalId, world.state.seq + before.length + 1);
  const draft: Draft = {
    type: 'remediation.intended',
    ...about(incident),
    policy: policy.ref,
    data: {
      intent,
      candidate: candidate.id,
      action: candidate.action.name,
      tool: candidate.action.tool,
      rung: candidate.rung,
      trigger: candidate.trigger,
      affects: affectedContainers(situation, candidate),
      argumentsMac: world.mac(canonicalJson(candidate.arguments.arguments)),
      ...(isByModel === undefined ? {} : { byModel: isByModel }),
    },
  };
  return { drafts: [...before, draft], effects: [{ kind: 'Execute', intent }] };
}

export function affectedContainers({ world }: JudgedSituation, candidate: Candidate): Affected[] {
  return candidate.affects.flatMap((workload) => {
    const container = world.views.get(workload)?.container;
    if (container === undefined) return [];
    const { id, name, startedAtMs, state } = container;
    const started = startedAtMs === undefined ? {} : { startedAtMs };
    return [{ workload, container: id, name, state, ...started }];
  });
}

function shadow(incident: Incident, candidate: Candidate): Step {
  const draft: Draft = {
    type: 'shadow.decided',
    ...about(incident),
    data: {
      candidate: candidate.id,
      action: candidate.action.name,
      tool: candidate.action.tool,
      trigger: candidate.trigger,
      message: shadowWords({ tool: candidate.action.tool, action: candidate.action.name }),
    },
  };
  return { drafts: [draft], again: true };
}

/** Refusals that a person should hear of once, though waiting may still end them. */
const TOLD: Partial<Record<RefusalReason, EscalationReason>> = {
  IntentUnknown: 'IntentUnknown',
  StormActive: 'StormActive',
};

type Waiting = Considered & { readonly considered: readonly Considered[] };

function wait(
  situation: JudgedSituation,
  incident: Incident,
  { candidate, blockedBy, considered }: Waiting,
): Step {
  for (const { reason, message } of blockedBy) {
    const escalation = TOLD[reason];
    if (escalation !== undefined && !wasTold(situation, incident, escalation)) {
      return escalate(incident, escalation, message);
    }
  }
  const blocked = blockedForLong(situation, incident, blockedBy);
  if (blocked !== undefined) return escalate(incident, 'Blocked', blocked);
  const approval = requestApproval(situation, incident, { candidate, blockedBy, considered });
  if (approval !== undefined) return approval;
  const later = blockedBy.map(({ recheckAtMs }) => recheckAtMs).filter((at) => at !== undefined);
  // Some waits end with something that happens elsewhere: nobody is forgotten over it.
  return recheck(Math.min(situation.world.nowMs + WAIT_MAX_MS, ...later));
}

/** How long an incident may wait in silence for something whose end nobody knows. */
const TELL_BLOCKED_MS = 15 * 60_000;
/** Whoever has to know of these does: a person did it, or is asked. */
const KNOWN_TO_PEOPLE: ReadonlySet<RefusalReason> = new Set([
  'SentinelPaused',
  'WorkloadPaused',
  'HumanAction',
  'IntentUnknown',
  'StormActive',
  'ApprovalRequired',
  'Shadow',
]);
/** The time that they name is when to look again, and not when they end. */
const LOOKED_AT_AGAIN: ReadonlySet<RefusalReason> = new Set([
  'Settling',
  'BudgetExhausted',
  'DependentNotPermitted',
  'ToolsNotReady',
]);

function blockedForLong(
  situation: JudgedSituation,
  incident: Incident,
  blockedBy: readonly Refusal[],
): string | undefined {
  if (!isLong(situation, incident) || wasTold(situation, incident, 'Blocked')) return undefined;
  const lasting = blockedBy
    .filter(
      ({ reason, recheckAtMs }) =>
        !KNOWN_TO_PEOPLE.has(reason) && (recheckAtMs === undefined || LOOKED_AT_AGAIN.has(reason)),
    )
    .map(({ message }) => message);
  const last = incident.attempts.at(-1);
  if (last?.outcome === 'NotExecuted' && last.startedAtMs >= incident.boutAtMs) {
    lasting.push(`${last.action} was not executed (${last.reason ?? last.message})`);
  }
  if (lasting.length === 0) return undefined;
  return `nothing could be done for a while: ${lasting.join('; ')}`;
}

/** Nothing was carried out for as long as people should not be left without a word. */
function isLong(situation: JudgedSituation, { boutAtMs, attempts }: Incident): boolean {
  const acted = attempts.findLast(({ outcome }) => outcome !== 'NotExecuted')?.endedAtMs ?? 0;
  const sinceMs = Math.max(boutAtMs, acted);
  return sinceMs + TELL_BLOCKED_MS <= situation.world.nowMs && !isShadow(situation);
}

/** What was breached cannot be judged any more, and nothing says that it is over. */
function unseen(situation: JudgedSituation, incident: Incident): Step {
  if (!isLong(situation, incident) || wasTold(situation, incident, 'Blocked')) {
    return recheck(situation.world.nowMs + WAIT_MAX_MS);
  }
  const names = incident.breached.join(', ');
  return escalate(incident, 'Blocked', `it cannot be seen whether ${names} is still breached`);
}

function wasTold(
  { world, policy }: JudgedSituation,
  incident: Incident,
  reason: EscalationReason,
): boolean {
  if (reason === 'StormActive') {
    const storm = stormOf(world, policy);
    return storm === undefined || (world.state.stormsTold[policy.name] ?? -1) >= storm.sinceMs;
  }
  return wasToldOf(incident, reason);
}

/** Asks once for as long as the question stands, when nothing but a person's word is missing. */
function requestApproval(
  situation: JudgedSituation,
  incident: Incident,
  { candidate, blockedBy, considered }: Waiting,
): Step | undefined {
  if (!blockedBy.every(({ reason }) => reason === 'ApprovalRequired')) return undefined;
  const { policy } = situation;
  const approval = standingApproval(situation, incident);
  if (approval?.candidate === candidate.id) return recheck(approvalEndsAtMs(policy, approval));
  const { action, arguments: args } = candidate;
  const call = callWords(action.tool, args.ok ? args.arguments : null);
  const data = { candidate: candidate.id, message: `${action.name} (${call}) waits for approval` };
  const asking: Draft = {
    type: 'approval.requested',
    ...about(incident),
    policy: policy.ref,
    data,
  };
  return { drafts: [...shown(situation, incident, considered), asking], again: true };
}

/** No rung is left that could act: a person has to. Said once, with the reason that weighs most. */
function exhausted(
  situation: JudgedSituation,
  incident: Incident,
  considered: readonly Considered[],
): Step {
  const left = considered.filter(
    ({ candidate, blockedBy }) => candidate.rung >= incident.rung && !isDenied(blockedBy),
  );
  const find = (reason: RefusalReason) =>
    left.flatMap(({ blockedBy }) => blockedBy).find((refusal) => refusal.reason === reason);
  const limit = find('LimitReached');
  if (limit !== undefined) return escalate(incident, 'LimitReached', limit.message, true);
  const lost = find('NeedsRecreate');
  if (lost !== undefined) return escalateOnce(incident, 'NeedsRecreate', lost.message);

  const why = left.flatMap(({ blockedBy }) => blockedBy.map(({ message }) => message)).join('; ');
  if (considered.some(({ candidate }) => candidate.rung < incident.rung)) {
    return escalate(incident, 'LadderExhausted', why === '' ? 'every action was tried' : why);
  }
  const clearsAtMs = clearing(situation);
  if (clearsAtMs !== undefined) return recheck(clearsAtMs);
  const nothing = considered.some(({ blockedBy }) => isDenied(blockedBy))
    ? 'every action that is left was denied'
    : 'no action of the policy answers to what is breached';
  return escalateOnce(incident, 'NoAction', why === '' ? nothing : why);
}

function isDenied(blockedBy: readonly Refusal[]): boolean {
  return blockedBy.some(({ reason }) => reason === 'Denied');
}

function escalateOnce(incident: Incident, reason: EscalationReason, message: string): Step {
  return wasToldOf(incident, reason) ? NOTHING : escalate(incident, reason, message);
}

function wasToldOf(incident: Incident, reason: EscalationReason): boolean {
  return incident.escalations.some((one) => one.reason === reason && one.atMs >= incident.boutAtMs);
}

export function escalate(
  incident: Incident,
  reason: EscalationReason,
  message: string,
  quarantine = false,
): Step {
  const data = { reason, message, ...(quarantine ? { quarantine } : {}) };
  return { drafts: [{ type: 'incident.escalated', ...about(incident), data }], again: true };
}

/** What a person is asked about, and what is done, stands on the incident as it is. */
function shown(
  { policy }: JudgedSituation,
  incident: Incident,
  considered: readonly Considered[],
): Draft[] {
  const isShown = considered.every(({ candidate: { id } }) =>
    incident.candidates.some((one) => one.id === id),
  );
  return isShown ? [] : [noting(policy, incident, considered)];
}

/** The verdicts as they stand on the incident; absent when they have not changed. */
function noteVerdicts(
  { policy }: JudgedSituation,
  incident: Incident,
  considered: readonly Considered[],
): Draft | undefined {
  if (considered.length === 0 && incident.candidates.length === 0) return undefined;
  const isSame = fingerprintOf(considered.map(verdictOf)) === fingerprintOf(incident.candidates);
  return isSame && areOfNow(policy, incident) ? undefined : noting(policy, incident, considered);
}

/** Whether the candidates on the incident come from this policy, and from the container of now. */
function areOfNow(policy: CompiledPolicy, { candidatesOf, workload }: Incident): boolean {
  return candidatesOf?.policy === policy.digest && candidatesOf.container === workload.id;
}

function noting(
  policy: CompiledPolicy,
  incident: Incident,
  considered: readonly Considered[],
): Draft {
  const candidates = considered.map(verdictOf);
  return {
    type: 'remediation.considered',
    ...about(incident),
    policy: policy.ref,
    data: { candidates },
  };
}

function verdictOf({ candidate, blockedBy }: Considered): CandidateVerdict {
  return {
    id: candidate.id,
    action: candidate.action.name,
    tool: candidate.action.tool,
    variant: candidate.variant,
    arguments: candidate.arguments.ok ? candidate.arguments.arguments : null,
    affects: candidate.affects,
    verdict: blockedBy.length === 0 ? 'Permitted' : 'Refused',
    blockedBy: blockedBy.map(({ reason, message }) => ({ reason, message })),
  };
}

/** Messages count down, and sizes are computed anew; only a change of the reasons is news. */
function fingerprintOf(candidates: readonly CandidateVerdict[]): string {
  return candidates
    .map(({ action, blockedBy }) => `${action}:${blockedBy.map(({ reason }) => reason).join(',')}`)
    .join('\n');
}
