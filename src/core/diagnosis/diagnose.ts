import {
  type Evidence,
  type Hypothesis,
  type Incident,
  nextEvidenceNumber,
} from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { about, type JudgedSituation } from '#core/remediation/step.ts';
import type { RawLogLine } from './evidence-text.ts';
import type { Finding, FoundFact } from './facts.ts';
import { factsOf } from './facts-of.ts';
import { findCauses } from './rules.ts';

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
 * whatever is decided. Once per bout.
 */
export function diagnoseAgain(situation: JudgedSituation, incident: Incident): readonly Draft[] {
  const log = situation.world.logOf?.(incident) ?? [];
  if (log.length === 0 || !isDiagnosed(incident)) return [];
  return incident.diagnosis?.logLines === undefined ? diagnosis(situation, incident, log) : [];
}

function diagnosis(
  situation: JudgedSituation,
  incident: Incident,
  log: readonly RawLogLine[] | undefined,
): readonly Draft[] {
  const findings = findCauses(factsOf(situation, incident, log ?? []));
  const { added, refsOf } = citing(situation, incident, findings);
  const tools = situation.policy.actions.map(({ tool }) => tool);
  const hypotheses = findings.map((finding): Hypothesis => {
    const remedy = finding.remedies?.find((tool) => tools.includes(tool));
    return {
      cause: finding.cause,
      explanation: finding.explanation,
      confidence: Math.round(finding.confidence * 100) / 100,
      evidenceRefs: refsOf(finding),
      ...(remedy === undefined ? {} : { remedy }),
    };
  });
  const best = hypotheses[0];
  const facts: Draft[] =
    added.length === 0
      ? []
      : [
          {
            type: 'incident.updated',
            ...about(incident),
            data: { evidence: added, message: 'facts for the diagnosis were added' },
          },
        ];
  return [
    ...facts,
    {
      type: 'diagnosis.completed',
      ...about(incident),
      data: {
        source: 'rules',
        rootCause: best?.cause ?? 'Unknown',
        explanation: best?.explanation ?? 'No rule explains what was observed.',
        confidence: best?.confidence ?? 0,
        evidenceRefs: best?.evidenceRefs ?? [],
        hypotheses,
        ...(log === undefined ? {} : { logLines: log.length }),
      },
    },
  ];
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
