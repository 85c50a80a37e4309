import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord, RecordType } from '#core/journal/record.ts';
import { counted } from '#lib/counted.ts';
import { formatDuration } from '#lib/duration.ts';
import { quoted } from '#lib/plain-text.ts';

type Words = { readonly [Type in RecordType]?: (data: RecordData[Type]) => string };

/** What a record says, for a person who reads along. Empty for what its type says already. */
export function recordWords({ type, data }: JournalRecord): string {
  const words = WORDS[type] as ((data: object) => string) | undefined;
  return words?.(data) ?? '';
}

const message = (data: { readonly message: string }) => data.message;

const WORDS: Words = {
  started: ({ version, host, mode }) => `version ${version} on ${host}, mode ${mode}`,
  stopped: ({ reason }) => reason,
  'policy.loaded': ({ policies, problems, revision }) =>
    [
      `${policies.length === 0 ? 'no policy' : policies.map(({ name }) => name).join(', ')} in force`,
      ...(problems === 0 ? [] : [`${counted(problems, 'problem')} in the last load`]),
      ...(revision === '' ? [] : [revision]),
    ].join(', '),
  'workload.observed': (data) => {
    const facts = [
      ...(data.exitCode === undefined ? [] : [`exit code ${data.exitCode}`]),
      ...(data.signal === undefined ? [] : [`signal ${data.signal}`]),
      ...(data.state === undefined ? [] : [data.state]),
      ...(data.note === undefined ? [] : [data.note]),
    ];
    return `${data.event} by ${data.cause}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`;
  },
  'incident.opened': (data) => `${data.severity}: ${data.message}`,
  'incident.updated': message,
  'incident.resolved': ({ resolution, message: why }) => `${resolution}: ${why}`,
  'incident.reopened': message,
  'incident.escalated': ({ reason, message: why }) => `${reason}: ${why}`,
  'diagnosis.completed': diagnosisWords,
  'remediation.considered': ({ candidates }) =>
    candidates
      .map(({ action, blockedBy }) => {
        const reasons = blockedBy.map(({ reason }) => reason).join(', ');
        return `${action} ${reasons === '' ? 'permitted' : `refused (${reasons})`}`;
      })
      .join('; '),
  'approval.requested': message,
  'approval.granted': ({ candidate }) => candidate,
  'approval.denied': ({ candidate, reason }) => `${candidate}: ${reason}`,
  'approval.expired': ({ candidate, reason }) =>
    reason === undefined ? candidate : `${candidate}: ${reason}`,
  'remediation.intended': ({ action, tool, trigger, intent }) =>
    `${action} (${tool}) because of ${trigger}, intent ${intent}`,
  'remediation.completed': ({ outcome, reason, message: why }) =>
    [outcome, reason, why].filter((part) => part !== undefined && part !== '').join(': '),
  'verification.passed': message,
  'verification.failed': ({ message: why, next }) => `${why}; next: ${next}`,
  'rollback.completed': ({ outcome, message: why }) => `${outcome}: ${why}`,
  'shadow.decided': message,
  'shadow.followed': ({ action, selfRecovered }) => `${action}: self-recovered ${selfRecovered}`,
  'pause.set': ({ scope, name, forMs, reason }) =>
    `${scope}${name === '' ? '' : ` ${name}`}${forMs === undefined ? '' : ` for ${formatDuration(forMs)}`}: ${reason}`,
  'pause.cleared': ({ scope, name, reason }) =>
    `${scope}${name === '' ? '' : ` ${name}`}: ${reason}`,
};

const MODEL_CHARS_MAX = 300;

function diagnosisWords(data: RecordData['diagnosis.completed']): string {
  const { source, rootCause, explanation, advice, models = [] } = data;
  const cause =
    source === 'model'
      ? `${quoted(rootCause, MODEL_CHARS_MAX)}: ${quoted(explanation, MODEL_CHARS_MAX)} by a model`
      : `${rootCause}: ${explanation}`;
  const sure = Math.round((advice?.confidence ?? 0) * 100);
  return [
    cause,
    ...(advice === undefined ? [] : [`a model advises ${advice.choice} (${sure} %)`]),
    ...models.map(({ stage, outcome }) => `${stage} ${outcome}`),
  ].join('; ');
}
