import { isDenied } from '#core/incident/denial.ts';
import type { Approval, Incident } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { JsonObject } from '#lib/json.ts';
import { type Candidate, candidateId, type Situation } from './candidate.ts';
import { about } from './step.ts';

/**
 * A person says yes or no to what was shown: one tool with these very arguments, for this container,
 * as this policy offers it. A yes therefore ends with the policy or the container that it was about,
 * and with its time; what was shown for that long is what would be done.
 *
 * @returns the question or the yes that counts now
 */
export function standingApproval(situation: Situation, incident: Incident): Approval | undefined {
  return endOfApproval(situation, incident) === undefined ? pending(incident) : undefined;
}

/**
 * The record that ends a question or a yes which does not stand any more. A question that nobody has
 * answered in time counts as denied; whatever else ends one leaves it to be asked again.
 */
export function endOfApproval(situation: Situation, incident: Incident): Draft | undefined {
  const { policy, world } = situation;
  const approval = pending(incident);
  if (approval === undefined) return undefined;
  const isOver = approvalEndsAtMs(policy, approval) <= world.nowMs;
  const unused = isOver && approval.state === 'Granted' ? 'it was not used in time' : undefined;
  const reason = changedSince(policy, incident, approval) ?? unused;
  if (reason === undefined && !isOver) return undefined;
  const data = { candidate: approval.candidate, ...(reason === undefined ? {} : { reason }) };
  return { type: 'approval.expired', ...about(incident), policy: policy.ref, data };
}

/** A yes holds for as long as the policy waits for one. */
export function approvalEndsAtMs({ spec }: CompiledPolicy, { atMs }: Approval): number {
  return atMs + spec.remediation.approvalTimeout;
}

function pending({ approval }: Incident): Approval | undefined {
  const isPending = approval?.state === 'Requested' || approval?.state === 'Granted';
  return isPending ? approval : undefined;
}

function changedSince(
  policy: CompiledPolicy,
  { workload }: Incident,
  { asked }: Approval,
): string | undefined {
  if (asked === undefined) return 'what was shown is not on record';
  if (asked.policy !== policy.digest) return 'the policy has changed since';
  return asked.container === workload.id ? undefined : 'the container is another one now';
}

/**
 * The candidate with the arguments that a person is asked about, or has said yes to: a size that is
 * computed would be another one with each sample, and nobody could ever answer. The policy must still
 * be the one that computed them, and compute some now. That they are those which the person was
 * shown, for this tool and container, their digest says.
 */
export function asShown(
  candidate: Candidate,
  { view, policy }: Pick<Situation, 'view' | 'policy'>,
  approval: Approval | undefined,
): Candidate {
  const { asked } = approval ?? {};
  const { action, variant, arguments: computed } = candidate;
  if (asked?.action !== action.name || asked.variant !== variant) return candidate;
  const id = candidateId({ view, policy }, action, asked.arguments);
  if (id !== approval?.candidate || asked.arguments === null) return candidate;
  if (!computed.ok) return { ...candidate, id };
  return { ...candidate, id, arguments: { ok: true, arguments: asked.arguments as JsonObject } };
}

/** Whether a person has said no to this: see isDenied. */
export function wasDenied(incident: Incident, candidate: Candidate): boolean {
  const { id, action, variant, arguments: args } = candidate;
  const call = { tool: action.tool, arguments: args.ok ? args.arguments : null };
  return isDenied(incident, { id, action: action.name, variant, ...call });
}
