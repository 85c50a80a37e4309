import { isDiagnosed } from '#core/diagnosis/diagnose.ts';
import type { Evidence, Incident, ModelUse } from '#core/incident/incident.ts';
import type { Draft, RecordData } from '#core/journal/data.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { about } from '#core/remediation/step.ts';
import { defined } from '#lib/defined.ts';
import type { Conclusion } from './root-cause.ts';

const USES_MAX = 8;
const VALUE_CHARS_MAX = 300;

type Completed = RecordData['diagnosis.completed'];

/** That models are asked from now on, for people who wonder what it waits for. */
export function askingDraft(incident: Incident, routes: readonly string[]): Draft {
  const message = `asks ${routes.join(', else ')} for the cause`;
  return { type: 'incident.updated', ...about(incident), data: { asking: true, message } };
}

/** What was looked up for a model, as evidence that it may cite. */
export function lookDraft(incident: Incident, evidence: Evidence, title: string): Draft {
  const data = { evidence: [evidence], message: `${title} was looked up for a model` };
  return { type: 'incident.updated', ...about(incident), data };
}

/** @param look its title with the names that people know */
export function lookEvidence(
  look: Pick<Evidence, 'id' | 'at'> & { readonly tool: string; readonly title: string },
  lines: readonly string[],
): Evidence {
  const { id, at, tool, title } = look;
  const value = (lines.at(-1) ?? 'nothing').slice(0, VALUE_CHARS_MAX);
  return { id, signal: tool, value, at, note: `${title}: the last of ${lines.length} lines` };
}

/**
 * What became of asking for the cause. A conclusion of a model takes the place of the rules' where it
 * is as sure as the policy asks for; else theirs stands, and what was asked is noted beside it.
 *
 * @param conclusion absent when there is no answer
 */
export function concludedDraft(
  incident: Incident,
  policy: Pick<CompiledPolicy, 'spec'>,
  conclusion: Conclusion | undefined,
  use: ModelUse,
): Draft {
  const { minConfidence } = policy.spec.modelRouting;
  const before = byRules(incident);
  const isSaid =
    conclusion !== undefined && conclusion.rootCause !== '' && conclusion.explanation !== '';
  const isSure = isSaid && conclusion.confidence >= minConfidence;
  const outcome = conclusion !== undefined && !isSure ? 'NotConfident' : use.outcome;
  const models = [...(before.models ?? []), { ...use, outcome }].slice(-USES_MAX);
  const advice = conclusion?.advice;
  const data: Completed = {
    ...before,
    ...(isSure ? { ...conclusion, ...concluder(use), source: 'model' } : {}),
    ...(advice === undefined ? {} : { advice }),
    models,
  };
  return { type: 'diagnosis.completed', ...about(incident), data };
}

function concluder({ model, promptDigest }: ModelUse) {
  return defined({ model, promptDigest });
}

/** The cause in plain words, or why there are none by a model. */
export function explainedDraft(incident: Incident, summary: string, use: ModelUse): Draft {
  const before = byRules(incident);
  const models = [...(before.models ?? []), use].slice(-USES_MAX);
  const data: Completed = { ...before, ...(summary === '' ? {} : { summary }), models };
  return { type: 'diagnosis.completed', ...about(incident), data };
}

/** The diagnosis of this bout as it stands. */
function byRules(incident: Incident): Completed {
  const { diagnosis } = incident;
  if (diagnosis !== undefined && isDiagnosed(incident)) {
    const { at: _at, ...rest } = diagnosis;
    return rest;
  }
  return {
    source: 'rules',
    rootCause: 'Unknown',
    explanation: 'No rule explains what was observed.',
    confidence: 0,
    evidenceRefs: [],
    hypotheses: [],
  };
}
