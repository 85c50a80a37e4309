import { SentinelError } from '#core/errors.ts';
import {
  type CandidateVerdict,
  type Incident,
  isOpen,
  pendingAttempt,
} from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { type OperatorState, pauseKey } from '#core/journal/state.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import { about } from '#core/remediation/step.ts';
import type { World } from '#core/remediation/world.ts';
import type { CommandResult, OperatorCommands, PauseScope } from './options.ts';

export interface CommandOptions {
  /** `journal.append`. */
  append(
    drafts: readonly Draft[],
    options: { readonly durable: boolean },
  ): { readonly records: readonly JournalRecord[]; readonly durable: Promise<void> };
  world(): World;
  /** Workloads whose gate has changed by an order. */
  enqueue(key: string): void;
}

/**
 * Orders as journal records. Nothing is carried out here: a pause and an approval are facts that the
 * gate sees when it is asked the next time, and it may still say no for every other reason.
 */
export function createOperatorCommands(options: CommandOptions): OperatorCommands {
  const world = () => options.world();

  return {
    async pause({ scope, name, reason, forMs }, actor) {
      const unknown = unknownTarget(world(), scope, name);
      if (unknown !== undefined) return unknown;
      const rest = forMs === undefined ? {} : { forMs };
      const data = { scope, name: nameOf(scope, name), reason: clean(reason), ...rest };
      return record(options, { type: 'pause.set', actor, data });
    },

    async resume({ scope, name, reason }, actor) {
      const target = nameOf(scope, name);
      if (world().state.pauses[pauseKey(scope, target)] === undefined) {
        const what = scope === 'all' ? 'Sentinel' : `${scope} ${target}`;
        return { ok: false, why: 'NotFound', message: `${what} is not paused` };
      }
      const data = { scope, name: target, reason: clean(reason) };
      return record(options, { type: 'pause.cleared', actor, data });
    },

    async approve({ incident: name, candidate: id, container }, actor) {
      const { state } = world();
      const incident = openIncident(state, name);
      if (!('workload' in incident)) return incident;
      const candidate = incident.candidates.find((one) => one.id === id);
      if (candidate === undefined) {
        const ids = incident.candidates.map((one) => one.id).join(', ') || 'none';
        const message = `${name} has no candidate ${id} now (there are: ${ids})`;
        return { ok: false, why: 'Conflict', message };
      }
      if (container !== incident.workload.id) {
        const message = `the workload has another container now: ${incident.workload.id || 'none'}`;
        return { ok: false, why: 'Conflict', message };
      }
      const refusal = isUnderWay(incident) ?? notApprovable(incident, candidate);
      if (refusal !== undefined) return { ok: false, why: 'Conflict', message: refusal };
      const data = { candidate: id, container };
      return record(options, { type: 'approval.granted', actor, ...about(incident), data });
    },

    async deny({ incident: name, candidate, reason }, actor) {
      const incident = openIncident(world().state, name);
      if (!('workload' in incident)) return incident;
      const { approval } = incident;
      if (approval?.state !== 'Requested' || approval.candidate !== candidate) {
        const waiting = approval?.state === 'Requested' ? approval.candidate : 'nothing';
        const message = `${candidate} does not wait for approval (${waiting} does)`;
        return { ok: false, why: 'Conflict', message };
      }
      const data = { candidate, reason: clean(reason) };
      return record(options, { type: 'approval.denied', actor, ...about(incident), data });
    },
  };
}

/** What an approval lifts; everything else stands, and the gate asks it again afterwards. */
const LIFTED = new Set(['ApprovalRequired', 'IntentUnknown', 'Denied']);

/** A second yes to what is being done would be one to whatever comes after it. */
function isUnderWay(incident: Incident): string | undefined {
  const attempt = pendingAttempt(incident);
  return attempt && `${attempt.action} is under way: see what comes of it first`;
}

function notApprovable(incident: Incident, candidate: CandidateVerdict): string | undefined {
  const { approval } = incident;
  if (approval?.candidate === candidate.id) {
    if (approval.state === 'Requested') return undefined;
    const isAsked = candidate.blockedBy.some(({ reason }) => reason === 'ApprovalRequired');
    if (approval.state === 'Granted' && !isAsked) return `${candidate.id} is approved already`;
  }
  if (candidate.blockedBy.some(({ reason }) => LIFTED.has(reason))) return undefined;
  const reasons = candidate.blockedBy.map(({ reason }) => reason).join(', ');
  return reasons === ''
    ? `${candidate.id} needs no approval`
    : `${candidate.id} is refused for other reasons than a missing approval: ${reasons}`;
}

async function record(options: CommandOptions, draft: Draft): Promise<CommandResult> {
  try {
    const { records, durable } = options.append([draft], { durable: true });
    for (const key of Object.keys(options.world().state.openByWorkload)) options.enqueue(key);
    await durable;
    return { ok: true, seq: records[0]?.seq ?? 0 };
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    return { ok: false, why: 'Unavailable', message: error.message };
  }
}

function openIncident(
  state: OperatorState,
  name: string,
): Incident | (CommandResult & { ok: false }) {
  const incident = Object.hasOwn(state.incidents, name) ? state.incidents[name] : undefined;
  if (incident === undefined) {
    return { ok: false, why: 'NotFound', message: `there is no incident ${name}` };
  }
  if (isOpen(incident)) return incident;
  return { ok: false, why: 'Conflict', message: `${name} is resolved (${incident.resolution})` };
}

function unknownTarget(
  world: World,
  scope: PauseScope,
  name: string,
): (CommandResult & { ok: false }) | undefined {
  const isKnown =
    scope === 'all' ||
    (scope === 'policy' && Object.hasOwn(world.state.policies, name)) ||
    (scope === 'workload' && (world.views.has(name) || Object.hasOwn(world.state.workloads, name)));
  if (isKnown) return undefined;
  return { ok: false, why: 'NotFound', message: `there is no ${scope} ${name}` };
}

function nameOf(scope: PauseScope, name: string): string {
  return scope === 'all' ? '' : name;
}

/** A reason is free text of a person, and goes into the journal and all that reads it. */
function clean(reason: string): string {
  return cleanLine(reason);
}
