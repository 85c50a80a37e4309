import type { AttemptObject, CandidateObject, IncidentObject } from '#core/projection/schema.ts';
import { formatBytes } from '#lib/quantity.ts';
import type { Style } from './terminal.ts';
import type { ThresholdWords } from './thresholds.ts';

/** One line of the story: a word for what kind of thing it is, and the thing. */
export interface Line {
  readonly label: string;
  readonly text: string;
  readonly style: Style;
}

type Teller = (incident: IncidentObject, thresholds: ThresholdWords) => Line[];

/** What each record means to somebody who watches. Types that are not here are not news. */
const TELLERS: Readonly<Record<string, Teller>> = {
  'incident.opened': tellBreach,
  'incident.reopened': tellBreach,
  'incident.updated': (incident) => [
    { label: 'noted', style: 'dim', text: incident.status.timeline.at(-1)?.message ?? '' },
  ],
  'diagnosis.completed': tellCause,
  'remediation.considered': ({ status }) => status.candidates.map(tellCandidate),
  'remediation.intended': ({ status }) => tellIntent(status.attempts.at(-1), status.candidates),
  'remediation.completed': ({ status }) => tellOutcome(status.attempts.at(-1)),
  'rollback.completed': ({ status }) => tellOutcome(status.attempts.at(-1)),
  'verification.passed': ({ status }) => tellVerification(status.attempts, 'green'),
  'verification.failed': ({ status }) => tellVerification(status.attempts, 'red'),
  'incident.escalated': ({ status }) => {
    const { reason = '', message = '' } = status.escalations.at(-1) ?? {};
    return [{ label: 'escalated', style: 'yellow', text: `${reason}: ${message}` }];
  },
  'incident.resolved': ({ status }) => [
    {
      label: 'resolved',
      style: 'green',
      text: `${status.resolution ?? ''}: ${status.timeline.at(-1)?.message ?? ''}`,
    },
  ],
};

/** Puts one change of an incident into lines; none for what is no news. */
export function tell(type: string, incident: IncidentObject, thresholds: ThresholdWords): Line[] {
  return TELLERS[type]?.(incident, thresholds) ?? [];
}

function tellBreach({ spec, metadata }: IncidentObject, thresholds: ThresholdWords): Line[] {
  const { threshold, policy, severity, evidence } = spec;
  const breach = evidence.findLast(({ note }) => note === `threshold ${threshold}`);
  const words = thresholds.get(`${policy.name}/${threshold}`) ?? '';
  const found = `${breach?.signal ?? threshold} is ${shown(breach?.value ?? null)}`;
  return [
    {
      label: 'saw',
      style: 'yellow',
      text: `${found}; policy ${policy.name}, threshold ${threshold}: ${words} (${severity})`,
    },
    { label: 'incident', style: 'dim', text: metadata.name },
  ];
}

function shown(value: string | number | boolean | null): string {
  return typeof value === 'number' ? String(Number(value.toFixed(3))) : String(value);
}

function tellCause({ status }: IncidentObject): Line[] {
  const { diagnosis } = status;
  if (diagnosis === undefined) return [];
  const { rootCause, confidence, explanation, source, evidenceRefs } = diagnosis;
  const cited = evidenceRefs.length === 0 ? '' : `; evidence ${evidenceRefs.join(', ')}`;
  const basis = `${source}, ${Math.round(confidence * 100)} %${cited}`;
  return [{ label: 'cause', style: 'plain', text: `${rootCause} (${basis}): ${explanation}` }];
}

function tellCandidate({ action, tool, verdict, blockedBy }: CandidateObject): Line {
  const what = `${action} (${tool})`;
  if (verdict === 'Permitted') {
    return { label: 'decided', style: 'plain', text: `${what}: permitted, no guard objects` };
  }
  const why = blockedBy.map(({ reason, message }) => `${reason}: ${message}`).join('; ');
  return { label: 'held', style: 'yellow', text: `${what}: ${why}` };
}

function tellIntent(
  attempt: AttemptObject | undefined,
  candidates: readonly CandidateObject[],
): Line[] {
  if (attempt === undefined) return [];
  const { tool, candidate, affects, intent, rollbackOf } = attempt;
  const targets = affects.map(({ name }) => name).join(', ');
  const given = rollbackOf === undefined ? argumentsOf(candidate, candidates) : 'as it was before';
  const what = rollbackOf === undefined ? tool : `undo ${tool}`;
  return [
    {
      label: 'acts',
      style: 'cyan',
      text: `${what} on ${targets} ${given}; intent ${intent} is on disk`,
    },
  ];
}

function argumentsOf(candidate: string, candidates: readonly CandidateObject[]): string {
  const args = JSON.stringify(candidates.find(({ id }) => id === candidate)?.arguments ?? {});
  return args === '{}' ? 'without arguments' : `with ${args}`;
}

function tellOutcome(attempt: AttemptObject | undefined): Line[] {
  if (attempt === undefined) return [];
  const { outcome = 'unknown', reason, message, startedAt, endedAt = startedAt, result } = attempt;
  const tookMs = Date.parse(endedAt) - Date.parse(startedAt);
  const details = [reason, message, changeIn(result)].filter((part) => part !== undefined);
  return [
    {
      label: 'acted',
      style: outcome === 'Succeeded' ? 'cyan' : 'yellow',
      text: [`${outcome} after ${(tookMs / 1000).toFixed(1)} s`, ...details].join('; '),
    },
  ];
}

/** The part of a tool's answer that people ask for: what was changed from what. */
function changeIn(result: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const after = numberAt(result, 'limits', 'memoryBytes');
  const before = numberAt(result, 'previous', 'memory');
  if (after !== undefined && before !== undefined) {
    return `memory limit ${formatBytes(before)} → ${formatBytes(after)}`;
  }
  const setAside = valueAt(result, 'previous', 'name');
  return typeof setAside === 'string' ? `the old one waits as ${setAside}` : undefined;
}

function numberAt(
  result: Readonly<Record<string, unknown>> | undefined,
  ...path: readonly [string, string]
): number | undefined {
  const value = valueAt(result, ...path);
  return typeof value === 'number' ? value : undefined;
}

function valueAt(
  result: Readonly<Record<string, unknown>> | undefined,
  ...[outer, inner]: readonly [string, string]
): unknown {
  const object = result?.[outer];
  return typeof object === 'object' && object !== null
    ? (object as Readonly<Record<string, unknown>>)[inner]
    : undefined;
}

function tellVerification(attempts: readonly AttemptObject[], style: Style): Line[] {
  const judged = attempts.findLast(({ verification }) => verification.message !== undefined);
  const text = judged?.verification.message ?? '';
  return [{ label: style === 'green' ? 'verified' : 'not well', style, text }];
}
