import { plainCause } from '#core/diagnosis/plain-causes.ts';
import { plainLine, quoted } from '#lib/plain-text.ts';
import { percent } from './explain-formats.ts';
import { concluderWords } from './model-words.ts';
import type { IncidentObject } from './schema.ts';

type Diagnosis = NonNullable<IncidentObject['status']['diagnosis']>;

/** Of a model's words; what is longer is on the incident. */
const CAUSE_CHARS_MAX = 200;
const TEXT_CHARS_MAX = 2_000;
const COMPONENTS_MAX = 16;

/** The likely cause and whose conclusion it is. What a model says is quoted. */
export function causeLines({ status }: IncidentObject): string[] {
  const { diagnosis } = status;
  if (diagnosis === undefined) return ['No cause was named yet.'];
  const lines = [
    ...(diagnosis.source === 'model' ? byModel(diagnosis) : byRules(diagnosis)),
    ...remedy(status, diagnosis),
    ...others(diagnosis),
    ...namedBesides(diagnosis),
  ];
  return lines.map(plainLine);
}

function byRules({ rootCause, explanation, confidence, evidenceRefs }: Diagnosis): string[] {
  if (rootCause === 'Unknown') return [explanation];
  const sure = `${percent(confidence)} sure (by the rules${evidenceWords(evidenceRefs)})`;
  return [`${rootCause}, ${sure}`, explanation];
}

function byModel(diagnosis: Diagnosis): string[] {
  const { rootCause, explanation, confidence, evidenceRefs } = diagnosis;
  const by = `by ${concluderWords(diagnosis.models ?? [])}${evidenceWords(evidenceRefs)}`;
  return [
    `${causeName(rootCause)}, ${percent(confidence)} sure (${by})`,
    quoted(explanation, TEXT_CHARS_MAX),
  ];
}

/** A cause as it can be shown among words of ours: what is not of the catalogue may be a model's. */
export function causeName(cause: string): string {
  const isOurs = cause === 'Unknown' || plainCause(cause) !== undefined;
  return isOurs ? cause : quoted(cause, CAUSE_CHARS_MAX);
}

function evidenceWords(refs: readonly string[]): string {
  return refs.length === 0 ? '' : `, evidence ${refs.join(' ')}`;
}

function remedy({ attempts }: IncidentObject['status'], diagnosis: Diagnosis): string[] {
  const { hypotheses, rootCause } = diagnosis;
  const tool = hypotheses.find(({ cause }) => cause === rootCause)?.remedy;
  const isNew = tool !== undefined && !attempts.some((attempt) => attempt.tool === tool);
  return isNew ? [`Of the policy’s tools, ${tool} may help.`] : [];
}

function others({ source, hypotheses, rootCause }: Diagnosis): string[] {
  const rest = hypotheses.filter(({ cause }) => cause !== rootCause);
  if (rest.length === 0) return [];
  const lead = source === 'model' ? 'The rules think of' : 'Also possible';
  return [`${lead}: ${rest.map((one) => `${one.cause} (${percent(one.confidence)})`).join(', ')}`];
}

/** What a model said beside the cause, whoever concluded. */
function namedBesides({ affectedComponents = [], prevention, triage }: Diagnosis): string[] {
  const components = affectedComponents
    .slice(0, COMPONENTS_MAX)
    .map((name) => quoted(name, CAUSE_CHARS_MAX));
  return [
    ...(components.length === 0 ? [] : [`Affected, as a model sees it: ${components.join(', ')}`]),
    ...(prevention === undefined
      ? []
      : [`To prevent it, a model proposes: ${quoted(prevention, TEXT_CHARS_MAX)}`]),
    ...(triage === undefined ? [] : [triageLine(triage)]),
  ];
}

function triageLine(triage: NonNullable<Diagnosis['triage']>): string {
  const { isAnomaly, type, severity, confidence, summary } = triage;
  const verdict = isAnomaly ? `unusual (${type}, ${severity})` : 'nothing unusual';
  return `Of the log before, a fast model made: ${verdict}, ${percent(confidence)} sure: ${quoted(summary, TEXT_CHARS_MAX)}`;
}
