import type { DiagnosisFacts, Finding } from './facts.ts';
import { RULES_OF_HEALTH } from './rules-of-health.ts';
import { RULES_OF_PLACE } from './rules-of-place.ts';
import { RULES_OF_RUN } from './rules-of-run.ts';
import { findingsOfTexts } from './rules-of-text.ts';

/** More are no help to anybody. */
export const HYPOTHESES_MAX = 8;
/** Nothing is certain, and two that agree are a little more than one. */
const CONFIDENCE_MAX = 0.97;
const AGREEMENT = 0.05;

const RULES = [...RULES_OF_RUN, ...RULES_OF_HEALTH, ...RULES_OF_PLACE];

/**
 * Every cause that a rule finds, the most likely first, each once. Never throws, whatever the texts,
 * and decides nothing: what may be done does not depend on it.
 */
export function findCauses(facts: DiagnosisFacts): Finding[] {
  const all = [...RULES.flatMap((rule) => rule(facts) ?? []), ...findingsOfTexts(facts)];
  const byCause = new Map<string, Finding>();
  for (const finding of all) {
    const before = byCause.get(finding.cause);
    byCause.set(finding.cause, before === undefined ? finding : merged(before, finding));
  }
  return [...byCause.values()].sort((a, b) => b.confidence - a.confidence).slice(0, HYPOTHESES_MAX);
}

/** The words of the better one, and the evidence of both. */
function merged(one: Finding, other: Finding): Finding {
  const better = other.confidence > one.confidence ? other : one;
  return {
    ...better,
    confidence: Math.min(CONFIDENCE_MAX, Math.max(one.confidence, other.confidence) + AGREEMENT),
    cites: [...new Set([...one.cites, ...other.cites])],
    adds: [...(one.adds ?? []), ...(other.adds ?? [])],
    remedies: [...new Set([...(better.remedies ?? []), ...(one.remedies ?? [])])],
  };
}
