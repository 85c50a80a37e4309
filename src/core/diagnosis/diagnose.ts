import {
  type Diagnosis,
  type Evidence,
  type Hypothesis,
  type Incident,
  nextEvidenceNumber,
} from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { about, type JudgedSituation } from '#core/remediation/step.ts';
import { defined } from '#lib/defined.ts';
import type { RawLogLine } from './evidence-text.ts';
import type { Finding, FoundFact } from './facts.ts';
import { factsOf } from './facts-of.ts';
import { newestTriage } from './findings.ts';
import { findCauses, HYPOTHESES_MAX } from './rules.ts';

/** Of one diagnosis, so that it never pushes what opened the incident out of its evidence. */
const ADDED_MAX = 12;

/**
 * Names the likely cause by rules alone, once per bout, from what is known without asking anybody:
 * nothing waits for it. Its log is not at hand yet, see {@link diagnoseAgain}.
 *
 * @returns nothing when it has been said already
 */
export function diagnose(situation: JudgedSituation, incident: Incident): readonly Draft[] {
  return isDiagnosed(incident) ? [] : diagnosis(situation, incident, undefined);
}

/**
 * Names the cause once more when the shell has the newest lines of the log, which it fetches beside
 * whatever is decided. What was found before stays, since an action may have changed the sight of it.
 *
 * @returns nothing when the log adds nothing, or was looked at already in this bout
 */
export function diagnoseAgain(situation: JudgedSituation, incident: Incident): readonly Draft[] {
  const { logLines, source } = incident.diagnosis ?? {};
  if (!isDiagnosed(incident) || logLines !== undefined || source === 'model') return [];
  const log = situation.world.logOf?.(incident) ?? [];
  return log.length === 0 ? [] : diagnosis(situation, incident, log);
}

function diagnosis(
  situation: JudgedSituation,
  incident: Incident,
  log: readonly RawLogLine[] | undefined,
): readonly Draft[] {
  const findings = findCauses(factsOf(situation, incident, log ?? []));
  const { added, refsOf } = citing(situation, incident, findings);
  const found = findings.map((finding) => hypothesisOf(situation, finding, refsOf(finding)));
  const { hypotheses: before = [], ...said }: Partial<Diagnosis> =
    log === undefined ? bySmallModel(situation) : (incident.diagnosis ?? {});
  const { triage, advice, models } = said;
  const hypotheses = ranked(before, found);
  if (log !== undefined && isSame(before, hypotheses)) return [];
  const completed: Draft = {
    type: 'diagnosis.completed',
    ...about(incident),
    data: {
      source: 'rules',
      ...conclusionOf(hypotheses[0]),
      hypotheses,
      ...defined({ logLines: log?.length, triage, advice, models }),
    },
  };
  if (added.length === 0) return [completed];
  const data = { evidence: added, message: 'facts for the diagnosis were added' };
  return [{ type: 'incident.updated', ...about(incident), data }, completed];
}

/** What is known of triage when an incident opens. */
function bySmallModel({ world, view }: JudgedSituation): Partial<Diagnosis> {
  const window = newestTriage(view.logs, world.nowMs);
  return window === undefined
    ? {}
    : { ...defined({ triage: window.triage }), models: [window.use] };
}

function hypothesisOf(
  { policy }: JudgedSituation,
  { cause, explanation, confidence, remedies }: Finding,
  evidenceRefs: readonly string[],
): Hypothesis {
  const tools = policy.actions.map(({ tool }) => tool);
  const remedy = remedies?.find((tool) => tools.includes(tool));
  return {
    cause,
    explanation,
    confidence: Math.round(confidence * 100) / 100,
    evidenceRefs,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function conclusionOf(best: Hypothesis | undefined) {
  return {
    rootCause: best?.cause ?? 'Unknown',
    explanation: best?.explanation ?? 'No rule explains what was observed.',
    confidence: best?.confidence ?? 0,
    evidenceRefs: best?.evidenceRefs ?? [],
  };
}

/** Each cause once, with what is surer of it; the likeliest first. */
function ranked(before: readonly Hypothesis[], found: readonly Hypothesis[]): Hypothesis[] {
  const byCause = new Map(before.map((one) => [one.cause, one]));
  for (const one of found) {
    const known = byCause.get(one.cause);
    if (known === undefined || known.confidence < one.confidence) byCause.set(one.cause, one);
  }
  return [...byCause.values()].sort((a, b) => b.confidence - a.confidence).slice(0, HYPOTHESES_MAX);
}

function isSame(before: readonly Hypothesis[], after: readonly Hypothesis[]): boolean {
  return before.length === after.length && before.every((one, index) => one === after[index]);
}

/** Finds the evidence that each finding cites, and numbers what the incident does not have yet. */
function citing(
  { world }: JudgedSituation,
  incident: Incident,
  findings: readonly Finding[],
): { readonly added: Evidence[]; readonly refsOf: (finding: Finding) => string[] } {
  const at = new Date(world.wallMs).toISOString();
  const first = nextEvidenceNumber(incident);
  const added: Evidence[] = [];
  const idOf = (fact: FoundFact): string | undefined => {
    const same = [...incident.evidence, ...added].find(
      ({ signal, value, note }) =>
        signal === fact.signal && value === fact.value && note === fact.note,
    );
    if (same !== undefined) return same.id;
    if (added.length >= ADDED_MAX) return undefined;
    const id = `e${first + added.length}`;
    added.push({ id, ...fact, at });
    return id;
  };
  const refs = new Map(
    findings.map((finding) => [
      finding,
      [
        ...incident.evidence.filter(({ signal }) => isCited(signal, finding)).map(({ id }) => id),
        ...(finding.adds ?? []).flatMap((fact) => idOf(fact) ?? []),
      ],
    ]),
  );
  return { added, refsOf: (finding) => [...new Set(refs.get(finding))] };
}

/** An expression's evidence is called by its text: what it reads is in there. */
function isCited(signal: string, { cites }: Finding): boolean {
  return (
    cites.includes(signal) ||
    (signal.startsWith('when ') && cites.some((one) => signal.includes(one)))
  );
}

/** Whether the present bout has a diagnosis. */
export function isDiagnosed(incident: Incident): boolean {
  return incident.diagnosis !== undefined && incident.diagnosis.at >= boutStart(incident);
}

function boutStart(incident: Pick<Incident, 'timeline' | 'createdAt'>): string {
  return (
    incident.timeline.findLast(({ event }) => event === 'Opened' || event === 'Reopened')?.at ??
    incident.createdAt
  );
}
