import type { Incident } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import { about, type JudgedSituation } from '#core/remediation/step.ts';
import { hypotheses } from './rules.ts';

/**
 * Names the likely cause by rules alone, once per bout; nothing waits for it.
 *
 * @returns `undefined` when it has been said already
 */
export function diagnose(situation: JudgedSituation, incident: Incident): Draft | undefined {
  if (incident.diagnosis !== undefined && incident.diagnosis.at >= boutStart(incident))
    return undefined;
  const ranked = hypotheses(situation, incident);
  const best = ranked[0];
  return {
    type: 'diagnosis.completed',
    ...about(incident),
    data: {
      source: 'rules',
      rootCause: best?.cause ?? 'Unknown',
      explanation: best?.explanation ?? 'No rule explains what was observed.',
      confidence: best?.confidence ?? 0,
      evidenceRefs: best?.evidenceRefs ?? [],
      hypotheses: ranked,
    },
  };
}

function boutStart(incident: Incident): string {
  return (
    incident.timeline.findLast(({ event }) => event === 'Opened' || event === 'Reopened')?.at ??
    incident.createdAt
  );
}
