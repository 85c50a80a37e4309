import { isDue, wasAnswered } from '#core/advice/due.ts';
import type { Advice, Incident } from '#core/incident/incident.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { quoted } from '#lib/plain-text.ts';
import { type Considered, isPassedOver } from './choose.ts';
import type { RefusalReason } from './refusal.ts';
import type { JudgedSituation } from './step.ts';

/** What the opinion of a model comes to, where the policy asks for one. */
export type Advised =
  /** The ladder decides: nobody is asked, or nothing usable was said. */
  | { readonly kind: 'Ladder' }
  | { readonly kind: 'Choose'; readonly chosen: Considered }
  /** The model is still asked, or thinks that nothing should be done yet. */
  | { readonly kind: 'Rest'; readonly untilMs: number }
  | { readonly kind: 'Escalate'; readonly message: string };

const LADDER: Advised = { kind: 'Ladder' };

/**
 * Whether the first attempt of an incident waits for a model, or goes by what it said. How long it
 * waits is the policy's alone: `decisionTimeout` from the opening on, and for a `none` no longer than
 * the rest after an attempt would have been. What a model picks is a place in a list that was made
 * without it, of candidates that nothing forbids.
 */
export function advised(
  { world, policy }: Pick<JudgedSituation, 'world' | 'policy'>,
  incident: Incident,
  considered: readonly Considered[],
): Advised {
  const open = considered.filter(isOpenChoice);
  if (!asksForChoice(policy) || open.length === 0 || wasActedOn(incident)) return LADDER;
  const { modelRouting, remediation } = policy.spec;
  const restUntil = (durationMs: number): Advised => {
    const untilMs = incident.boutAtMs + durationMs;
    return untilMs <= world.nowMs ? LADDER : { kind: 'Rest', untilMs };
  };
  if (isDue(incident, policy, world.nowMs)) return restUntil(modelRouting.decisionTimeout);
  if (!wasAnswered(incident)) return LADDER;
  const { advice } = incident.diagnosis ?? {};
  if (advice === undefined || advice.confidence < modelRouting.minConfidence) return LADDER;
  switch (advice.choice) {
    case 'escalate':
      return { kind: 'Escalate', message: escalationWords(advice, incident) };
    case 'none':
      return restUntil(Math.max(modelRouting.decisionTimeout, remediation.backoff.initial));
    default: {
      const chosen = open.find(({ candidate }) => candidate.id === advice.choice);
      return chosen === undefined ? LADDER : { kind: 'Choose', chosen };
    }
  }
}

/** Whether a model is to pick. */
export function asksForChoice({ spec: { modelRouting } }: Pick<CompiledPolicy, 'spec'>): boolean {
  return modelRouting.choose === 'Model' && modelRouting.rootCause.length > 0;
}

/**
 * Whether a model may think of it: what is refused for good is not for it to see. What has to wait may
 * have waited by the time that it answers; else its answer comes to nothing.
 */
export function isOffered({ blockedBy }: Considered): boolean {
  return !blockedBy.some(isPassedOver);
}

/** People are asked about what was picked, and Shadow tells what would have been. */
const IS_STILL_A_CHOICE: ReadonlySet<RefusalReason> = new Set(['ApprovalRequired', 'Shadow']);

function isOpenChoice({ blockedBy }: Considered): boolean {
  return blockedBy.every(({ reason }) => IS_STILL_A_CHOICE.has(reason));
}

function wasActedOn({ attempts }: Incident): boolean {
  return attempts.some(({ outcome }) => outcome !== 'NotExecuted');
}

const WHY_CHARS_MAX = 400;

function escalationWords({ confidence }: Advice, { diagnosis }: Incident): string {
  const { source, explanation = '' } = diagnosis ?? {};
  const isSaid = source === 'model' && explanation !== '';
  const why = isSaid ? `: ${quoted(explanation, WHY_CHARS_MAX)}` : '';
  return `a model thinks that a person should look, with confidence ${confidence}${why}`;
}
