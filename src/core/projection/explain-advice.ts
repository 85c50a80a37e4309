import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { callWords } from '#core/remediation/call-words.ts';
import { plainLine } from '#lib/plain-text.ts';
import { clock, percent } from './explain-formats.ts';
import { wasTried } from './explain-next.ts';
import type { AttemptObject, CandidateObject, IncidentObject } from './schema.ts';

/** What the policy in force says of a model's choice. */
export interface ChoiceRule {
  readonly choose: 'Ladder' | 'Model';
  readonly minConfidence: number;
}

type Status = IncidentObject['status'];
type Advice = NonNullable<NonNullable<Status['diagnosis']>['advice']>;

/**
 * What a model would have done, and what became of that. It is worked out from what was done and from
 * what the gate says, since nothing but those decides about it.
 *
 * @param rule of the policy, where it is known
 * @param records of the incident, where they are at hand: the first of equal advice says when it came
 */
export function adviceLines(
  { status }: IncidentObject,
  rule: ChoiceRule | undefined,
  records: readonly JournalRecord[],
): string[] {
  const advice = status.diagnosis?.advice;
  if (advice === undefined) return [];
  // Of what is not known to be late nobody says that it was: the diagnosis may have been told again.
  const at = cameAt(advice, status, records) ?? '';
  const what = `It would ${choiceWords(advice, status.candidates)}, ${percent(advice.confidence)} sure.`;
  return [what, outcomeOf(advice, { status, rule, at })].map(plainLine);
}

function cameAt(
  { choice, confidence }: Advice,
  { timeline }: Status,
  records: readonly JournalRecord[],
): string | undefined {
  const since = timeline.findLast(({ event }) => event === 'Reopened')?.at ?? '';
  return records.find(({ type, time, data }) => {
    if (type !== 'diagnosis.completed' || time < since) return false;
    const { advice } = data as RecordData['diagnosis.completed'];
    return advice?.choice === choice && advice.confidence === confidence;
  })?.time;
}

function choiceWords({ choice }: Advice, candidates: readonly CandidateObject[]): string {
  if (choice === 'none') return 'do nothing for now';
  if (choice === 'escalate') return 'ask a person';
  const candidate = candidates.find(({ id }) => id === choice);
  if (candidate === undefined) return `take ${choice}`;
  return `take ${candidate.action} (${callWords(candidate.tool, candidate.arguments)})`;
}

interface Context {
  readonly status: Status;
  readonly rule: ChoiceRule | undefined;
  /** When the advice came. */
  readonly at: string;
}

function outcomeOf(advice: Advice, { status, rule, at }: Context): string {
  if (rule?.choose === 'Ladder') return 'Not followed: the policy leaves the choice to its ladder.';
  if (rule !== undefined && advice.confidence < rule.minConfidence) {
    return `Not followed: the policy asks for ${percent(rule.minConfidence)}, so its ladder decides.`;
  }
  if (advice.confidence === 0) {
    return 'Not followed: it cited no evidence, or some that does not exist.';
  }
  const first = status.attempts.find(
    ({ rollbackOf, outcome }) => rollbackOf === undefined && outcome !== 'NotExecuted',
  );
  if (first !== undefined && first.startedAt < at) {
    return `Too late: ${begun(first)} before it came.`;
  }
  switch (advice.choice) {
    case 'escalate':
      return status.escalations.some((one) => one.reason === 'ModelAdvice' && one.at >= at)
        ? 'Followed: people were told, while the ladder goes on.'
        : 'Not followed: nobody was told because of it.';
    case 'none':
      return first === undefined
        ? 'It can put off the first action for a short while, and no more.'
        : `It could only put off the first action: ${begun(first)}.`;
    default:
      return chosen(advice.choice, status, first, at);
  }
}

function chosen(
  choice: string,
  status: Status,
  first: AttemptObject | undefined,
  at: string,
): string {
  const attempt = status.attempts.find(
    ({ candidate, startedAt, rollbackOf }) =>
      candidate === choice && startedAt >= at && rollbackOf === undefined,
  );
  if (attempt?.outcome === 'NotExecuted') {
    const why = attempt.message ?? attempt.reason ?? 'refused at the last moment';
    return `Followed, but not carried out: ${why}.`;
  }
  if (attempt !== undefined) return `Followed: ${begun(attempt)}.`;
  if (first !== undefined) return `Not followed: ${begun(first)} instead.`;
  const { approval } = status;
  if (approval?.state === 'Requested') {
    return approval.candidate === choice
      ? 'A person is asked about it.'
      : `Not followed: a person is asked about ${approval.candidate} already.`;
  }
  const candidate = status.candidates.find(({ id }) => id === choice);
  if (candidate === undefined) return 'Not followed: it is no longer among the candidates.';
  return notBegun(candidate, status);
}

function notBegun(candidate: CandidateObject, status: Status): string {
  const reasons = candidate.blockedBy.map(({ reason }) => reason);
  if (reasons.length > 0 && reasons.every((reason) => reason === 'Shadow')) {
    return 'Nothing is carried out: Sentinel only watches here.';
  }
  if (reasons.length > 0) return `Not followed: it is not permitted (${reasons.join(', ')}).`;
  if (status.phase === 'Resolved' || wasTried(status, candidate)) return 'Not followed.';
  return 'It has not begun yet.';
}

function begun({ action, startedAt }: AttemptObject): string {
  return `${action} was begun at ${clock(startedAt)}`;
}
