import { isDiagnosed } from '#core/diagnosis/diagnose.ts';
import { type Incident, isOpen } from '#core/incident/incident.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';

/** Models were asked about this bout, and that has ended, with or without an answer. */
export function wasAnswered(incident: Incident): boolean {
  const { models = [] } = incident.diagnosis ?? {};
  return isDiagnosed(incident) && models.some(({ stage }) => stage !== 'triage');
}

/** Trouble that comes back so soon after a model has named its cause has the same one. */
const ASK_AGAIN_MS = 10 * 60_000;

/**
 * Whether models are to be asked about an incident now: once for each time that it opens, but
 * not again for what flaps.
 */
export function isDue(
  incident: Incident,
  { spec }: Pick<CompiledPolicy, 'spec'>,
  nowMs: number,
): boolean {
  const { rootCause, explain } = spec.modelRouting;
  if ((rootCause.length === 0 && explain.length === 0) || !isOpen(incident)) return false;
  if (wasAnswered(incident)) return false;
  const { askedAtMs = -Infinity, isAsking } = incident;
  // Whoever asked may have been ended meanwhile.
  return isAsking === true || incident.reopens === 0 || askedAtMs + ASK_AGAIN_MS <= nowMs;
}
